#include "collector/store/journal_trail.h"

#include <algorithm>
#include <iterator>

namespace haidang::store {

void JournalTrail::Came(int64_t id, int64_t received_ms, int64_t bytes) {
  for (auto mark = marks_.rbegin(); mark != marks_.rend() && mark->received_ms > received_ms;
       ++mark) {
    mark->received_ms = received_ms;
  }
  if (marks_.empty() || received_ms - marks_.back().received_ms >= kMarkMs ||
      bytes_ - marks_.back().bytes >= kMarkBytes) {
    marks_.push_back({id, received_ms, bytes_});
  }
  newest_ = id;
  bytes_ += bytes;
}

void JournalTrail::Forget(int64_t id) {
  while (marks_.size() > 1 && marks_[1].id <= id) marks_.pop_front();
}

int64_t JournalTrail::FirstSince(int64_t received_ms) const {
  auto mark = std::partition_point(marks_.begin(), marks_.end(),
                                   [&](const Mark& at) { return at.received_ms < received_ms; });
  // Rows of the mark before may have come at its end.
  if (mark != marks_.begin()) --mark;
  return marks_.empty() ? newest_ + 1 : mark->id;
}

int64_t JournalTrail::FirstWithin(int64_t bytes) const {
  const auto mark = std::partition_point(marks_.begin(), marks_.end(),
                                         [&](const Mark& at) { return bytes_ - at.bytes > bytes; });
  return mark == marks_.end() ? newest_ + 1 : mark->id;
}

int64_t JournalTrail::ReceivedOf(int64_t id) const {
  const auto after = std::partition_point(marks_.begin(), marks_.end(),
                                          [&](const Mark& mark) { return mark.id <= id; });
  if (marks_.empty()) return 0;
  return after == marks_.begin() ? marks_.front().received_ms : std::prev(after)->received_ms;
}

}  // namespace haidang::store
