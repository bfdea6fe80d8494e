#include "agent/probe/phases.h"

#include <algorithm>
#include <numeric>

namespace haidang::agent {

int64_t PhaseTimes::total() const { return std::accumulate(us.begin(), us.end(), int64_t{0}); }

int64_t PhaseTimes::Redirected() {
  const int64_t all = total();
  const int64_t hop = all - us[kRedirect];
  us = {};
  us[kRedirect] = all;
  return hop;
}

Phase LastPhase(const RequestMarks& marks, bool tls) {
  if (marks.first_byte > 0) return kTransfer;
  if (marks.tls_done > 0 || (marks.connected > 0 && !tls)) return kProcessing;
  if (marks.connected > 0) return kTls;
  return marks.resolved > 0 ? kConnect : kResolve;
}

PhaseTimes PhasesOf(const RequestMarks& marks, bool tls, bool failed) {
  const Phase last = failed ? LastPhase(marks, tls) : kTransfer;
  const std::array<int64_t, kRedirect> ends = {
      marks.resolved, marks.connected, tls ? marks.tls_done : 0, marks.first_byte, marks.total};
  const int64_t total = std::max<int64_t>(marks.total, 0);
  PhaseTimes times;
  int64_t begin = 0;
  for (size_t phase = 0; phase <= last; ++phase) {
    const int64_t end = phase == last ? total : std::clamp(ends[phase], begin, total);
    times.us[phase] = end - begin;
    begin = end;
  }
  return times;
}

}  // namespace haidang::agent
