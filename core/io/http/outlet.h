#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

namespace haidang::http {

// Writes an answer to a non-blocking socket whose reader may be slow, gone or hostile. Used by one
// thread; stuck_ms() may be asked by any.
class Outlet {
 public:
  using Clock = std::chrono::steady_clock;

  struct Patience {
    std::chrono::milliseconds piece;   // for the reader to take 256 KiB
    std::chrono::milliseconds answer;  // for it to take a whole answer
  };

  // The socket must outlive it.
  Outlet(int fd, Patience patience)
      : fd_(fd), patience_(patience), deadline_(Clock::now() + patience.answer) {}
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  // The answer has no end: only its pieces have a deadline.
  void NeverEnds() { deadline_ = Clock::time_point::max(); }

  // False where the reader did not take the bytes in time or has gone; then nothing more is
  // written.
  bool Write(std::string_view bytes);
  bool failed() const { return failed_; }
  // Whether the reader has gone, as far as the socket knows.
  bool Gone() const;

  // How long the reader has kept the present piece waiting; 0 where none waits.
  std::chrono::milliseconds stuck() const;

 private:
  bool WritePiece(std::string_view bytes);

  const int fd_;
  const Patience patience_;
  Clock::time_point deadline_;
  bool failed_ = false;
  std::atomic<Clock::rep> piece_begun_{0};  // Clock's ticks; 0: none waits
};

}  // namespace haidang::http
