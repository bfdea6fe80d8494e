#include "agent/probe/probe.h"

#include <fmt/format.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace haidang::agent {

using std::chrono::milliseconds;

std::string_view ToString(ProbeReason reason) {
  switch (reason) {
    case ProbeReason::kNone:
      return "";
    case ProbeReason::kDns:
      return "dns";
    case ProbeReason::kRefused:
      return "refused";
    case ProbeReason::kUnreachable:
      return "unreachable";
    case ProbeReason::kDnsTimeout:
      return "dns_timeout";
    case ProbeReason::kConnectTimeout:
      return "connect_timeout";
    case ProbeReason::kTlsTimeout:
      return "tls_timeout";
    case ProbeReason::kTimeout:
      return "timeout";
    case ProbeReason::kTransferTimeout:
      return "transfer_timeout";
    case ProbeReason::kTls:
      return "tls";
    case ProbeReason::kTlsExpired:
      return "tls_expired";
    case ProbeReason::kTlsName:
      return "tls_name";
    case ProbeReason::kTlsUntrusted:
      return "tls_untrusted";
    case ProbeReason::kClosed:
      return "closed";
    case ProbeReason::kProtocol:
      return "protocol";
    case ProbeReason::kRedirect:
      return "redirect";
    case ProbeReason::kStatus:
      return "status";
    case ProbeReason::kContent:
      return "content";
    case ProbeReason::kTooLarge:
      return "too_large";
    case ProbeReason::kSlow:
      return "slow";
    case ProbeReason::kInternal:
      return "internal";
  }
  return "internal";
}

namespace {

// libcurl compares the name itself, after OpenSSL found nothing wrong, and leaves no result then.
ProbeReason CertificateFault(long verified) {
  switch (verified) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return ProbeReason::kTlsName;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ProbeReason::kTlsExpired;
    default:
      return ProbeReason::kTlsUntrusted;
  }
}

ProbeReason TimeOutIn(Phase phase) {
  switch (phase) {
    case kResolve:
      return ProbeReason::kDnsTimeout;
    case kConnect:
      return ProbeReason::kConnectTimeout;
    case kTls:
      return ProbeReason::kTlsTimeout;
    case kTransfer:
      return ProbeReason::kTransferTimeout;
    case kProcessing:
    case kRedirect:
      break;
  }
  return ProbeReason::kTimeout;
}

// The proxy answered, and did not connect to the server.
bool ProxyRefused(const HttpAnswer& answer) {
  return answer.code != CURLE_OK && answer.proxy_status != 0 && answer.proxy_status / 100 != 2;
}

// In words, for people.
std::string Explain(const HttpAnswer& answer, ProbeReason reason) {
  switch (reason) {
    case ProbeReason::kStatus:
      return fmt::format("did not connect to the server: HTTP status {}{}", answer.proxy_status,
                         answer.proxy_status == 407 ? ", it asks for a password" : "");
    case ProbeReason::kDns:
      return "name not found";
    case ProbeReason::kRefused:
      return "connection refused: nobody listens at this address and port";
    case ProbeReason::kUnreachable:
      return answer.os_error == 0
                 ? "no way to the address"
                 : std::string("no way to the address: ") + std::strerror(answer.os_error);
    case ProbeReason::kTlsExpired:
      return answer.verified == X509_V_ERR_CERT_NOT_YET_VALID
                 ? "TLS certificate not valid yet: check both clocks"
                 : "TLS certificate expired";
    case ProbeReason::kTlsName:
      return "TLS certificate has another host's name";
    case ProbeReason::kTlsUntrusted:
      return std::string("TLS certificate not trusted: ") +
             X509_verify_cert_error_string(answer.verified);
    case ProbeReason::kTls:
      return "TLS failed: no common protocol, or the other side refused";
    case ProbeReason::kClosed:
      return answer.status != 0 ? "connection closed in the middle of the answer"
                                : "connection closed before an answer";
    case ProbeReason::kProtocol:
      return "the answer is not HTTP";
    case ProbeReason::kTooLarge:
      return "the answer is too large";
    default:
      if (answer.code == CURLE_SSL_CACERT_BADFILE) return "the probe's CA file cannot be read";
      return "libcurl's error " + std::to_string(answer.code);
  }
}

}  // namespace

ProbeReason ReasonOf(const HttpAnswer& answer, bool tls) {
  if (answer.too_large) return ProbeReason::kTooLarge;
  if (ProxyRefused(answer)) return ProbeReason::kStatus;
  switch (answer.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return ProbeReason::kDns;
    case CURLE_COULDNT_CONNECT:
      if (answer.os_error == ETIMEDOUT) return ProbeReason::kConnectTimeout;
      return answer.os_error == ECONNREFUSED ? ProbeReason::kRefused : ProbeReason::kUnreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return TimeOutIn(LastPhase(answer.marks, tls));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return ProbeReason::kTls;
    case CURLE_PEER_FAILED_VERIFICATION:
      return CertificateFault(answer.verified);
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return ProbeReason::kTls;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
      return ProbeReason::kClosed;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
      return ProbeReason::kProtocol;
    case CURLE_OUT_OF_MEMORY:
      // What libcurl says of one line of headers beyond its own bound of some 100 kB.
      return answer.marks.first_byte > 0 ? ProbeReason::kTooLarge : ProbeReason::kInternal;
    default:
      // What libcurl dislikes about an answer that has begun is the answer's fault.
      return answer.marks.first_byte > 0 ? ProbeReason::kProtocol : ProbeReason::kInternal;
  }
}

Probe::Probe(ProbeOptions options, Loop& loop, const Clock& clock, Http& http, Resolver& resolver,
             const CookieJar* cookies)
    : options_(std::move(options)),
      loop_(loop),
      clock_(clock),
      http_(http),
      resolver_(resolver),
      cookies_(cookies) {}

void Probe::Run(std::function<void(ProbeResult)> done) {
  done_ = std::move(done);
  result_ = {};
  deadline_ns_ = clock_.MonotonicNs() + options_.timeout.count() * 1'000'000;
  request_ = {};
  request_.method = options_.method;
  request_.url = options_.url;
  request_.access = options_.access;
  request_.contains = options_.contains;
  request_.contains.insert(request_.contains.end(), options_.lacks.begin(), options_.lacks.end());
  request_.max_body = options_.max_body;
  request_.headers = options_.headers;
  request_.body = options_.body;
  request_.content_type = options_.content_type;
  request_.keep_answer = options_.keep_answer;
  request_.cookies = cookies_;
  Ask();
}

int64_t Probe::LeftMs() const {
  return std::max<int64_t>((deadline_ns_ - clock_.MonotonicNs() + 999'999) / 1'000'000, 0);
}

std::string Probe::TimedOut(Phase phase) const {
  static constexpr std::array<std::string_view, kRedirect> kWhat = {
      "no answer from the name server", "no connection", "no end of the TLS handshake", "no answer",
      "the answer did not end"};
  const double seconds = static_cast<double>(options_.timeout.count()) / 1000;
  return fmt::format("{} within {} s", kWhat[phase], seconds);
}

std::string Probe::OfPeer(Phase phase, const std::string& detail) const {
  return options_.access.proxy && phase <= kConnect ? "proxy: " + detail : detail;
}

void Probe::Ask() {
  const auto parsed = ParseUrl(request_.url);
  if (!parsed) {
    return Fail(ProbeReason::kRedirect,
                "redirected to a URL that is not probed: " + parsed.error().message);
  }
  request_.parsed = *parsed;
  request_.addresses.clear();
  ++result_.requests;
  result_.address.clear();
  resolve_begin_ns_ = clock_.MonotonicNs();
  const Url& peer = options_.access.PeerFor(*parsed);
  if (peer.literal) return OnResolved(std::vector<std::string>{});
  ticket_ =
      resolver_.Resolve(peer.host, [this](const Resolver::Answer& answer) { OnResolved(answer); });
  timer_ = loop_.After(milliseconds(LeftMs()), [this] {
    result_.times.us[kResolve] += (clock_.MonotonicNs() - resolve_begin_ns_) / 1000;
    Fail(ProbeReason::kDnsTimeout, OfPeer(kResolve, TimedOut(kResolve)));
  });
}

void Probe::OnResolved(const Resolver::Answer& answer) {
  timer_.reset();
  result_.times.us[kResolve] += (clock_.MonotonicNs() - resolve_begin_ns_) / 1000;
  const auto fail = [this](const std::string& why) {
    Fail(ProbeReason::kDns, OfPeer(kResolve, why));
  };
  if (!answer) return fail("name not found: " + answer.error().message);
  const IpFamily family = options_.access.family;
  for (const std::string& address : *answer) {
    const bool v6 = address.starts_with('[');
    if (family == IpFamily::kAny || v6 == (family == IpFamily::kV6)) {
      request_.addresses.push_back(address);
    }
  }
  if (!answer->empty() && request_.addresses.empty()) {
    return fail(std::string("the name has no IPv") + (family == IpFamily::kV6 ? "6" : "4") +
                " address");
  }
  request_.timeout = milliseconds(LeftMs());
  running_request_ = http_.Send(request_, [this](const HttpAnswer& got) { OnAnswer(got); });
}

void Probe::OnAnswer(const HttpAnswer& answer) {
  const bool tls = request_.parsed.tls;
  const bool failed = answer.code != CURLE_OK;
  const PhaseTimes times = PhasesOf(answer.marks, tls, failed);
  for (size_t phase = 0; phase < kRedirect; ++phase) result_.times.us[phase] += times.us[phase];
  result_.status = ProxyRefused(answer) ? answer.proxy_status : answer.status;
  result_.version = answer.version;
  result_.address = answer.address;
  result_.body_bytes = answer.body_bytes;
  if (answer.cert_expiry != 0 &&
      (result_.cert_expiry == 0 || answer.cert_expiry < result_.cert_expiry)) {
    result_.cert_expiry = answer.cert_expiry;
  }
  if (failed) {
    const ProbeReason reason = ReasonOf(answer, tls);
    const Phase phase = LastPhase(answer.marks, tls);
    const bool timed_out = reason == TimeOutIn(phase);
    return Fail(reason, OfPeer(phase, timed_out ? TimedOut(phase) : Explain(answer, reason)));
  }
  if (!answer.redirect.empty() && options_.max_redirects > 0) return Redirect(answer);
  result_.body = answer.body;
  Judge(answer);
}

// As browsers do: what was posted is asked for by GET, unless the same origin wants it sent again.
void Probe::Redirect(const HttpAnswer& answer) {
  if (result_.hops_us.size() >= static_cast<size_t>(options_.max_redirects)) {
    return Fail(ProbeReason::kRedirect,
                "more than " + std::to_string(options_.max_redirects) + " redirects");
  }
  const auto to = ParseUrl(answer.redirect);
  const bool same = to && *to == request_.parsed;
  const bool reads = request_.method == "GET" || request_.method == "HEAD";
  const bool becomes_get =
      answer.status == 303 || (request_.method == "POST" && answer.status < 303);
  if (!reads && !becomes_get && !(same && options_.may_send_again)) {
    return Fail(ProbeReason::kRedirect, "redirected so that the request would be sent again");
  }
  if (!reads && becomes_get) {
    request_.method = "GET";
    request_.body.clear();
    request_.content_type.clear();
  }
  if (!same) request_.headers.clear();  // they were for the origin, and may be secret
  request_.url = answer.redirect;
  result_.hops_us.push_back(result_.times.Redirected());
  Ask();
}

std::string Probe::WrongText(const HttpAnswer& answer) const {
  for (size_t i = 0; i < answer.contains.size(); ++i) {
    const bool wanted = i < options_.contains.size();
    if (answer.contains[i] == wanted) continue;
    return wanted ? "the text looked for is not in the body"
                  : "the body holds a text that it must not";
  }
  return "";
}

void Probe::Judge(const HttpAnswer& answer) {
  const bool right = options_.status.empty()
                         ? answer.status >= 200 && answer.status <= 299
                         : std::find(options_.status.begin(), options_.status.end(),
                                     answer.status) != options_.status.end();
  if (!right) return Fail(ProbeReason::kStatus, "HTTP status " + std::to_string(answer.status));
  if (std::string wrong = WrongText(answer); !wrong.empty()) {
    return Fail(ProbeReason::kContent, std::move(wrong));
  }
  if (options_.judge) {
    if (const Status judged = options_.judge(answer); !judged) {
      return Fail(ProbeReason::kContent, judged.error().message);
    }
  }
  if (options_.max_time && result_.times.total() > options_.max_time->count() * 1000) {
    return Fail(ProbeReason::kSlow,
                fmt::format("took {:.3f} s, where {} s are allowed",
                            static_cast<double>(result_.times.total()) / 1e6,
                            static_cast<double>(options_.max_time->count()) / 1000));
  }
  Finish();
}

void Probe::Fail(ProbeReason reason, std::string detail) {
  result_.reason = reason;
  result_.detail = std::move(detail);
  Finish();
}

// Must be the last that its caller does: `done` may begin the next run.
void Probe::Finish() {
  ticket_.reset();
  timer_.reset();
  const auto done = std::move(done_);
  done_ = nullptr;
  done(std::move(result_));
}

}  // namespace haidang::agent
