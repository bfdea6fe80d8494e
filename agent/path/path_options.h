#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"

namespace haidang::agent {

enum class PathMethod {
  kAuto,  // ICMP where sockets allow it and it is answered, else TCP
  kIcmp,
  kTcp,
};

struct PathHost {
  std::string name;     // label "target"
  std::string address;  // a name or an IP address
  uint16_t port = 0;    // for TCP; 0: usual ones are tried
};

// Which ways out of the machine are measured. [path] in the configuration.
struct PathOptions {
  std::string hub = {};                        // the province's; a name or an IP address, "": none
  std::vector<PathHost> hosts = {};            // at most 16
  std::vector<std::string> names = {};         // that the name server is asked for; at most 8
  std::chrono::milliseconds interval{15'000};  // between rounds; less than the sampler's: each tick
  bool gateway = true;                         // also the default route's next hop
  size_t echoes = 5;                           // trials of a round
  PathMethod method = PathMethod::kAuto;
};

// Nothing where there is no [path].
std::optional<PathOptions> ReadPathOptions(ConfigTable& root);

}  // namespace haidang::agent
