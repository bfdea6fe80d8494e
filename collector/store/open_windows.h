#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/result.h"

namespace haidang::store {

// A machine's stretch of time, as one block holds it.
struct Window {
  int64_t machine = 0;   // row id
  int64_t begin_ms = 0;  // WindowOf
  auto operator<=>(const Window&) const = default;
};

// Which windows have rows in the journal that no block holds yet. Loop thread only.
class OpenWindows {
 public:
  // A window is made into a block once it ended so long ago by the wall clock, and nothing came for
  // it for so long, or so many rows did: a backlog that comes newest first must not make its block
  // again at every batch.
  static constexpr int64_t kGraceMs = int64_t{5} * 60 * 1000;
  static constexpr int64_t kQuietMs = 60'000;
  static constexpr size_t kManyRows = 512;

  // A row of the journal with this id, for this time, is committed or about to be.
  void Came(int64_t machine, int64_t time_ms, int64_t journal_id, int64_t mono_ms);

  // At most `limit` of those that are due, those that wait longest first.
  std::vector<Window> Due(int64_t wall_ms, int64_t mono_ms, size_t limit) const;

  // Its rows up to `journal_id` are in blocks; what came later, if anything, is still to be done.
  void Made(const Window& window, int64_t journal_id);

  // The oldest row that is in no block; nothing where there is none.
  std::optional<int64_t> FirstRow() const;
  size_t size() const { return open_.size(); }
  // For how long the window that waits longest could have been a block, ms; 0 where none could.
  int64_t LagMs(int64_t wall_ms, int64_t mono_ms) const;

 private:
  struct Open {
    int64_t first = 0;  // ids
    int64_t last = 0;
    size_t rows = 0;
    int64_t first_mono_ms = 0;  // when the first one came
    int64_t came_mono_ms = 0;   // the last one
  };
  std::map<Window, Open> open_;
  std::set<std::pair<int64_t, Window>> by_first_;
};

}  // namespace haidang::store
