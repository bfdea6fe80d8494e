#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/probe/http.h"
#include "agent/probe/phases.h"
#include "agent/probe/resolver.h"
#include "core/clock.h"
#include "core/histogram.h"
#include "core/io/loop.h"

namespace haidang::agent {

// One request, with what must be true of its answer.
struct ProbeOptions {
  std::string journey;  // e.g. "mot-cua"
  std::string step;     // e.g. "tra-cuu"
  std::string method = "GET";
  std::string url;                           // ParseUrl accepts it
  std::chrono::milliseconds interval{0};     // between runs; less than the sampler's: at each tick
  std::chrono::milliseconds timeout{10000};  // of a whole run, redirects included
  std::vector<int64_t> status;               // that are right; empty: 200–299
  std::vector<std::string> contains;         // must stand in the body
  std::vector<std::string> lacks;            // must not
  std::optional<std::chrono::milliseconds> max_time;  // slower is a failure
  HttpAccess access;
  size_t max_body = 1U << 20;  // bytes, decompressed
  int max_redirects = 3;
  std::vector<std::string> headers = {};  // "Name: value"; another origin does not get them
  std::string body = {};
  std::string content_type = {};
  bool may_send_again = false;  // the body, where the same origin asks for it (307, 308)
  bool keep_answer = false;     // body, headers and cookies
  // Judges the kept answer where all else is right: an Error is the reason "content".
  std::function<Status(const HttpAnswer&)> judge = {};
};

// Why a run failed, as haidang_probe_reason states it. A small fixed set: others count on the
// words.
enum class ProbeReason {
  kNone,             // "": it succeeded
  kDns,              // "dns": the name has no address
  kRefused,          // "refused": nobody listens there
  kUnreachable,      // "unreachable": no way to the address
  kDnsTimeout,       // "dns_timeout": the name server did not answer
  kConnectTimeout,   // "connect_timeout": nobody answers at the address
  kTlsTimeout,       // "tls_timeout": the TLS handshake did not end
  kTimeout,          // "timeout": the answer did not begin
  kTransferTimeout,  // "transfer_timeout": the answer did not end
  kTls,              // "tls": no common protocol, or the other side gave up
  kTlsExpired,       // "tls_expired": the certificate's time is over, or not begun
  kTlsName,          // "tls_name": the certificate is another host's
  kTlsUntrusted,     // "tls_untrusted": nobody we trust gave the certificate
  kClosed,           // "closed": the connection ended before the answer did
  kProtocol,         // "protocol": the answer is not HTTP
  kRedirect,         // "redirect": too many, or to what may not be probed
  kStatus,           // "status": not one of those that are right, or a proxy refused
  kContent,          // "content": it does not say what it must
  kTooLarge,         // "too_large": answer beyond its bound
  kSlow,             // "slow": right, but later than it may be
  kInternal,         // "internal": libcurl could not work, e.g. unreadable CA file
};
std::string_view ToString(ProbeReason reason);

struct ProbeResult {
  ProbeReason reason = ProbeReason::kNone;
  std::string detail;  // for people; never holds the URL
  PhaseTimes times;
  std::vector<int64_t> hops_us = {};  // of each redirected request, how long it took
  uint64_t requests = 0;              // that were sent, or begun
  long status = 0;
  double version = 0;        // of HTTP; 0: no answer
  std::string address = {};  // that the last request was connected to; "" where it was not
  size_t body_bytes = 0;
  std::string body = {};    // of the last answer, where it was to be kept
  int64_t cert_expiry = 0;  // seconds since 1970-01-01 UTC; 0: not known
};

// Makes runs of one request, one at a time. Loop thread only.
class Probe {
 public:
  // All must outlive the Probe. `cookies` null: none are kept.
  Probe(ProbeOptions options, Loop& loop, const Clock& clock, Http& http, Resolver& resolver,
        const CookieJar* cookies = nullptr);

  // `done` is called when the run has ended, within the time-out. Required: !running().
  void Run(std::function<void(ProbeResult)> done);
  bool running() const { return done_ != nullptr; }
  const ProbeOptions& options() const { return options_; }

 private:
  void Ask();
  void Redirect(const HttpAnswer& answer);
  void OnResolved(const Resolver::Answer& answer);
  void OnAnswer(const HttpAnswer& answer);
  void Judge(const HttpAnswer& answer);
  // What of the body's texts is not as it must be; "" where all is.
  std::string WrongText(const HttpAnswer& answer) const;
  void Fail(ProbeReason reason, std::string detail);
  void Finish();
  int64_t LeftMs() const;
  std::string TimedOut(Phase phase) const;
  // Says whose fault it is: until there is a connection, the proxy's where there is one.
  std::string OfPeer(Phase phase, const std::string& detail) const;

  ProbeOptions options_;
  Loop& loop_;
  const Clock& clock_;
  Http& http_;
  Resolver& resolver_;
  const CookieJar* cookies_;

  std::function<void(ProbeResult)> done_;
  ProbeResult result_;
  HttpRequest request_;
  int64_t deadline_ns_ = 0;
  int64_t resolve_begin_ns_ = 0;
  std::unique_ptr<Resolver::Ticket> ticket_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Http::Request> running_request_;
};

// Why a request that libcurl gave up with `answer` failed.
ProbeReason ReasonOf(const HttpAnswer& answer, bool tls);

}  // namespace haidang::agent
