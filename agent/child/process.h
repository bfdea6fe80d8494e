#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/child/command.h"
#include "agent/child/spawn.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// How a program ended.
struct ChildResult {
  enum class End {
    kExited,
    kSignalled,   // by somebody else than us
    kTimedOut,    // and was killed
    kFlooded,     // wrote without end, and was killed
    kNotStarted,  // is missing, may not be run, or its turn did not come
  };

  End end = End::kNotStarted;
  int code = 0;  // kExited: its exit code; kSignalled: the signal's number
  // What is wrong, as in "has not ended after 10 s"; empty where it exited, whatever its code.
  std::string problem;
  std::string output;      // standard output, its first Command::max_output bytes; any bytes
  std::string errors;      // standard error, its first kMaxErrors bytes
  bool truncated = false;  // there was more output
  int64_t took_ns = 0;     // from its beginning on
};

inline constexpr size_t kMaxErrors = 4096;

struct ChildRunnerOptions {
  size_t at_once = 4;                           // programs that run; further ones wait
  size_t max_flood = 1U << 20;                  // bytes that a program may write in all
  std::chrono::milliseconds term_grace{1'000};  // from SIGTERM to SIGKILL
  std::chrono::milliseconds kill_grace{2'000};  // from SIGKILL until it is given up
  // A program that has ended may have left others behind that hold its output open: they have so
  // long, then they are killed, those at least that stayed in its session's process group.
  std::chrono::milliseconds leave_grace{500};
  std::chrono::milliseconds max_wait{300'000};  // for a turn
};

// A program that runs, until nothing is left of it. Loop thread only.
class Process {
 public:
  // Called in this order, once each, later. After `gone` the Process may be destroyed, from within
  // it too. Between the two lies time only where the program cannot be killed.
  struct Listener {
    std::function<void(ChildResult)> told;
    std::function<void()> gone;
  };

  // `loop`, `clock` and `options` must outlive it.
  Process(const Command& command, Spawned spawned, Loop& loop, const Clock& clock,
          const ChildRunnerOptions& options, Listener listener);
  // Kills it, and does not wait.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // To be called at SIGCHLD.
  void LookForExit();
  // It is told as soon as it has ended.
  void Kill();
  // Takes it off the system's table once it has ended; true where it had. For who destroys it.
  bool Reap();

 private:
  // One of its outputs.
  class Stream;

  void OnReadable(Stream& stream);
  void TakeOutput(Stream& stream, std::string_view bytes);
  void TimeOut();
  void Flood();
  void KillFor(std::chrono::milliseconds patience);
  void GiveUp();
  void NoteEnd(int code, int status);
  void Finish();
  void Tell();
  void Signal(int number) const;

  const Command command_;
  const Spawned spawned_;
  Loop& loop_;
  const Clock& clock_;
  const ChildRunnerOptions& options_;
  Listener listener_;
  const int64_t begun_ns_;
  std::array<std::unique_ptr<Stream>, 2> streams_;  // output, errors; null once they are closed
  size_t written_ = 0;                              // bytes, of both
  ChildResult result_;
  bool stopped_ = false;  // by us: result_.end and problem say why
  bool ended_ = false;    // the program; others that it left may hold its output
  bool reaped_ = false;
  bool told_ = false;
  std::unique_ptr<Timer> timer_;  // of what comes next
};

}  // namespace haidang::agent
