#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

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

  // Answers `question` on the loop thread, before any task that has not begun; while a task is in
  // Await, on the calling thread, before it returns, and other questions may be answered at the
  // same time. So it must change nothing. Any thread but the loop's; dropped as a task is.
  virtual void PostQuestion(std::function<void()> question) = 0;

  // Runs `work`, which waits for the disk and changes nothing that a question looks at; questions
  // are answered meanwhile. Loop thread only.
  virtual void Await(const std::function<void()>& work) = 0;

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

  // Asks what is answered without changing anything (PostQuestion), and waits; nothing where it was
  // not answered within `patience`. Any thread but the loop's own.
  template <typename T>
  std::optional<T> Ask(std::function<T()> question, std::chrono::milliseconds patience) {
    return Wait(&Loop::PostQuestion, std::move(question), patience);
  }

  // As Ask, of what changes something: it is a task of the loop thread as others are.
  template <typename T>
  std::optional<T> Order(std::function<T()> task, std::chrono::milliseconds patience) {
    return Wait(&Loop::Post, std::move(task), patience);
  }

 private:
  template <typename T>
  std::optional<T> Wait(void (Loop::*post)(std::function<void()>), std::function<T()> question,
                        std::chrono::milliseconds patience) {
    auto promise = std::make_shared<std::promise<T>>();
    auto answer = promise->get_future();
    (this->*post)([promise, question = std::move(question)] { promise->set_value(question()); });
    if (answer.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return answer.get();
  }
};

// Also ignores SIGPIPE for the whole process: a closed socket is an error value here, not the end.
// The Loop must outlive its Timers.
std::unique_ptr<Loop> MakeLoop();

}  // namespace haidang
