#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace haidang::http {

inline constexpr size_t kMaxRequestLine = 8192;  // bytes: method, path with query, version
inline constexpr size_t kMaxHeadBytes = 16384;
inline constexpr size_t kMaxHeaders = 64;

// Of a request's head what we use; the other headers are judged and forgotten.
struct Head {
  std::string method;
  std::string target;      // path and query as they were sent, beginning with '/'
  bool old = false;        // HTTP/1.0: knows no chunks
  bool keep_alive = true;  // as the client would have it
  bool gzip = false;       // it takes gzip
  bool expects_continue = false;
  bool chunked = false;   // a body of unknown length comes
  bool sized = false;     // it has a Content-Length
  size_t body_bytes = 0;  // that length
  std::string authorization;
  std::string if_none_match;

  std::string_view path() const;   // as it was sent, still encoded
  std::string_view query() const;  // what stands behind '?'; "" where nothing does
};

// What to do with the bytes of a connection so far.
struct HeadVerdict {
  int status = 0;   // 0: no complaint; else the HTTP status to refuse with
  size_t used = 0;  // bytes of the complete head; 0: more must come
  Head head;
};

// Judges the beginning of a request: HTTP/1.0 or 1.1 with CRLF line ends, no control characters,
// within the sizes above, at most one length of its body. Takes hostile bytes; linear in their
// number.
HeadVerdict JudgeHead(std::string_view bytes);

}  // namespace haidang::http
