#include "server/live.h"

#include <utility>

namespace haidang::server {

Live::Live(const Clock& clock) : clock_(clock) {
  view_.snapshot = std::make_shared<const query::Snapshot>();
  view_.since_ms = clock.WallMs();
  view_.reason = "not asked yet";
}

void Live::Changed() {
  ++version_;
  changed_.notify_all();
}

void Live::SetSnapshot(query::Snapshot snapshot) {
  const std::lock_guard lock(mutex_);
  view_.snapshot = std::make_shared<const query::Snapshot>(std::move(snapshot));
  Changed();
}

void Live::Answered(query::Overview overview) {
  auto shared = std::make_shared<const query::Overview>(std::move(overview));
  const std::lock_guard lock(mutex_);
  view_.overview = std::move(shared);
  view_.answered_ms = clock_.WallMs();
  answered_ns_ = clock_.MonotonicNs();
  if (!view_.reachable) view_.since_ms = view_.answered_ms;
  view_.reachable = true;
  view_.reason.clear();
  Changed();
}

void Live::Failed(std::string reason) {
  const std::lock_guard lock(mutex_);
  view_.reason = std::move(reason);
  Changed();
}

void Live::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  Changed();
}

LiveView Live::Now() {
  const std::lock_guard lock(mutex_);
  const int64_t age_ns = clock_.MonotonicNs() - answered_ns_;
  if (view_.reachable && age_ns > std::chrono::nanoseconds(kStaleAfter).count()) {
    view_.reachable = false;
    view_.since_ms = view_.answered_ms;
    if (view_.reason.empty()) view_.reason = "no answer";
    Changed();
  }
  LiveView view = view_;
  if (view.reachable) view.reason.clear();
  return view;
}

uint64_t Live::version() {
  const std::lock_guard lock(mutex_);
  return version_;
}

bool Live::WaitForChange(uint64_t seen, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return closed_ || version_ != seen; });
  return !closed_;
}

}  // namespace haidang::server
