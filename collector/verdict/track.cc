#include "collector/verdict/track.h"

#include <algorithm>
#include <utility>

namespace haidang::verdict {
namespace {

constexpr double kTimesUsual = 3;
constexpr double kAboveUsual = 0.3;          // seconds
constexpr int64_t kLeastCurrentMs = 30'000;  // a run is of now for at least so long

Usual<7>::Values Row(const Run& run) {
  Usual<7>::Values row;
  std::copy(run.phases.begin(), run.phases.end(), row.begin());
  row[6] = run.seconds;
  return row;
}

}  // namespace

bool StepTrack::IsSlow(const Run& run, const Rule& rule) const {
  if (!run.success || !run.seconds) return false;
  if (rule.objective_seconds && *run.seconds > *rule.objective_seconds) return true;
  const auto own = usual_.now()[6];
  const auto usual = own ? own : rule.site_usual_seconds;
  return usual && *run.seconds > kTimesUsual * *usual && *run.seconds >= *usual + kAboveUsual;
}

void StepTrack::Learn(const Run& run, int64_t now_ms) { usual_.Add(Row(run), now_ms); }

void StepTrack::Remember(const Run& mean, bool coarse, const Rule& rule, int64_t at_ms) {
  if (!mean.success || IsSlow(mean, rule)) return;
  coarse ? usual_.AddBlock(Row(mean), at_ms) : Learn(mean, at_ms);
}

void StepTrack::Add(Run run, const Rule& rule, int64_t now_ms) {
  if (!rule.first && at_ms_ != 0) gap_ms_ = now_ms - at_ms_;
  interval_ms_ = rule.interval_ms;
  at_ms_ = now_ms;
  slow_ = IsSlow(run, rule);
  Mark mark;
  mark.bad = !run.success || slow_;
  if (!rule.first) {
    const double seconds = run.seconds.value_or(0);
    mark.began_ms = now_ms - rule.interval_ms - static_cast<int64_t>(seconds * 1000);
  }
  marks_.push_back(mark);
  if (marks_.size() > kKept) marks_.pop_front();
  const auto bad_marks =
      std::count_if(marks_.begin(), marks_.end(), [](const Mark& each) { return each.bad; });
  const bool again = marks_.size() > 1 && marks_[marks_.size() - 2].bad;
  const bool was_bad = bad_;
  if (mark.bad) {
    bad_ = bad_ || !run.success || again || bad_marks > 1;
  } else {
    bad_ = bad_ && again;  // two good ones in a row end it
  }
  if (mark.bad && !was_bad && (bad_marks == 1 || since_ms_ == 0)) since_ms_ = now_ms;
  if (!bad_ && bad_marks == 0) since_ms_ = 0;
  const bool accepted = bad_ && now_ms - since_ms_ > kAcceptedMs;
  if (run.success && (!(mark.bad || bad_) || accepted)) Learn(run, now_ms);
  if (mark.bad) {
    last_bad_ = run;
    last_bad_slow_ = slow_;
  }
  last_ = std::move(run);
}

bool StepTrack::Current(int64_t now_ms) const {
  if (at_ms_ == 0) return false;
  const int64_t patience = std::max({3 * gap_ms_, 3 * interval_ms_, kLeastCurrentMs});
  return now_ms - at_ms_ <= patience;
}

void StepTrack::Describe(int64_t now_ms, bool judged, Point& point) const {
  const Run& run = judged && bad_ ? last_bad_ : last_;
  point.current = Current(now_ms);
  point.success = run.success;
  point.seconds = run.seconds;
  point.phases = run.phases;
  point.reason = run.success ? "" : run.reason;
  point.address = run.address;
  point.status = run.status;
  point.slow = judged && bad_ ? last_bad_slow_ : slow_;
  point.bad = bad_;
  for (const Mark& mark : marks_) point.bad_runs += mark.bad ? 1 : 0;
  point.since_ms = since_ms();
  point.at_ms = at_ms_;
  if (!marks_.empty()) point.began_ms = marks_.back().began_ms;
  if (marks_.size() > 1 && !marks_.back().bad && !marks_[marks_.size() - 2].bad) {
    point.well_began_ms = marks_[marks_.size() - 2].began_ms;
  }
  const auto& usual = usual_.now();
  std::copy_n(usual.begin(), point.usual_phases.size(), point.usual_phases.begin());
  point.usual_seconds = usual[6];
}

void PathTrack::See(const Reading& reading, int64_t device_ms, bool learn, int64_t now_ms) {
  if (reading.sent && last_.sent == reading.sent && at_ms_ != 0) return;  // the same round
  if (!reading.sent && !reading.success) return;
  last_ = reading;
  at_ms_ = now_ms;
  ever_ = ever_ || reading.success == true;
  counters_.Add(device_ms, {reading.sent, reading.lost});
  if (!learn || reading.success != true) return;
  const auto sent = counters_.Grown(0), lost = counters_.Grown(1);
  std::optional<double> loss;
  if (sent && lost && *sent > 0) loss = *lost / *sent;
  usual_.Add({reading.rtt, loss}, now_ms);
}

void PathTrack::Describe(int64_t since_device_ms, PathNow& path) const {
  path.success = last_.success;
  path.rtt = last_.rtt;
  const auto& usual = usual_.now();
  path.usual_rtt = usual[0];
  path.usual_loss = usual[1];
  path.sent = counters_.Grown(0).value_or(0);
  path.lost = counters_.Grown(1).value_or(0);
  if (since_device_ms > 0) {
    path.sent_since = counters_.Grown(0, since_device_ms).value_or(0);
    path.lost_since = counters_.Grown(1, since_device_ms).value_or(0);
  }
  path.mtu_problem = last_.mtu_problem;
  path.ever = ever_;
  path.at_ms = at_ms_;
}

void PathTrack::Remember(double rtt, int64_t at_ms) {
  const auto usual = usual_.now()[0];
  if (usual && rtt > 3 * *usual) return;
  usual_.Add({rtt, std::nullopt}, at_ms);
  ever_ = true;
}

void NameTrack::Remember(double seconds, int64_t at_ms) {
  const auto usual = usual_.now()[0];
  if (usual && seconds > 3 * *usual) return;
  usual_.Add({seconds}, at_ms);
  ever_ = true;
}

void NameTrack::See(std::optional<bool> success, std::optional<double> seconds, bool learn,
                    int64_t now_ms) {
  if (!success) return;
  // Questions are not counted; the same time to the microsecond is the same answer.
  if (at_ms_ != 0 && success == success_ && seconds == seconds_) return;
  success_ = success;
  seconds_ = seconds;
  at_ms_ = now_ms;
  ever_ = ever_ || *success;
  if (learn && *success) usual_.Add({seconds}, now_ms);
}

void NameTrack::Describe(NameNow& name) const {
  name.success = success_;
  name.seconds = seconds_;
  name.usual_seconds = usual_.now()[0];
  name.ever = ever_;
  name.at_ms = at_ms_;
}

}  // namespace haidang::verdict
