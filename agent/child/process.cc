#include "agent/child/process.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace haidang::agent {
namespace {

using std::chrono::milliseconds;

constexpr size_t kReadAtOnce = 16U << 10;
constexpr int kReadsInARow = 4;  // then others have their turn on the loop

std::string Seconds(milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

}  // namespace

class Process::Stream {
 public:
  // `kept` takes its first `limit` bytes.
  Stream(Process& process, int descriptor, std::string& kept, size_t limit)
      : fd(descriptor), text(kept), room(limit), watch_(new Watch{{}, &process, this}) {
    uv_poll_init(static_cast<uv_loop_t*>(process.loop_.native()), &watch_->handle, fd);
    watch_->handle.data = watch_;
    uv_poll_start(&watch_->handle, UV_READABLE, [](uv_poll_t* poll, int, int) {
      const auto* watch = static_cast<Watch*>(poll->data);
      watch->process->OnReadable(*watch->stream);
    });
  }
  ~Stream() {
    uv_poll_stop(&watch_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&watch_->handle),
             [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  const int fd;
  std::string& text;
  const size_t room;

 private:
  // Freed once libuv has let go of it.
  struct Watch {
    uv_poll_t handle;
    Process* process;
    Stream* stream;
  };
  Watch* watch_;
};

Process::Process(const Command& command, Spawned spawned, Loop& loop, const Clock& clock,
                 const ChildRunnerOptions& options, Listener listener)
    : command_(command),
      spawned_(std::move(spawned)),
      loop_(loop),
      clock_(clock),
      options_(options),
      listener_(std::move(listener)),
      begun_ns_(clock.MonotonicNs()) {
  streams_[0] =
      std::make_unique<Stream>(*this, spawned_.output.get(), result_.output, command_.max_output);
  streams_[1] = std::make_unique<Stream>(*this, spawned_.errors.get(), result_.errors, kMaxErrors);
  timer_ = loop_.After(command_.timeout, [this] { TimeOut(); });
}

Process::~Process() { Signal(SIGKILL); }

// The id stays the program's own until it is reaped. A process that has only just been made is in
// no group of its own yet.
void Process::Signal(int number) const {
  if (reaped_) return;
  kill(-spawned_.pid, number);
  kill(spawned_.pid, number);
}

void Process::OnReadable(Stream& stream) {
  char buffer[kReadAtOnce];
  for (int i = 0; i < kReadsInARow; ++i) {
    const ssize_t got = read(stream.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      for (auto& one : streams_) {
        if (one.get() == &stream) one.reset();
      }
      if (ended_ && !streams_[0] && !streams_[1]) Finish();
      return;
    }
    TakeOutput(stream, {buffer, static_cast<size_t>(got)});
    if (written_ > options_.max_flood) return Flood();
  }
}

void Process::TakeOutput(Stream& stream, std::string_view bytes) {
  written_ += bytes.size();
  const size_t taken = std::min(bytes.size(), stream.room - stream.text.size());
  stream.text.append(bytes.substr(0, taken));
  if (taken < bytes.size() && &stream.text == &result_.output) result_.truncated = true;
}

void Process::TimeOut() {
  stopped_ = true;
  result_.end = ChildResult::End::kTimedOut;
  result_.problem = "has not ended after " + Seconds(command_.timeout);
  Signal(SIGTERM);
  timer_ = loop_.After(options_.term_grace, [this] { KillFor(options_.kill_grace); });
}

void Process::Flood() {
  streams_ = {};
  if (ended_) return Finish();
  if (!stopped_) {
    stopped_ = true;
    result_.end = ChildResult::End::kFlooded;
    result_.problem = "has written more than " + std::to_string(options_.max_flood) + " bytes";
  }
  KillFor(options_.kill_grace);
}

void Process::Kill() {
  Signal(SIGKILL);  // also what it left behind, where it has ended
  if (ended_ || told_) return;
  stopped_ = true;
  result_.end = ChildResult::End::kNotStarted;
  result_.problem = "was called off";
  KillFor(options_.kill_grace);
}

void Process::KillFor(milliseconds patience) {
  Signal(SIGKILL);
  timer_ = loop_.After(patience, [this] { GiveUp(); });
}

// It waits in the kernel for a disk that does not answer, or has more rights than we.
void Process::GiveUp() {
  streams_ = {};
  timer_.reset();
  result_.problem += ", and cannot be killed";
  Tell();
}

void Process::LookForExit() {
  if (ended_) return;
  // It keeps its id, so that its group can still be killed.
  siginfo_t info{};
  const int code =
      waitid(P_PID, static_cast<id_t>(spawned_.pid), &info, WEXITED | WNOHANG | WNOWAIT);
  if (code == 0 && info.si_pid == 0) return;
  if (code != 0 && errno != ECHILD) return;
  ended_ = true;
  reaped_ = code != 0;  // by somebody else
  timer_.reset();
  if (told_) return Finish();
  result_.took_ns = clock_.MonotonicNs() - begun_ns_;
  NoteEnd(code == 0 ? info.si_code : 0, info.si_status);
  // What it wrote is there already; who else holds its output may write more.
  if (!streams_[0] && !streams_[1]) return Finish();
  timer_ = loop_.After(options_.leave_grace, [this] { Finish(); });
}

void Process::NoteEnd(int code, int status) {
  using enum ChildResult::End;
  if (stopped_) return;
  if (code == CLD_EXITED) {
    result_.end = kExited;
    result_.code = status;
    result_.problem = FaultOf(spawned_);
    if (!result_.problem.empty()) result_.end = kNotStarted;
  } else if (code == CLD_KILLED || code == CLD_DUMPED) {
    result_.end = kSignalled;
    result_.code = status;
    result_.problem = fmt::format("was ended by signal {} ({})", status, strsignal(status));
  } else {
    result_.end = kSignalled;
    result_.problem = "has ended nobody knows how";
  }
}

bool Process::Reap() {
  if (reaped_) return true;
  int status = 0;
  const pid_t pid = waitpid(spawned_.pid, &status, WNOHANG);
  reaped_ = pid == spawned_.pid || (pid < 0 && errno == ECHILD);
  return reaped_;
}

void Process::Finish() {
  streams_ = {};
  timer_.reset();
  Signal(SIGKILL);  // what it left behind
  Reap();
  Tell();
  const auto gone = std::move(listener_.gone);
  gone();  // may destroy this
}

void Process::Tell() {
  if (std::exchange(told_, true)) return;
  if (result_.took_ns == 0) result_.took_ns = clock_.MonotonicNs() - begun_ns_;
  listener_.told(std::move(result_));
}

}  // namespace haidang::agent
