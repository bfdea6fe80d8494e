#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>

// The event loop: one a thread; other threads only Post. On libuv.
namespace haidang {

// Ends its timer when destroyed. Loop thread only.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // Runs `task` on the loop thread, in order of posting. Any thread, also before Run(); after the
  // loop ended the task is dropped.
  virtual void Post(std::function<void()> task) = 0;

  // Loop thread only. The task is not called after the Timer's destruction.
  virtual std::unique_ptr<Timer> After(std::chrono::milliseconds delay,
                                       std::function<void()> task) = 0;
  virtual std::unique_ptr<Timer> Every(std::chrono::milliseconds period,
                                       std::function<void()> task) = 0;

  // Runs `work` on a worker thread, then `done` on the loop thread. Loop thread only. At most four
  // run at once, the rest wait. A worker that hangs stops neither the loop nor the process's end:
  // nobody waits for it, so `work` must own what it touches.
  virtual void Work(std::function<void()> work, std::function<void()> done) = 0;

  // Calls `task` on the loop thread at SIGTERM or SIGINT (each time). Loop thread or before Run().
  virtual void OnTerminate(std::function<void()> task) = 0;

  // The libuv loop, for libraries that need it (libcurl's sockets). Loop thread only.
  virtual void* native() = 0;

  // Runs until Stop(). Stop: any thread.
  virtual void Run() = 0;
  virtual void Stop() = 0;

  // Asks the loop thread and waits; nothing where it did not answer within `patience`. Any thread
  // but the loop's own.
  template <typename T>
  std::optional<T> Ask(std::function<T()> question, std::chrono::milliseconds patience) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    Post([promise, question = std::move(question)] { promise->set_value(question()); });
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }
};

// Also ignores SIGPIPE for the whole process: a closed socket is an error value here, not the end.
// The Loop must outlive its Timers.
std::unique_ptr<Loop> MakeLoop();

}  // namespace haidang
