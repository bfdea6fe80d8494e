#include "core/io/http/workers.h"

#include <utility>

#include "core/io/thread.h"

namespace haidang::http {

void Workers::Run(std::function<void()> job, bool urgent) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  (urgent ? urgent_ : ordinary_).push_back({std::move(job), urgent});
  if (idle_ < urgent_.size() + ordinary_.size() && threads_.size() < max_threads_ && MayTake()) {
    threads_.push_back(StartThread([this] { Work(); }));
  }
  wake_.notify_one();
}

size_t Workers::waiting() {
  const std::lock_guard lock(mutex_);
  if (idle_ == 0 && threads_.size() == max_threads_) return urgent_.size() + ordinary_.size();
  return running_ordinary_ + reserved_ < max_threads_ ? 0 : ordinary_.size();
}

void Workers::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    urgent_.clear();
    ordinary_.clear();
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

bool Workers::MayTake() const {
  return !urgent_.empty() || (!ordinary_.empty() && running_ordinary_ + reserved_ < max_threads_);
}

Workers::Job Workers::Take() {
  std::deque<Job>& jobs = urgent_.empty() ? ordinary_ : urgent_;
  Job job = std::move(jobs.front());
  jobs.pop_front();
  return job;
}

void Workers::Work() {
  PreferThisThread();
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || MayTake(); });
    --idle_;
    if (stopping_) return;
    {
      const Job job = Take();
      running_ordinary_ += job.urgent ? 0 : 1;
      lock.unlock();
      job.run();
      lock.lock();
      running_ordinary_ -= job.urgent ? 0 : 1;
    }
    if (MayTake()) wake_.notify_one();
  }
}

}  // namespace haidang::http
