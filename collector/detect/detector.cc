#include "collector/detect/detector.h"

#include <algorithm>
#include <vector>

namespace haidang::detect {
namespace {

constexpr const char* kGone = "machine_vanished";
constexpr const char* kFailed = "probe_failed";
constexpr const char* kSlow = "response_slow";
constexpr const char* kCheck = "check_failed";

const char* CheckState(double state) {
  return state == 1 ? "warning" : state == 2 ? "critical" : "unknown";
}

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

}  // namespace

query::Finding Detector::Begin(FindingKey key, int64_t now_ms, const Whereabouts& where) const {
  query::Finding finding;
  finding.kind = std::move(key.kind);
  finding.machine = std::move(key.machine);
  finding.journey = std::move(key.journey);
  finding.step = std::move(key.step);
  finding.site = where.site;
  finding.site_name = where.site_name;
  finding.opened_ms = now_ms;
  if (!where.machine_class.empty()) finding.words["class"] = where.machine_class;
  return finding;
}

void Detector::SeeMachine(const Subject& subject, query::State state, int64_t since_ms,
                          int64_t now_ms) {
  MachineWatch& watch = machines_[subject.id];
  FindingKey key{kGone, std::string(subject.machine), "", ""};
  const Verdict verdict =
      watch.gone.See(state, since_ms, now_ms, options_.vanished_after.count(), book_.IsOpen(key));
  if (verdict == Verdict::kClose) {
    book_.Close(key, now_ms, std::string("state_") + std::string(query::ToString(state)));
  } else if (verdict == Verdict::kOpen) {
    query::Finding finding = Begin(std::move(key), now_ms, where_(subject.machine, now_ms));
    finding.numbers["for_seconds"] = Seconds(now_ms - *watch.gone.gone_since_ms());
    finding.words["state"] = query::ToString(state);
    book_.Open(std::move(finding));
  } else if (watch.gone.gone_since_ms()) {
    book_.Amend(key, {.words = {{"state", std::string(query::ToString(state))}}}, now_ms);
  }
  const bool left = state == query::State::kStopped || state == query::State::kSuspended;
  if (left) CloseReadings(subject.machine, now_ms, "machine_left");
  if (state != query::State::kOnline) {  // what follows begins anew
    watch.probes.clear();
    watch.checks.clear();
  }
}

void Detector::CloseReadings(std::string_view machine, int64_t now_ms, const std::string& why) {
  for (const char* kind : {kFailed, kSlow, kCheck}) {
    std::vector<FindingKey> keys;
    for (auto it = book_.open().lower_bound({kind, std::string(machine), "", ""});
         it != book_.open().end() && it->first.kind == kind && it->first.machine == machine; ++it) {
      keys.push_back(it->first);
    }
    for (const FindingKey& key : keys) book_.Close(key, now_ms, why);
  }
}

Detector::ProbeWatch& Detector::WatchOf(const Subject& subject, const ProbeReading& reading,
                                        int64_t now_ms) {
  auto& journeys = machines_[subject.id].probes;
  auto journey = journeys.find(reading.journey);
  if (journey == journeys.end()) journey = journeys.try_emplace(std::string(reading.journey)).first;
  auto step = journey->second.find(reading.step);
  if (step == journey->second.end()) {
    step = journey->second.try_emplace(std::string(reading.step)).first;
    step->second.known_ms = now_ms;
  }
  return step->second;
}

void Detector::SeeProbe(const Subject& subject, const ProbeReading& reading, int64_t now_ms) {
  ProbeWatch& watch = WatchOf(subject, reading, now_ms);
  if (reading.success || reading.seconds) watch.known_ms = now_ms;
  if (now_ms - watch.known_ms >= kForgottenMs) {
    const std::string machine(subject.machine), journey(reading.journey), step(reading.step);
    book_.Close({kFailed, machine, journey, step}, now_ms, "no_longer_probed");
    book_.Close({kSlow, machine, journey, step}, now_ms, "no_longer_probed");
    watch.known_ms = now_ms;
    return;
  }
  const bool repeated = reading.runs && reading.runs == watch.runs;
  watch.runs = reading.runs;
  // One run counts once, however many batches tell its result; its time holds until the next run,
  // but only that one can say that it lasted.
  if (!repeated) SeeFailure(subject, reading, watch, now_ms);
  SeeSlow(subject, reading, watch, now_ms, repeated);
}

void Detector::SeeFailure(const Subject& subject, const ProbeReading& reading, ProbeWatch& watch,
                          int64_t now_ms) {
  FindingKey key{kFailed, std::string(subject.machine), std::string(reading.journey),
                 std::string(reading.step)};
  const Verdict verdict =
      watch.failure.See(reading.success, options_.failing_runs, book_.IsOpen(key));
  if (verdict == Verdict::kClose) book_.Close(key, now_ms, "succeeded");
  if (verdict == Verdict::kNothing && reading.success == false) {
    return AmendFailure(key, reading, now_ms);
  }
  if (verdict != Verdict::kOpen) return;
  query::Finding finding = Begin(std::move(key), now_ms, where_(subject.machine, now_ms));
  finding.numbers["failures"] = watch.failure.failures();
  if (reading.seconds) finding.numbers["seconds"] = *reading.seconds;
  if (!reading.reason.empty()) finding.words["reason"] = reading.reason;
  book_.Open(std::move(finding));
}

void Detector::AmendFailure(const FindingKey& key, const ProbeReading& reading, int64_t now_ms) {
  const query::Finding* open = book_.Find(key);
  if (open == nullptr) return;
  FindingBook::Evidence now{.words = {{"reason", std::string(reading.reason)}}};
  const auto failures = open->numbers.find("failures");
  now.numbers["failures"] = failures == open->numbers.end() ? 1 : failures->second + 1;
  if (reading.seconds) now.numbers["seconds"] = *reading.seconds;
  book_.Amend(key, now, now_ms);
}

void Detector::SeeSlow(const Subject& subject, const ProbeReading& reading, ProbeWatch& watch,
                       int64_t now_ms, bool repeated) {
  FindingKey key{kSlow, std::string(subject.machine), std::string(reading.journey),
                 std::string(reading.step)};
  const bool open = book_.IsOpen(key);
  if (reading.objective == nullptr) {
    if (open) book_.Close(key, now_ms, "no_objective");
    watch.slow = {};
    return;
  }
  const query::Objective& objective = *reading.objective;
  SlowWatch::Rule rule;
  rule.objective_seconds = objective.seconds;
  rule.window_ms = objective.minutes * 60 * 1000;
  rule.gap_ms = std::max<int64_t>(3 * subject.interval_ms, 60'000);
  // How long a failed probe took says nothing about the response time.
  const auto seconds = reading.success == true ? reading.seconds : std::nullopt;
  const Verdict verdict = watch.slow.See(seconds, rule, now_ms, open);
  if (verdict == Verdict::kClose) book_.Close(key, now_ms, "within_objective");
  if (verdict == Verdict::kNothing && seconds && !repeated) {
    const FindingBook::Evidence now{
        .numbers = {{"seconds", *seconds}, {"objective_seconds", objective.seconds}}};
    return book_.Amend(key, now, now_ms);
  }
  if (verdict != Verdict::kOpen || repeated) return;
  query::Finding finding = Begin(std::move(key), now_ms, where_(subject.machine, now_ms));
  finding.numbers["seconds"] = *seconds;
  finding.numbers["objective_seconds"] = objective.seconds;
  finding.numbers["for_seconds"] = Seconds(now_ms - *watch.slow.slow_since_ms());
  book_.Open(std::move(finding));
}

void Detector::SeeCheck(const Subject& subject, const CheckReading& reading, int64_t now_ms) {
  auto& checks = machines_[subject.id].checks;
  auto at = checks.find(reading.name);
  if (at == checks.end()) {
    at = checks.emplace(std::string(reading.name), CheckWatch{}).first;
    at->second.known_ms = now_ms;
  }
  CheckWatch& watch = at->second;
  FindingKey key{kCheck, std::string(subject.machine), "", std::string(reading.name)};
  if (reading.state) watch.known_ms = now_ms;
  if (now_ms - watch.known_ms >= kForgottenMs) {
    watch.known_ms = now_ms;
    return book_.Close(key, now_ms, "no_longer_checked");
  }
  if (reading.runs && reading.runs == watch.runs) return;  // one run counts once
  watch.runs = reading.runs;
  std::optional<bool> success;
  if (reading.state) success = *reading.state == 0;
  const Verdict verdict = watch.failure.See(success, options_.failing_runs, book_.IsOpen(key));
  if (verdict == Verdict::kClose) return book_.Close(key, now_ms, "ok");
  if (success.value_or(true)) return;
  const FindingBook::Evidence now{
      .words = {{"state", CheckState(*reading.state)}, {"output", std::string(reading.output)}}};
  if (verdict == Verdict::kNothing) return book_.Amend(key, now, now_ms);
  query::Finding finding = Begin(std::move(key), now_ms, where_(subject.machine, now_ms));
  finding.words.insert(now.words.begin(), now.words.end());
  book_.Open(std::move(finding));
}

}  // namespace haidang::detect
