#pragma once

#include "core/io/http/head.h"
#include "core/io/http/outlet.h"
#include "core/io/http/reply.h"

namespace haidang::http {

// Writes `reply` to the question `head` as HTTP/1.1: its own headers and `fixed`, gzip where the
// client takes it and it pays, a stream in chunks; no body for HEAD, 204 and 304. A body is written
// from where it is, in pieces; a stream is never held as a whole. False where the connection must
// end: `keep_alive` was false, or the reader did not take it.
bool WriteAnswer(Outlet& outlet, const Head& head, Reply reply, const Headers& fixed,
                 bool keep_alive);

}  // namespace haidang::http
