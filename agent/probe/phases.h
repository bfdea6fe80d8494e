#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// Where a request's time went: blackbox_exporter's phases.
namespace haidang::agent {

enum Phase : size_t { kResolve, kConnect, kTls, kProcessing, kTransfer, kRedirect };
inline constexpr std::array<std::string_view, 6> kPhaseNames = {
    "resolve", "connect", "tls", "processing", "transfer", "redirect"};

// Microseconds in each phase: five of the last request, and the whole time of those before it,
// which were redirected. Their sum is the total, exactly.
struct PhaseTimes {
  std::array<int64_t, kPhaseNames.size()> us{};

  int64_t total() const;
  // The request was redirected: its time goes to kRedirect; how long it was.
  int64_t Redirected();
};

// The marks of one request, in microseconds from its start; 0 where it did not get there.
struct RequestMarks {
  int64_t resolved = 0;
  int64_t connected = 0;  // with HTTPS to the server, through the proxy where there is one
  int64_t tls_done = 0;
  int64_t first_byte = 0;
  int64_t total = 0;
};

// The phases of one request, without kRedirect. A request that failed spent its last time in the
// phase that it was in.
PhaseTimes PhasesOf(const RequestMarks& marks, bool tls, bool failed);

// The phase that a request with these marks was in when it ended.
Phase LastPhase(const RequestMarks& marks, bool tls);

}  // namespace haidang::agent
