#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/probe/cookie_jar.h"
#include "agent/probe/curl_api.h"
#include "agent/probe/phases.h"
#include "agent/probe/url.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Which of a host's addresses are used.
enum class IpFamily { kAny, kV4, kV6 };

// How a server is reached, and who we are to it.
struct HttpAccess {
  std::string ca_file;               // PEM; empty: the system's
  std::string client_cert_file;      // PEM; empty: none is shown
  std::string client_key_file;       // PEM
  std::optional<Url> proxy;          // of HTTP; nothing: none, whatever the environment says
  IpFamily family = IpFamily::kAny;  // of the proxy's address where there is one

  // What is connected to, and looked up for that, on the way to `url`: the proxy, or its host.
  const Url& PeerFor(const Url& url) const { return proxy ? *proxy : url; }
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Url parsed;                          // of `url`
  std::vector<std::string> addresses;  // of its host, or of the proxy's; IPv6 in brackets
  HttpAccess access;
  std::vector<std::string> contains;  // each is looked for in the body
  size_t max_body = 1U << 20;         // bytes, decompressed; beyond that the request is given up
  std::chrono::milliseconds timeout{10000};
  std::vector<std::string> headers = {};  // "Name: value", added to libcurl's own
  std::string body = {};                  // sent along; "": none
  std::string content_type = {};          // of `body`
  bool keep_answer = false;               // its body and headers
  const CookieJar* cookies = nullptr;     // null: none are kept
};

struct HttpAnswer {
  CURLcode code = CURLE_FAILED_INIT;
  int os_error = 0;            // errno of a failed connect, or 0
  long verified = 0;           // X509_V_…: what OpenSSL found wrong with the certificate, or 0
  bool too_large = false;      // body or headers beyond their bounds
  std::vector<bool> contains;  // of each text, whether it was found
  long status = 0;             // 0: no answer
  long proxy_status = 0;       // its answer to CONNECT, HTTPS alone; 0: none
  double version = 0;          // of HTTP, e.g. 1.1; 0: no answer
  size_t body_bytes = 0;       // decompressed
  std::string body;            // where it was to be kept
  std::string headers;         // as received, where they were to be kept
  std::vector<std::string> cookies;  // that the jar holds, in Netscape's format; where kept
  std::string address;               // that it was connected to; "" where it was not
  std::string redirect;              // absolute, where the answer is one
  int64_t cert_expiry = 0;  // seconds since 1970-01-01 UTC, the chain's earliest; 0: not known
  RequestMarks marks;
};

// Requests over HTTP/1.1 on libcurl's multi interface, in the loop: no thread, no blocking. A new
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
  std::unique_ptr<Request> Send(HttpRequest request, std::function<void(const HttpAnswer&)> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// libcurl's "Nov 22 13:48:00 2026 GMT" in seconds since 1970-01-01 UTC; 0 where it is no such time.
int64_t ParseCertTime(const std::string& text);

}  // namespace haidang::agent
