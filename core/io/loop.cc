#include "core/io/loop.h"

#include <uv.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "core/io/thread.h"

namespace haidang {
namespace {

constexpr int kMaxWorkers = 4;

// Posted tasks and questions. Shared with worker threads, which may outlive the loop.
class Mailbox {
 public:
  using Task = std::function<void()>;

  explicit Mailbox(uv_async_t* wake) : wake_(wake) {}

  void Post(Task task) {
    std::lock_guard lock(mutex_);
    if (wake_ == nullptr) return;
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) uv_async_send(wake_);
  }

  void PostQuestion(Task question) {
    std::unique_lock lock(mutex_);
    if (wake_ == nullptr) return;
    if (!open_) {
      questions_.push_back(std::move(question));
      if (questions_.size() == 1) uv_async_send(wake_);
      return;
    }
    ++answering_;
    lock.unlock();
    const Answering end{*this};  // also where it throws
    question();
  }

  // Tasks that were posted until now, in order.
  void TakeAll(std::vector<Task>& tasks) {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }

  // Loop thread: answers what was asked until now.
  void Answer() {
    std::unique_lock lock(mutex_);
    AnswerAll(lock);
  }

  // Loop thread: from now on who asks answers itself. Answers who asked before.
  void Open() {
    std::unique_lock lock(mutex_);
    open_ = true;
    AnswerAll(lock);
  }

  // Loop thread: no more, and nobody is about it.
  void Shut() {
    std::unique_lock lock(mutex_);
    open_ = false;
    answered_.wait(lock, [this] { return answering_ == 0; });
  }

  // What did not run is destroyed without the lock: it may own what posts again.
  void Close() {
    std::vector<Task> tasks, questions;
    std::lock_guard lock(mutex_);
    wake_ = nullptr;
    tasks.swap(tasks_);
    questions.swap(questions_);
  }

 private:
  struct Answering {
    Mailbox& mailbox;
    ~Answering() {
      std::lock_guard lock(mailbox.mutex_);
      if (--mailbox.answering_ == 0) mailbox.answered_.notify_one();
    }
  };

  void AnswerAll(std::unique_lock<std::mutex>& lock) {
    std::vector<Task> questions;
    questions.swap(questions_);
    lock.unlock();
    for (Task& question : questions) {
      question();
      question = nullptr;
    }
    lock.lock();
  }

  std::mutex mutex_;
  std::condition_variable answered_;
  uv_async_t* wake_;  // null once the loop ended
  std::vector<Task> tasks_;
  std::vector<Task> questions_;
  bool open_ = false;
  int answering_ = 0;  // threads that answer themselves
};

// Freed by libuv's close callback, which comes after the timer's own callback returned: so a task
// may destroy its Timer.
struct TimerState {
  uv_timer_t handle;
  std::function<void()> task;
};

class UvTimer final : public Timer {
 public:
  UvTimer(uv_loop_t* loop, std::chrono::milliseconds delay, std::chrono::milliseconds period,
          std::function<void()> task)
      : state_(new TimerState{{}, std::move(task)}) {
    state_->handle.data = state_;
    uv_timer_init(loop, &state_->handle);
    uv_update_time(loop);  // a long task may have left libuv's idea of now behind
    uv_timer_start(
        &state_->handle, [](uv_timer_t* timer) { static_cast<TimerState*>(timer->data)->task(); },
        static_cast<uint64_t>(std::max<int64_t>(delay.count(), 0)),
        static_cast<uint64_t>(std::max<int64_t>(period.count(), 0)));
  }

  ~UvTimer() override {
    uv_timer_stop(&state_->handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
             [](uv_handle_t* handle) { delete static_cast<TimerState*>(handle->data); });
  }

 private:
  TimerState* state_;
};

class UvLoop final : public Loop {
 public:
  UvLoop() : loop_(new uv_loop_t) {
    uv_loop_init(loop_);
    uv_async_init(loop_, &wake_,
                  [](uv_async_t* wake) { static_cast<UvLoop*>(wake->data)->RunPosted(); });
    wake_.data = this;
    mailbox_ = std::make_shared<Mailbox>(&wake_);
  }

  ~UvLoop() override {
    mailbox_->Close();
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
    for (auto& signal : signals_) {
      uv_close(reinterpret_cast<uv_handle_t*>(signal.get()), nullptr);
    }
    while (uv_run(loop_, UV_RUN_NOWAIT) != 0 && uv_loop_close(loop_) == UV_EBUSY && OursAreOpen()) {
    }
    // Handles of others that are still open keep the memory that they point to.
    if (uv_loop_close(loop_) != UV_EBUSY) delete loop_;
  }

  void Post(std::function<void()> task) override { mailbox_->Post(std::move(task)); }

  void PostQuestion(std::function<void()> question) override {
    mailbox_->PostQuestion(std::move(question));
  }

  void Await(const std::function<void()>& work) override {
    mailbox_->Open();
    work();
    mailbox_->Shut();
  }

  std::unique_ptr<Timer> After(std::chrono::milliseconds delay,
                               std::function<void()> task) override {
    return std::make_unique<UvTimer>(loop_, delay, std::chrono::milliseconds(0), std::move(task));
  }

  std::unique_ptr<Timer> Every(std::chrono::milliseconds period,
                               std::function<void()> task) override {
    return std::make_unique<UvTimer>(loop_, period, std::max(period, std::chrono::milliseconds(1)),
                                     std::move(task));
  }

  void Work(std::function<void()> work, std::function<void()> done) override {
    jobs_.emplace_back(std::move(work), std::move(done));
    StartWorkers();
  }

  void OnTerminate(std::function<void()> task) override {
    terminate_.push_back(std::move(task));
    if (!signals_.empty()) return;
    for (int number : {SIGTERM, SIGINT}) {
      auto& signal = signals_.emplace_back(std::make_unique<uv_signal_t>());
      uv_signal_init(loop_, signal.get());
      signal->data = this;
      uv_signal_start(
          signal.get(),
          [](uv_signal_t* handle, int) {
            for (auto& listener : static_cast<UvLoop*>(handle->data)->terminate_) listener();
          },
          number);
    }
  }

  void* native() override { return loop_; }

  void Run() override { uv_run(loop_, UV_RUN_DEFAULT); }

  void Stop() override {
    Post([this] { uv_stop(loop_); });
  }

 private:
  void RunPosted() {
    mailbox_->Answer();
    std::vector<std::function<void()>> tasks;
    mailbox_->TakeAll(tasks);
    for (auto& task : tasks) {
      task();
      task = nullptr;  // what it owns goes before the next task runs
      mailbox_->Answer();
    }
  }

  // Detached threads, not libuv's pool: that one is joined when the process ends, so a mount that
  // hangs would hang the end too.
  void StartWorkers() {
    while (workers_ < kMaxWorkers && !jobs_.empty()) {
      auto [work, done] = std::move(jobs_.front());
      jobs_.pop_front();
      ++workers_;
      auto finish = [this, done = std::move(done)] {
        --workers_;
        done();
        StartWorkers();
      };
      StartThread([mailbox = mailbox_, work = std::move(work),
                   finish = std::move(finish)]() mutable {
        work();
        work = nullptr;
        mailbox->Post(std::move(finish));
      }).detach();
    }
  }

  bool OursAreOpen() const {
    if (uv_is_closing(reinterpret_cast<const uv_handle_t*>(&wake_)) == 0) return true;
    return uv_loop_alive(loop_) != 0;
  }

  uv_loop_t* loop_;
  uv_async_t wake_;
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::unique_ptr<uv_signal_t>> signals_;
  std::vector<std::function<void()>> terminate_;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs_;
  int workers_ = 0;
};

}  // namespace

std::unique_ptr<Loop> MakeLoop() {
  std::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<UvLoop>();
}

}  // namespace haidang
