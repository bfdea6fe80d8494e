#include "server/watcher.h"

#include <utility>

#include "core/io/thread.h"
#include "core/log.h"

namespace haidang::server {
namespace {

constexpr int64_t kSyncEveryNs = 60'000'000'000;

bool SameContent(query::Snapshot a, query::Snapshot b) {
  a.version = 0;
  b.version = 0;
  return query::EncodeSnapshot(a) == query::EncodeSnapshot(b);
}

}  // namespace

Watcher::Watcher(const Clock& clock, CollectorClient& client, ControlDb db, Live& live,
                 Metrics& metrics)
    : clock_(clock),
      client_(client),
      db_(std::move(db)),
      live_(live),
      metrics_(metrics),
      lost_(clock) {}

Watcher::~Watcher() { Stop(); }

void Watcher::Start() {
  thread_ = StartThread([this] { Run(); });
}

void Watcher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::Run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    Round();
    ++rounds_;
    lock.lock();
    next = std::max(next + kPeriod, std::chrono::steady_clock::now());
    wake_.wait_until(lock, next, [this] { return stopping_; });
  }
}

void Watcher::Round() {
  const int64_t began_ns = clock_.MonotonicNs();
  Result<query::Overview> overview = client_.Overview();
  metrics_.Asked(overview.ok(), static_cast<double>(clock_.MonotonicNs() - began_ns) / 1e9);
  if (!overview) {
    if (lost_.Met()) spdlog::warn("{}; asking again each second", overview.error().message);
    synced_ns_.reset();
    live_.Failed(overview.error().message);
    return;
  }
  if (lost_.Over()) spdlog::info("the collector answers again");
  const std::string store = overview->store_id;
  live_.Answered(std::move(*overview));
  const bool due =
      !synced_ns_ || store != synced_store_ || clock_.MonotonicNs() - *synced_ns_ >= kSyncEveryNs;
  if (!due) return;
  if (Status synced = SyncSnapshot(); !synced) {
    if (!sync_failed_) spdlog::warn("snapshot of places: {}", synced.error().message);
    sync_failed_ = true;
    return;
  }
  sync_failed_ = false;
  synced_store_ = store;
  synced_ns_ = clock_.MonotonicNs();
}

Status Watcher::SyncSnapshot() {
  Result<query::Snapshot> theirs = client_.Snapshot();
  if (!theirs) return theirs.error();
  Result<query::Snapshot> ours = db_.Snapshot();
  if (!ours) return ours.error();
  const bool same = SameContent(*theirs, *ours);
  if (theirs->version > ours->version || (theirs->version == ours->version && !same)) {
    // control.db is younger than what the collector was once told: go past its number.
    const int64_t version = same ? theirs->version : theirs->version + 1;
    if (Status raised = db_.RaiseVersion(version); !raised) return raised;
    ours->version = version;
  }
  if (theirs->version < ours->version) {
    if (Status put = client_.PutSnapshot(*ours); !put) return put;
    spdlog::info("gave the collector snapshot {} ({} places, {} machines, {} objectives)",
                 ours->version, ours->sites.size(), ours->placements.size(),
                 ours->objectives.size());
  }
  metrics_.SnapshotIs(ours->version);
  live_.SetSnapshot(std::move(*ours));
  return {};
}

}  // namespace haidang::server
