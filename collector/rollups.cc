#include "collector/rollups.h"

#include <optional>
#include <set>
#include <utility>

#include "collector/store/rollup/rollup_maker.h"
#include "collector/store/rollup/summary.h"
#include "core/log.h"

namespace haidang::collector {
namespace {

constexpr size_t kWindowsAtOnce = 64;
constexpr size_t kMergesAtOnce = 16;
constexpr size_t kBytesAtOnce = 1U << 20;     // of roll-ups that wait for a commit
constexpr int64_t kLookMs = 5000;             // between looks where there was nothing to do
constexpr int64_t kRetryMs = 10 * 60 * 1000;  // after one could not be made
constexpr int64_t kGraceMs = 3600 * 1000;     // a day is merged so long after its end
constexpr int64_t kMarginMs = 3600 * 1000;    // blocks may be deleted while they are looked at

}  // namespace

// What a worker does: it owns all that it touches.
struct Rollups::Job {
  struct Failure {
    Task task;
    Error error;
    bool given_up = false;
  };
  std::string path;
  int64_t wall_ms = 0;
  int64_t whole_from_ms = 0;
  store::Window after;
  std::set<Task> failed;  // not tried now
  std::vector<store::RollupChange> made;
  std::vector<Failure> failures;
  bool more = false;
  std::optional<int64_t> due;  // in all
  size_t bytes = 0;

  void Run() {
    auto maker = store::RollupMaker::Open(path);
    const Status done = maker ? RunWith(**maker) : Status{maker.error()};
    if (!done) failures.push_back({{Step::kWindow, {}}, done.error()});
  }

  Status RunWith(store::RollupMaker& maker) {
    if (auto done = MakeWindows(maker); !done) return done;
    if (more) return CountDue(maker);
    // Only where nothing is due: a day with late batches is merged once, not for each of them.
    const auto past = [&](int64_t length_ms) {
      return store::BeginOf(wall_ms - kGraceMs, length_ms);
    };
    auto days = maker.Days(past(store::kDayPieceMs), kMergesAtOnce + failed.size());
    if (!days) return days.error();
    Merge(Step::kDay, *days, [&](const auto& day) { return maker.MergeDay(day); });
    if (!made.empty()) return CountDue(maker);
    auto stretches = maker.LongStretches(past(store::kLongPieceMs), kMergesAtOnce + failed.size());
    if (!stretches) return stretches.error();
    Merge(Step::kLong, *stretches, [&](const auto& all) { return maker.MergeLong(all); });
    return CountDue(maker);
  }

  Status MakeWindows(store::RollupMaker& maker) {
    const bool from_first = after == store::Window{};
    const size_t limit = kWindowsAtOnce + failed.size();
    auto windows = maker.Due(after, limit);
    if (!windows) return windows.error();
    bool tried = false;
    for (const store::DueWindow& window : *windows) {
      after = {window.machine, window.window_ms};
      if (failed.contains({Step::kWindow, after})) continue;
      tried = true;
      auto change = maker.MakeWindow(window, whole_from_ms);
      if (change) {
        Take(std::move(*change));
      } else {
        Fail({Step::kWindow, after}, change.error());
        // Its blocks will not get better, and must not be kept for ever.
        if (window.window_ms < whole_from_ms) GiveUp(window);
      }
      if (bytes > kBytesAtOnce) break;
    }
    const bool to_last = windows->size() < limit && bytes <= kBytesAtOnce;
    if (to_last) after = {};
    more = tried || !from_first;
    return {};
  }

  template <typename MergeOne>
  void Merge(Step step, const std::vector<store::Window>& windows, MergeOne&& merge) {
    for (const store::Window& window : windows) {
      if (failed.contains({step, window})) continue;
      auto change = merge(window);
      if (!change) {
        Fail({step, window}, change.error());
        continue;
      }
      Take(std::move(*change));
      more = true;
      if (bytes > kBytesAtOnce) return;
    }
  }

  Status CountDue(store::RollupMaker& maker) {
    auto count = maker.CountDue();
    if (!count) return count.error();
    due = *count;
    return {};
  }

  void Take(store::RollupChange change) {
    bytes += change.bytes();
    made.push_back(std::move(change));
  }
  void Fail(const Task& task, const Error& error) { failures.push_back({task, error}); }
  void GiveUp(const store::DueWindow& window) {
    failures.back().given_up = true;
    store::RollupChange& change = made.emplace_back();
    change.settled = window;
  }
};

Rollups::Rollups(Loop& loop, const Clock& clock, Metrics& metrics, std::string path,
                 std::chrono::milliseconds raw)
    : loop_(loop),
      clock_(clock),
      metrics_(metrics),
      path_(std::move(path)),
      raw_(raw),
      troubles_(clock) {}

void Rollups::Go(bool may) {
  if (!may || busy()) return;
  const int64_t mono_ms = MonotonicMs();
  if (!more_ && mono_ms - looked_ms_ < kLookMs) return;
  looked_ms_ = mono_ms;
  std::erase_if(failed_, [&](const auto& failed) { return failed.second <= mono_ms; });
  auto job = std::make_shared<Job>();
  job->path = path_;
  job->wall_ms = clock_.WallMs();
  job->whole_from_ms = job->wall_ms - raw_.count() + kMarginMs;
  job->after = after_;
  for (const auto& [task, until_ms] : failed_) job->failed.insert(task);
  working_ = true;
  loop_.Work([job] { job->Run(); }, [this, job] { Done(*job); });
}

void Rollups::Done(Job& job) {
  working_ = false;
  made_ = std::move(job.made);
  after_ = job.after;
  more_ = job.more;
  if (job.due) metrics_.rollup_windows_due.Set(static_cast<double>(*job.due));
  for (const Job::Failure& failure : job.failures) {
    if (!failure.given_up) failed_[failure.task] = MonotonicMs() + kRetryMs;
    if (!failure.given_up && !troubles_.Met("roll-up")) continue;
    spdlog::error("{}: roll-ups of machine {} from {} on could not be made: {}; {}", path_,
                  failure.task.second.machine, failure.task.second.begin_ms, failure.error.message,
                  failure.given_up ? "its batches are old, and there will be none"
                                   : "trying again; run haidang-collector check where it stays");
  }
}

Status Rollups::Flush(store::Store& store) {
  flushed_ = 0;
  for (const store::RollupChange& change : made_) {
    if (auto done = store.Put(change); !done) return done;
  }
  flushed_ = made_.size();
  return {};
}

void Rollups::Saved(bool may) {
  if (flushed_ == 0) return;
  for (const store::RollupChange& change : made_) {
    metrics_.rollup_pieces.Increment(static_cast<double>(change.made.size()));
    metrics_.rollup_bytes.Increment(static_cast<double>(change.bytes()));
  }
  made_.clear();
  flushed_ = 0;
  Go(may);
}

}  // namespace haidang::collector
