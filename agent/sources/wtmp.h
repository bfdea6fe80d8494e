#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace haidang::agent {

// What Linux' record of logins (/var/log/wtmp, utmp(5)) says of the newest boot in it.
struct BootRecord {
  int64_t booted_s = 0;                     // seconds since 1970-01-01 UTC
  std::optional<int64_t> shut_down_s = {};  // the shutdown before it; nothing: there was none
  bool has_before = false;                  // a boot before it stands there too
};

// `records`: the end of the file, as many whole records as are at hand. Nothing where it holds no
// boot.
std::optional<BootRecord> ParseWtmp(std::string_view records);

}  // namespace haidang::agent
