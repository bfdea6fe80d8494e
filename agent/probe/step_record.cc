#include "agent/probe/step_record.h"

#include <algorithm>
#include <utility>

#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

StepRecord::StepRecord(const std::string& journey, const std::string& step,
                       const std::vector<std::string>& depends_on)
    : labels_({{"journey", journey}, {"step", step}}) {
  for (const std::string& service : depends_on) {
    depends_on_ += (depends_on_.empty() ? "" : ",") + service;
  }
}

void StepRecord::Take(const ProbeResult& result, int64_t wall_ms, std::vector<Event>& events) {
  constexpr size_t kMaxEvents = 128;  // until the next tick, of all steps
  const bool failed = result.reason != ProbeReason::kNone;
  ++runs_;
  failures_ += failed ? 1 : 0;
  requests_ += result.requests;
  if (!failed) latency_.Observe(Seconds(result.times.total()));
  if (result.reason != reason_ && events.size() < kMaxEvents) {
    std::string text(ToString(result.reason));
    if (failed) text += ": " + Printable(result.detail, kMaxEventText - text.size() - 2);
    events.push_back({wall_ms, failed ? "probe_failed" : "probe_recovered",
                      labels_.find("journey")->second + "/" + step(), std::move(text)});
  }
  reason_ = result.reason;
  last_ = result;
  last_->body.clear();
}

void StepRecord::Report(std::vector<Reading>& readings) const {
  if (runs_ == 0) return;
  Add(readings, "haidang_probe_runs_total", labels_, uint64_t{runs_});
  Add(readings, "haidang_probe_failures_total", labels_, uint64_t{failures_});
  Add(readings, "haidang_probe_requests_total", labels_, uint64_t{requests_});
  if (!depends_on_.empty()) Add(readings, "haidang_probe_depends_on", labels_, depends_on_);
  Add(readings, "haidang_probe_latency_seconds", labels_, Bytes{latency_.Encode()});
  if (last_) ReportLast(readings);
}

void StepRecord::ReportLast(std::vector<Reading>& readings) const {
  const ProbeResult& last = *last_;
  Add(readings, "probe_success", labels_, last.reason == ProbeReason::kNone);
  Add(readings, "haidang_probe_reason", labels_, std::string(ToString(last.reason)));
  Add(readings, "haidang_probe_address", labels_, last.address);
  Add(readings, "probe_duration_seconds", labels_, Seconds(last.times.total()));
  for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
    Labels with_phase = labels_;
    with_phase.emplace("phase", kPhaseNames[phase]);
    Add(readings, "probe_http_duration_seconds", std::move(with_phase),
        Seconds(last.times.us[phase]));
  }
  for (size_t hop = 0; hop < std::min(last.hops_us.size(), kMaxHops); ++hop) {
    Labels with_hop = labels_;
    with_hop.emplace("hop", std::to_string(hop + 1));
    Add(readings, "haidang_probe_redirect_seconds", std::move(with_hop),
        Seconds(last.hops_us[hop]));
  }
  Add(readings, "probe_http_status_code", labels_, static_cast<uint64_t>(last.status));
  if (last.version > 0) Add(readings, "probe_http_version", labels_, last.version);
  Add(readings, "probe_http_content_length", labels_, uint64_t{last.body_bytes});
  Add(readings, "probe_http_redirects", labels_, uint64_t{last.hops_us.size()});
  if (last.cert_expiry != 0) {
    Add(readings, "probe_ssl_earliest_cert_expiry", labels_, static_cast<double>(last.cert_expiry));
  }
}

}  // namespace haidang::agent
