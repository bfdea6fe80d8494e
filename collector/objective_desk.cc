#include "collector/objective_desk.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "collector/slo/read_runs.h"
#include "core/log.h"

namespace haidang::collector {
namespace {

constexpr const char* kBurning = "objective_burning";

constexpr int kFirstSeconds = 5;   // after the start
constexpr int kEverySeconds = 60;  // between looks
// What is read at each look; batches that come later than this are seen by the next whole reading.
constexpr int64_t kRecentMs = 2 * slo::kBucketMs;
constexpr int64_t kWholeEveryMs = 3600LL * 1000;
constexpr size_t kWholeAtOnce = 8;  // objectives read as a whole in one look, besides new ones
// A finding goes once its alarm was away for so long.
constexpr int64_t kCalmMs = 15LL * 60 * 1000;

double OrUnknown(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

// What a worker reads and judges: it owns all that it touches.
struct ObjectiveDesk::Pass {
  struct Entry {
    slo::Target target;
    slo::RunCounts counts{};
    std::optional<int64_t> whole_ms{};  // when it was last read as a whole
    int64_t read_ms = 0;                // up to when it was read
    slo::Standing standing{};
  };
  std::vector<Entry> entries;
  std::atomic<bool> cancelled = false;
  // Of this look.
  OpenReader open;
  CalendarRules calendar;
  int64_t now_ms = 0;
  std::optional<Error> error;  // one of the reasons why not everything could be read

  // Keeps what is known of targets that stay.
  void Follow(const std::vector<slo::Target>& targets) {
    std::vector<Entry> next;
    for (const slo::Target& target : targets) {
      const auto same = [&](const Entry& entry) { return entry.target == target; };
      const auto known = std::find_if(entries.begin(), entries.end(), same);
      next.push_back(known == entries.end() ? Entry{.target = target} : std::move(*known));
    }
    entries = std::move(next);
  }

  void Run() {
    error.reset();
    auto reader = open();
    if (!reader) {
      error = reader.error();
      return;
    }
    const WorkingTime working(calendar);
    size_t whole = 0;
    for (Entry& entry : entries) {
      if (cancelled) return;
      const bool due = !entry.whole_ms || now_ms < *entry.whole_ms ||
                       (now_ms - *entry.whole_ms >= kWholeEveryMs && whole++ < kWholeAtOnce);
      Read(**reader, entry, due);
      entry.standing = slo::Stand(entry.counts, working, entry.target.share);
    }
  }

  void Read(store::Reader& reader, Entry& entry, bool whole) {
    entry.counts.Advance(now_ms);
    const int64_t from_ms =
        whole ? entry.counts.oldest_ms()
              : std::max(entry.counts.oldest_ms(), std::min(entry.read_ms, now_ms) - kRecentMs);
    const Status read = slo::ReadRuns(
        reader, entry.target, from_ms, now_ms, [this] { return cancelled.load(); }, entry.counts);
    if (!read) {
      if (!cancelled) error = Error{entry.target.journey + ": " + read.error().message};
      return;
    }
    entry.read_ms = now_ms;
    if (whole) entry.whole_ms = now_ms;
  }
};

ObjectiveDesk::ObjectiveDesk(Loop& loop, const Clock& clock, Metrics& metrics, OpenReader open,
                             std::function<const Places&()> places,
                             std::vector<query::Objective> own)
    : loop_(loop),
      metrics_(metrics),
      open_(std::move(open)),
      places_(std::move(places)),
      own_(std::move(own)),
      pass_(std::make_shared<Pass>()),
      unread_(clock) {}

ObjectiveDesk::~ObjectiveDesk() { pass_->cancelled = true; }

void ObjectiveDesk::EverySecond(Moment now, detect::FindingBook& book) {
  if (std::exchange(judged_, false)) ShowFindings(now.wall_ms, book);
  const int second = seconds_++;
  if (!working_ && second % kEverySeconds == kFirstSeconds) Begin(now.wall_ms);
}

void ObjectiveDesk::Begin(int64_t wall_ms) {
  const query::Snapshot& snapshot = places_().snapshot();
  size_t left_out = 0;
  const auto targets = slo::TargetsOf(snapshot.objectives, own_, left_out);
  if (std::exchange(left_out_, left_out) != left_out && left_out > 0) {
    spdlog::warn(
        "{} targets of objectives are not followed; allowed: {} in all, an objective's share and "
        "its availability being one each",
        left_out, slo::kMaxTargets);
  }
  pass_->Follow(targets);
  pass_->open = open_;
  pass_->calendar = snapshot.calendar;
  pass_->now_ms = wall_ms;
  working_ = true;
  const auto pass = pass_;
  loop_.Work([pass] { pass->Run(); }, [this, pass] { Done(*pass); });
}

void ObjectiveDesk::Done(Pass& pass) {
  working_ = false;
  if (pass.error) {
    if (unread_.Met()) {
      spdlog::warn("how objectives are kept cannot be read: {}; trying again each minute",
                   pass.error->message);
    }
  } else {
    (void)unread_.Over();
  }
  std::vector<Kept> before = std::exchange(kept_, {});
  for (const Pass::Entry& entry : pass.entries) {
    Kept kept{entry.target, entry.standing, {}};
    const auto same = [&](const Kept& old) {
      return old.gauges.good != nullptr && old.target == entry.target;
    };
    if (auto old = std::find_if(before.begin(), before.end(), same); old != before.end()) {
      kept.gauges = std::exchange(old->gauges, {});
    }
    kept_.push_back(std::move(kept));
  }
  for (const Kept& old : before) {
    if (old.gauges.good != nullptr) metrics_.Forget(old.gauges);
  }
  for (Kept& kept : kept_) ShowGauges(kept);
  judged_ = true;
}

void ObjectiveDesk::ShowGauges(Kept& kept) {
  const slo::Target& target = kept.target;
  if (kept.gauges.good == nullptr) {
    kept.gauges = metrics_.Objective(target.journey, target.step, ToString(target.kind));
  }
  const Metrics::ObjectiveGauges& gauges = kept.gauges;
  gauges.target->Set(target.share);
  gauges.good->Set(OrUnknown(kept.standing.good_ratio));
  gauges.budget_left->Set(OrUnknown(kept.standing.budget_left_ratio));
  for (size_t i = 0; i < gauges.burn.size(); ++i) {
    gauges.burn[i]->Set(OrUnknown(kept.standing.burn[i]));
  }
  gauges.ticket->Set(kept.standing.alarm == slo::Alarm::kTicket ? 1 : 0);
  gauges.page->Set(kept.standing.alarm == slo::Alarm::kPage ? 1 : 0);
}

// One finding for each journey and step, of its worst alarm.
void ObjectiveDesk::ShowFindings(int64_t now_ms, detect::FindingBook& book) {
  std::map<StepKey, const Kept*> worst;
  for (const Kept& kept : kept_) {
    const Kept*& at = worst[{kept.target.journey, kept.target.step}];
    if (at == nullptr || kept.standing.alarm > at->standing.alarm) at = &kept;
  }
  for (const auto& [of, kept] : worst) {
    const slo::Standing& standing = kept->standing;
    if (standing.alarm == slo::Alarm::kNone) continue;
    burnt_ms_[of] = now_ms;
    detect::FindingKey key{kBurning, "", of.first, of.second};
    detect::FindingBook::Evidence evidence;
    evidence.numbers = {{"burn_rate", standing.alarm_rate},
                        {"budget_left_ratio", standing.budget_left_ratio.value_or(0)},
                        {"target_ratio", kept->target.share}};
    evidence.words = {{"alarm", std::string(ToString(standing.alarm))},
                      {"objective", std::string(ToString(kept->target.kind))}};
    if (book.IsOpen(key)) {
      book.Amend(key, evidence, now_ms);
      continue;
    }
    query::Finding finding;
    finding.kind = kBurning;
    finding.journey = of.first;
    finding.step = of.second;
    finding.opened_ms = now_ms;
    finding.numbers = evidence.numbers;
    finding.words = evidence.words;
    book.Open(std::move(finding));
  }
  CloseCalm(now_ms, worst, book);
}

void ObjectiveDesk::CloseCalm(int64_t now_ms, const std::map<StepKey, const Kept*>& followed,
                              detect::FindingBook& book) {
  std::vector<std::pair<detect::FindingKey, const char*>> over;
  for (const auto& [key, finding] : book.open()) {
    if (key.kind != kBurning) continue;
    const StepKey of{key.journey, key.step};
    int64_t& burnt_ms = burnt_ms_.try_emplace(of, now_ms).first->second;  // of before the start
    burnt_ms = std::min(burnt_ms, now_ms);                                // a clock that went back
    if (!followed.contains(of)) {
      over.emplace_back(key, "no_objective");
    } else if (now_ms - burnt_ms >= kCalmMs) {
      over.emplace_back(key, "within_objective");
    }
  }
  for (const auto& [key, why] : over) {
    burnt_ms_.erase({key.journey, key.step});
    book.Close(key, now_ms, why);
  }
}

void ObjectiveDesk::Describe(query::JourneysNow& journeys) const {
  for (const Kept& kept : kept_) {
    query::ObjectiveNow now;
    now.journey = kept.target.journey;
    now.step = kept.target.step;
    now.kind = ToString(kept.target.kind);
    now.target = kept.target.share;
    if (kept.target.kind == slo::Kind::kLatency) now.seconds = kept.target.seconds;
    now.good_ratio = kept.standing.good_ratio;
    now.budget_left_ratio = kept.standing.budget_left_ratio;
    for (size_t i = 0; i < slo::kWindows.size(); ++i) {
      now.burn.push_back({std::string(slo::kWindows[i]), kept.standing.burn[i]});
    }
    now.alarm = ToString(kept.standing.alarm);
    journeys.objectives.push_back(std::move(now));
  }
}

}  // namespace haidang::collector
