#include "collector/remotes.h"

#include <algorithm>
#include <limits>
#include <map>

namespace haidang::collector {
namespace {

constexpr int64_t kFlushMs = 1000;

}  // namespace

Remotes::Remotes(Loop& loop, const Clock& clock, Metrics& metrics)
    : loop_(loop), clock_(clock), metrics_(metrics) {}

Status Remotes::Begin(store::Store& store, const std::vector<remote::RemoteOptions>& options,
                      std::chrono::milliseconds keep, const std::function<uint64_t()>& random) {
  auto stored = store.Remotes();
  if (!stored) return stored.error();
  std::map<std::string, store::RemoteRow> rows;
  for (store::RemoteRow& row : *stored) rows.emplace(row.url, row);
  if (!options.empty()) {
    auto sampled = store.SampleJournal([this](int64_t id, int64_t received_ms, int64_t bytes) {
      trail_.Came(id, received_ms, bytes);
    });
    if (!sampled) return sampled;
  }
  for (remote::RemoteOptions remote : options) {
    // It is told of what it loses before that goes from the store.
    remote.keep = std::min(remote.keep, keep / 5 * 4);
    auto feed = std::make_unique<remote::Feed>(loop_, clock_, metrics_.Remote(remote.url.shown),
                                               remote, store.path(), trail_);
    std::optional<store::RemoteRow> row;
    if (auto known = rows.extract(remote.url.shown)) row = std::move(known.mapped());
    if (auto started = feed->Start(row, random); !started) return started;
    feeds_.push_back(std::move(feed));
  }
  for (const auto& [url, row] : rows) forgotten_.push_back(url);
  return {};
}

void Remotes::Stop() {
  for (const auto& feed : feeds_) feed->Stop();
}

void Remotes::Came(int64_t id, const store::JournalRow& row) {
  if (feeds_.empty()) return;
  staged_.push_back({id, row.received_ms, static_cast<int64_t>(row.payload.size())});
}

void Remotes::EverySecond() {
  if (feeds_.empty()) return;
  trail_.Forget(FirstNeeded());
  for (const auto& feed : feeds_) feed->Go();
}

Status Remotes::Flush(store::Store& store, bool at_once) {
  flushed_.clear();
  flushed_forgotten_ = false;
  const int64_t now_ms = clock_.MonotonicNs() / 1'000'000;
  if (!at_once && !store.staged() && now_ms - flushed_mono_ms_ < kFlushMs) return {};
  for (const std::string& url : forgotten_) {
    if (auto done = store.RemoveRemote(url); !done) return done;
    flushed_forgotten_ = true;
  }
  for (const auto& feed : feeds_) {
    const auto row = feed->Unsaved();
    if (!row) continue;
    if (auto done = store.Put(*row); !done) return done;
    flushed_.emplace_back(feed.get(), *row);
  }
  if (store.staged()) flushed_mono_ms_ = now_ms;
  return {};
}

void Remotes::Saved() {
  for (const Row& row : staged_) trail_.Came(row.id, row.received_ms, row.bytes);
  staged_.clear();
  if (flushed_forgotten_) forgotten_.clear();
  for (const auto& [feed, row] : flushed_) feed->Saved(row);
  for (const auto& feed : feeds_) feed->Measure();
  flushed_.clear();
}

void Remotes::Lost() {
  staged_.clear();
  flushed_.clear();
  flushed_forgotten_ = false;
}

int64_t Remotes::FirstNeeded() const {
  int64_t first = std::numeric_limits<int64_t>::max();
  for (const auto& feed : feeds_) first = std::min(first, feed->FirstNeeded());
  return first;
}

}  // namespace haidang::collector
