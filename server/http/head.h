#pragma once

#include <string>
#include <string_view>

namespace haidang::server {

inline constexpr size_t kMaxRequestLine = 2048;  // bytes: method, path with query, version
inline constexpr size_t kMaxHeadBytes = 16384;
inline constexpr size_t kMaxHeaders = 64;

// What to do with the bytes of a connection so far.
struct HeadVerdict {
  int status = 0;    // 0: no complaint; else the HTTP status to refuse with
  size_t used = 0;   // bytes of the complete head; 0: more must come
  std::string head;  // the head as the HTTP parser shall see it
  bool keep_alive = true;
};

// Judges the beginning of a request before any other parser sees it: HTTP/1.0 or 1.1 with CRLF line
// ends, no control characters, within the sizes above. Of the headers only those that we use are
// passed on; a body is never read (no request of ours has one), its connection ends with the
// answer. Takes hostile bytes; linear in their number.
HeadVerdict JudgeHead(std::string_view bytes);

}  // namespace haidang::server
