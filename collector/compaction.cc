#include "collector/compaction.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace haidang::collector {
namespace {

constexpr size_t kWindowsAtOnce = 64;
constexpr size_t kBytesAtOnce = 8U << 20;     // of blocks that wait for a commit
constexpr int64_t kRetryMs = 10 * 60 * 1000;  // after a window could not be read

}  // namespace

// What a worker does: it owns all that it touches.
struct Compaction::Job {
  struct Failure {
    store::Window window;
    Error error;
  };
  std::string path;
  std::vector<store::Window> windows;
  std::vector<store::Compactor::Made> made;
  std::vector<Failure> failures;

  void Run() {
    auto compactor = store::Compactor::Open(path);
    size_t bytes = 0;
    for (const store::Window& window : windows) {
      if (!compactor) {
        failures.push_back({window, compactor.error()});
        continue;
      }
      auto block = (*compactor)->Make(window);
      if (!block) {
        failures.push_back({window, block.error()});
        continue;
      }
      bytes += block->row.bytes.size();
      made.push_back(std::move(*block));
      if (bytes > kBytesAtOnce) return;  // the rest is due the next time
    }
  }
};

Compaction::Compaction(Loop& loop, const Clock& clock, Metrics& metrics, std::string path)
    : loop_(loop), clock_(clock), metrics_(metrics), path_(std::move(path)), troubles_(clock) {}

Status Compaction::Begin(store::Store& store) {
  return store.ForEachUncovered([this](int64_t machine, int64_t time_ms, int64_t id) {
    windows_.Came(machine, time_ms, id, MonotonicMs());
  });
}

void Compaction::Came(int64_t machine, int64_t time_ms, int64_t journal_id) {
  staged_.push_back({machine, time_ms, journal_id});
}

void Compaction::Go() {
  const int64_t lag_ms = windows_.LagMs(clock_.WallMs(), MonotonicMs());
  metrics_.journal_lag.Set(static_cast<double>(lag_ms) / 1000);
  metrics_.open_windows.Set(static_cast<double>(windows_.size()));
  if (working_ || !made_.empty()) return;
  const int64_t mono_ms = MonotonicMs();
  std::erase_if(failed_, [&](const auto& failed) { return failed.second <= mono_ms; });
  auto due = windows_.Due(clock_.WallMs(), mono_ms, kWindowsAtOnce + failed_.size());
  std::erase_if(due, [&](const store::Window& window) { return failed_.contains(window); });
  if (due.empty()) return;
  auto job = std::make_shared<Job>();
  job->path = path_;
  job->windows = std::move(due);
  working_ = true;
  loop_.Work([job] { job->Run(); }, [this, job] { Done(*job); });
}

void Compaction::Done(Job& job) {
  working_ = false;
  for (store::Compactor::Made& made : job.made) {
    const store::Window window{made.row.machine, made.row.window_ms};
    if (made.unreadable > 0) {
      spdlog::error(
          "{}: {} batches of machine {} cannot be read: the file was damaged; run "
          "haidang-collector check, and restore a backup",
          path_, made.unreadable, made.row.machine);
    }
    if (made.row.bytes.empty()) {
      windows_.Made(window, INT64_MAX);  // its rows are in a block already
    } else {
      made_.push_back(std::move(made.row));
    }
  }
  for (const Job::Failure& failure : job.failures) {
    failed_[failure.window] = MonotonicMs() + kRetryMs;
    if (troubles_.Met("window")) {
      spdlog::error("the journal of machine {} could not be made into a block: {}; trying again",
                    failure.window.machine, failure.error.message);
    }
  }
}

Status Compaction::Flush(store::Store& store) {
  flushed_ = 0;
  for (const store::BlockRow& row : made_) {
    if (auto done = store.Put(row); !done) return done;
  }
  flushed_ = made_.size();
  // Before those that are in this transaction.
  const auto first = windows_.FirstRow();
  return flushed_ > 0 && first ? store.NoteCovered(*first) : Status();
}

void Compaction::Saved() {
  for (const Row& row : staged_) windows_.Came(row.machine, row.time_ms, row.id, MonotonicMs());
  staged_.clear();
  if (flushed_ == 0) return;
  for (size_t i = 0; i < flushed_; ++i) {
    const store::BlockRow& row = made_[i];
    windows_.Made({row.machine, row.window_ms}, row.journal_id);
    metrics_.blocks.Increment();
    metrics_.block_batches.Increment(static_cast<double>(row.ticks));
    metrics_.block_bytes.Increment(static_cast<double>(row.bytes.size()));
  }
  made_.clear();
  flushed_ = 0;
  Go();
}

void Compaction::Lost() {
  staged_.clear();
  flushed_ = 0;
}

int64_t Compaction::FirstNeeded() const { return windows_.FirstRow().value_or(INT64_MAX); }

}  // namespace haidang::collector
