#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace haidang::http {

// Threads that are started when there is work and none is idle, up to a limit; beyond it work waits
// its turn. Some are kept for urgent jobs, which never wait behind the others. Thread-safe.
class Workers {
 public:
  // `reserved` of the `max_threads` run urgent jobs only; one is always there for the others.
  Workers(size_t max_threads, size_t reserved)
      : max_threads_(std::max<size_t>(max_threads, 1)),
        reserved_(std::min(reserved, max_threads_ - 1)) {}
  ~Workers() { Stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // After Stop() the job is dropped.
  void Run(std::function<void()> job, bool urgent);
  // Jobs that wait because all threads for them are taken.
  size_t waiting();
  // Drops waiting jobs and returns when the running ones have ended.
  void Stop();

 private:
  struct Job {
    std::function<void()> run;
    bool urgent = false;
  };
  void Work();
  bool MayTake() const;
  Job Take();  // required: MayTake()

  const size_t max_threads_;
  const size_t reserved_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> urgent_;  // guarded by mutex_, as is what follows
  std::deque<Job> ordinary_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  size_t running_ordinary_ = 0;
  bool stopping_ = false;
};

}  // namespace haidang::http
