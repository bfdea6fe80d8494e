#include "agent/probe/probe_source.h"

#include <algorithm>

#include "agent/cadence.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

struct Watched {
  Cadence cadence;
  std::unique_ptr<Probe> probe = {};
  Labels labels = {};
  std::optional<ProbeResult> result = {};  // of the last run that ended
  uint64_t runs = 0;                       // that ended
  Histogram latency = {};                  // of runs that succeeded, seconds
};

class ProbeSource final : public Source {
 public:
  ProbeSource(std::unique_ptr<const CurlApi> api, Loop& loop, const Clock& clock,
              std::chrono::milliseconds interval, std::vector<ProbeOptions> probes, Lookup lookup)
      : api_(std::move(api)),
        clock_(clock),
        http_(*api_, loop, clock),
        resolver_(loop, std::move(lookup)) {
    for (ProbeOptions& options : probes) {
      Watched watched{.cadence = {clock, options.interval, interval}};
      watched.labels = {{"journey", options.journey}, {"step", options.step}};
      watched.probe = std::make_unique<Probe>(std::move(options), loop, clock_, http_, resolver_);
      probes_.push_back(std::move(watched));
    }
  }

  std::string_view name() const override { return "probe"; }

  void Prepare() override {
    for (Watched& watched : probes_) {
      if (watched.probe->running() || !watched.cadence.IsDue()) continue;
      watched.cadence.Begin();
      watched.probe->Run(
          [this, &watched](ProbeResult result) { OnResult(watched, std::move(result)); });
    }
  }

  bool Ready() const override {
    return std::none_of(probes_.begin(), probes_.end(),
                        [](const Watched& watched) { return watched.probe->running(); });
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>& events) override {
    for (const Watched& watched : probes_) {
      if (watched.result) Report(watched, *watched.result, readings);
    }
    std::move(events_.begin(), events_.end(), std::back_inserter(events));
    events_.clear();
    return {};
  }

 private:
  void OnResult(Watched& watched, ProbeResult result) {
    const ProbeReason before = watched.result ? watched.result->reason : ProbeReason::kNone;
    if (result.reason == ProbeReason::kNone) watched.latency.Observe(Seconds(result.times.total()));
    if (result.reason != before) TellChange(watched, result);
    ++watched.runs;
    watched.result = std::move(result);
  }

  void TellChange(const Watched& watched, const ProbeResult& result) {
    constexpr size_t kMaxEvents = 128;  // until the next Read
    if (events_.size() >= kMaxEvents) return;
    const bool failed = result.reason != ProbeReason::kNone;
    const ProbeOptions& options = watched.probe->options();
    std::string text(ToString(result.reason));
    if (failed) text += ": " + result.detail;
    events_.push_back({clock_.WallMs(), failed ? "probe_failed" : "probe_recovered",
                       options.journey + "/" + options.step, std::move(text)});
  }

  static void Report(const Watched& watched, const ProbeResult& result,
                     std::vector<Reading>& readings) {
    const Labels& labels = watched.labels;
    Add(readings, "probe_success", labels, result.reason == ProbeReason::kNone);
    Add(readings, "haidang_probe_reason", labels, std::string(ToString(result.reason)));
    Add(readings, "haidang_probe_runs_total", labels, uint64_t{watched.runs});
    Add(readings, "probe_duration_seconds", labels, Seconds(result.times.total()));
    for (size_t phase = 0; phase < kPhaseNames.size(); ++phase) {
      Labels with_phase = labels;
      with_phase.emplace("phase", kPhaseNames[phase]);
      Add(readings, "probe_http_duration_seconds", std::move(with_phase),
          Seconds(result.times.us[phase]));
    }
    Add(readings, "probe_http_status_code", labels, static_cast<uint64_t>(result.status));
    Add(readings, "probe_http_content_length", labels, uint64_t{result.body_bytes});
    Add(readings, "probe_http_redirects", labels, static_cast<uint64_t>(result.redirects));
    if (result.cert_expiry != 0) {
      Add(readings, "probe_ssl_earliest_cert_expiry", labels,
          static_cast<double>(result.cert_expiry));
    }
    Add(readings, "haidang_probe_latency_seconds", labels, Bytes{watched.latency.Encode()});
  }

  std::unique_ptr<const CurlApi> api_;
  const Clock& clock_;
  Http http_;
  Resolver resolver_;
  std::vector<Watched> probes_;
  std::vector<Event> events_;
};

}  // namespace

Result<std::unique_ptr<Source>> MakeProbeSource(Loop& loop, const Clock& clock,
                                                std::chrono::milliseconds interval,
                                                std::vector<ProbeOptions> probes, Lookup lookup) {
  auto api = CurlApi::Load();
  if (!api) return api.error();
  return std::unique_ptr<Source>(std::make_unique<ProbeSource>(
      std::move(*api), loop, clock, interval, std::move(probes), std::move(lookup)));
}

Status CheckProbing() {
  const auto api = CurlApi::Load();
  return api ? Status() : Status(api.error());
}

}  // namespace haidang::agent
