#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/probe/curl_api.h"
#include "agent/probe/phases.h"
#include "agent/probe/url.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

struct HttpRequest {
  std::string url;
  Url parsed;                          // of `url`
  std::vector<std::string> addresses;  // of its host; IPv6 in brackets
  std::string ca_file;                 // PEM; empty: the system's
  std::string contains;                // looked for in the body
  size_t max_body = 1U << 20;          // bytes; beyond that the request is given up
  std::chrono::milliseconds timeout{10000};
  std::vector<std::string> headers = {};  // "Name: value", added to libcurl's own
  bool keep_body = false;
};

struct HttpAnswer {
  CURLcode code = CURLE_FAILED_INIT;
  int os_error = 0;        // errno of a failed connect, or 0
  long verified = 0;       // X509_V_…: what OpenSSL found wrong with the certificate, or 0
  bool too_large = false;  // body or headers beyond their bounds
  bool contains = false;   // the text was found
  long status = 0;         // 0: no answer
  size_t body_bytes = 0;
  std::string body;         // where it was to be kept
  std::string redirect;     // absolute, where the answer is one
  int64_t cert_expiry = 0;  // seconds since 1970-01-01 UTC, the chain's earliest; 0: not known
  RequestMarks marks;
};

// GETs over HTTP/1.1 on libcurl's multi interface, in the loop: no thread, no blocking. A new
// connection each time, so that every phase is measured; certificates are always checked. Loop
// thread only.
class Http {
 public:
  // Gives the request up when destroyed; no callback comes then.
  class Request {
   public:
    virtual ~Request() = default;
  };

  // All must outlive the Http, and the Http its Requests.
  Http(const CurlApi& api, Loop& loop, const Clock& clock);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // `done` is called once, later, and may destroy the Request.
  std::unique_ptr<Request> Get(HttpRequest request, std::function<void(const HttpAnswer&)> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// libcurl's "Nov 22 13:48:00 2026 GMT" in seconds since 1970-01-01 UTC; 0 where it is no such time.
int64_t ParseCertTime(const std::string& text);

}  // namespace haidang::agent
