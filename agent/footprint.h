#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace haidang::agent {

// Begin and end of the mapped code in the text of /proc/<pid>/maps: private, executable, not
// writable, of a file.
std::vector<std::pair<size_t, size_t>> ParseCodeMappings(std::string_view text);

// Gives back resident pages of code that only start-up needed (configuration, TLS handshake, making
// tables): what is still in use is mapped again from the page cache when it runs next. Nothing is
// lost but some microseconds. Any thread.
void ReleaseIdleCode();

}  // namespace haidang::agent
