#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// One network device of /proc/net/dev.
struct NetworkStats {
  std::string device;
  std::array<uint64_t, 16> numbers{};  // in their order there
};

// The loop-back device and the ends of virtual cables (veth…) that come and go with containers.
bool IsIgnoredDevice(std::string_view device);

// Without the loop-back device and the ends of virtual cables (veth…) that come and go with
// containers.
Result<std::vector<NetworkStats>> ParseNetdev(std::string_view text);

}  // namespace haidang::agent
