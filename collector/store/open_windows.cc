#include "collector/store/open_windows.h"

#include <algorithm>

#include "collector/store/window.h"

namespace haidang::store {

void OpenWindows::Came(int64_t machine, int64_t time_ms, int64_t journal_id, int64_t mono_ms) {
  const Window window{machine, WindowOf(time_ms)};
  const auto [it, fresh] = open_.try_emplace(window);
  Open& open = it->second;
  if (fresh) {
    open.first = journal_id;
    open.first_mono_ms = mono_ms;
    by_first_.emplace(journal_id, window);
  }
  if (journal_id < open.first) {
    by_first_.erase({open.first, window});
    open.first = journal_id;
    by_first_.emplace(journal_id, window);
  }
  open.last = std::max(open.last, journal_id);
  ++open.rows;
  open.came_mono_ms = mono_ms;
}

std::vector<Window> OpenWindows::Due(int64_t wall_ms, int64_t mono_ms, size_t limit) const {
  std::vector<Window> due;
  for (const auto& [first, window] : by_first_) {
    if (due.size() >= limit) break;
    if (wall_ms < window.begin_ms + kWindowMs + kGraceMs) continue;
    const Open& open = open_.at(window);
    if (mono_ms - open.came_mono_ms < kQuietMs && open.rows < kManyRows) continue;
    due.push_back(window);
  }
  return due;
}

void OpenWindows::Made(const Window& window, int64_t journal_id) {
  const auto it = open_.find(window);
  if (it == open_.end()) return;
  Open& open = it->second;
  by_first_.erase({open.first, window});
  if (open.last <= journal_id) {
    open_.erase(it);
    return;
  }
  open.first = journal_id + 1;  // or later
  open.first_mono_ms = open.came_mono_ms;
  open.rows = 1;
  by_first_.emplace(open.first, window);
}

std::optional<int64_t> OpenWindows::FirstRow() const {
  if (by_first_.empty()) return std::nullopt;
  return by_first_.begin()->first;
}

int64_t OpenWindows::LagMs(int64_t wall_ms, int64_t mono_ms) const {
  int64_t lag_ms = 0;
  for (const auto& [window, open] : open_) {
    const int64_t ended_ms = wall_ms - (window.begin_ms + kWindowMs + kGraceMs);
    lag_ms = std::max(lag_ms, std::min(ended_ms, mono_ms - open.first_mono_ms));
  }
  return lag_ms;
}

}  // namespace haidang::store
