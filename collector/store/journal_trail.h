#pragma once

#include <cstdint>
#include <deque>

namespace haidang::store {

// When the rows of the journal came, and how many bytes they are: a mark for about each second.
// What it answers is a row at or before the one that is asked for. Loop thread.
class JournalTrail {
 public:
  // `id` ascends. Where the clock was set back, what came before came now at the latest.
  void Came(int64_t id, int64_t received_ms, int64_t bytes);
  // Rows before `id` are asked for no more.
  void Forget(int64_t id);

  int64_t newest() const { return newest_; }  // id; 0 where there is none
  // Where rows begin that came at that time or later.
  int64_t FirstSince(int64_t received_ms) const;
  // Where the newest rows begin that are so many bytes together.
  int64_t FirstWithin(int64_t bytes) const;
  // When a row came. Required: not beyond newest().
  int64_t ReceivedOf(int64_t id) const;

 private:
  static constexpr int64_t kMarkMs = 1000;
  static constexpr int64_t kMarkBytes = 4 << 20;

  struct Mark {
    int64_t id = 0;  // of the first row
    int64_t received_ms = 0;
    int64_t bytes = 0;  // of all rows before it
  };
  std::deque<Mark> marks_;
  int64_t newest_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace haidang::store
