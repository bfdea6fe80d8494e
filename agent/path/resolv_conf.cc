#include "agent/path/resolv_conf.h"

#include <algorithm>

#include "agent/path/address.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxServers = 3;

// `text` after `prefix` as a number of 1 to `max`; `otherwise` where it is none.
uint64_t Option(std::string_view text, std::string_view prefix, uint64_t max, uint64_t otherwise) {
  if (!text.starts_with(prefix)) return otherwise;
  const auto number = ParseUnsigned(text.substr(prefix.size()));
  return number ? std::clamp<uint64_t>(*number, 1, max) : otherwise;
}

}  // namespace

ResolvConf ParseResolvConf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view key = TakeField(line);
    if (key == "nameserver" && conf.servers.size() < kMaxServers) {
      const std::string_view server = TakeField(line);
      if (Address::Parse(server, 0)) conf.servers.emplace_back(server);
    } else if (key == "options") {
      for (auto word = TakeField(line); !word.empty(); word = TakeField(line)) {
        conf.timeout = std::chrono::seconds(
            Option(word, "timeout:", 30, static_cast<uint64_t>(conf.timeout.count())));
        conf.attempts =
            static_cast<int>(Option(word, "attempts:", 5, static_cast<uint64_t>(conf.attempts)));
      }
    }
  }
  if (conf.servers.empty()) conf.servers.emplace_back("127.0.0.1");
  return conf;
}

}  // namespace haidang::agent
