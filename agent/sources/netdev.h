#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// One network device of /proc/net/dev.
struct NetworkStats {
  std::string device;
  uint64_t received_bytes = 0;
  uint64_t received_packets = 0;
  uint64_t receive_errors = 0;
  uint64_t receive_drops = 0;
  uint64_t sent_bytes = 0;
  uint64_t sent_packets = 0;
  uint64_t send_errors = 0;
  uint64_t send_drops = 0;
};

// Without the loop-back device and the ends of virtual cables (veth…) that come and go with
// containers.
Result<std::vector<NetworkStats>> ParseNetdev(std::string_view text);

}  // namespace haidang::agent
