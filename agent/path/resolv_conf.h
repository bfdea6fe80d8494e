#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace haidang::agent {

// What the system's resolver goes by (resolv.conf(5)).
struct ResolvConf {
  std::vector<std::string> servers;  // IP addresses, at most 3, in order; never empty
  std::chrono::seconds timeout{5};   // of one server, 1–30
  int attempts = 2;                  // rounds through all servers, 1–5
};

// Lines that cannot be read are passed over, as glibc does; without a server it is 127.0.0.1.
ResolvConf ParseResolvConf(std::string_view text);

}  // namespace haidang::agent
