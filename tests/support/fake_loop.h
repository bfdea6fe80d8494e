#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/io/loop.h"
#include "tests/support/fake_clock.h"

namespace haidang::testing {

// A Loop in simulated time: nothing runs but in RunPosted and Advance, on the caller's thread. Post
// is thread-safe. Work runs in place of being posted.
class FakeLoop final : public Loop {
 public:
  explicit FakeLoop(FakeClock& clock) : clock_(clock), timers_(std::make_shared<Timers>()) {}

  // Runs what was posted, and what that posts.
  void RunPosted() {
    for (;;) {
      Answer();
      std::vector<std::function<void()>> tasks;
      {
        std::lock_guard lock(mutex_);
        tasks.swap(posted_);
      }
      if (tasks.empty()) return;
      for (auto& task : tasks) {
        Answer();
        task();
      }
    }
  }

  // Lets time pass; timers fire in order of their times, with the clock standing at each.
  void Advance(std::chrono::milliseconds by) {
    RunPosted();
    const int64_t end_ns = clock_.MonotonicNs() + by.count() * 1000000;
    while (!timers_->queue.empty() && timers_->queue.begin()->first.first <= end_ns) {
      auto entry = timers_->queue.extract(timers_->queue.begin());
      MoveTo(entry.key().first);
      const std::shared_ptr<Entry> timer = entry.mapped();
      if (timer->period_ns > 0) Schedule(timer, entry.key().first + timer->period_ns);
      timer->task();
      RunPosted();
    }
    MoveTo(end_ns);
  }

  size_t timers() const { return timers_->queue.size(); }

  void Post(std::function<void()> task) override {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }

  // Answered at the next task's beginning, or as an Await begins.
  void PostQuestion(std::function<void()> question) override {
    std::lock_guard lock(mutex_);
    questions_.push_back(std::move(question));
  }

  // `work` runs in place, after the questions.
  void Await(const std::function<void()>& work) override {
    Answer();
    work();
  }

  size_t questions() {
    std::lock_guard lock(mutex_);
    return questions_.size();
  }

  std::unique_ptr<Timer> After(std::chrono::milliseconds delay,
                               std::function<void()> task) override {
    return Make(delay.count() * 1000000, 0, std::move(task));
  }

  std::unique_ptr<Timer> Every(std::chrono::milliseconds period,
                               std::function<void()> task) override {
    return Make(period.count() * 1000000, period.count() * 1000000, std::move(task));
  }

  void Work(std::function<void()> work, std::function<void()> done) override {
    Post([work = std::move(work), done = std::move(done)] {
      work();
      done();
    });
  }

  void OnTerminate(std::function<void()> task) override { terminate_.push_back(std::move(task)); }
  void Terminate() {
    for (auto& task : terminate_) task();
    RunPosted();
  }

  void* native() override { return nullptr; }
  void Run() override { RunPosted(); }
  void Stop() override {}

 private:
  struct Entry {
    std::function<void()> task;
    int64_t period_ns = 0;
    std::pair<int64_t, uint64_t> key;
  };
  struct Timers {
    std::map<std::pair<int64_t, uint64_t>, std::shared_ptr<Entry>> queue;  // time, order of making
    uint64_t made = 0;
  };
  class FakeTimer final : public Timer {
   public:
    FakeTimer(std::shared_ptr<Timers> timers, std::shared_ptr<Entry> entry)
        : timers_(std::move(timers)), entry_(std::move(entry)) {}
    ~FakeTimer() override { timers_->queue.erase(entry_->key); }

   private:
    std::shared_ptr<Timers> timers_;
    std::shared_ptr<Entry> entry_;
  };

  void Answer() {
    std::vector<std::function<void()>> questions;
    {
      std::lock_guard lock(mutex_);
      questions.swap(questions_);
    }
    for (auto& question : questions) question();
  }

  std::unique_ptr<Timer> Make(int64_t delay_ns, int64_t period_ns, std::function<void()> task) {
    auto entry = std::make_shared<Entry>(Entry{std::move(task), period_ns, {}});
    Schedule(entry, clock_.MonotonicNs() + delay_ns);
    return std::make_unique<FakeTimer>(timers_, std::move(entry));
  }

  void Schedule(const std::shared_ptr<Entry>& entry, int64_t at_ns) {
    entry->key = {at_ns, timers_->made++};
    timers_->queue.emplace(entry->key, entry);
  }

  void MoveTo(int64_t monotonic_ns) {
    if (monotonic_ns > clock_.MonotonicNs()) {
      clock_.Advance(std::chrono::nanoseconds(monotonic_ns - clock_.MonotonicNs()));
    }
  }

  FakeClock& clock_;
  std::shared_ptr<Timers> timers_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> questions_;
  std::vector<std::function<void()>> terminate_;
};

}  // namespace haidang::testing
