#pragma once

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace haidang::collector {

// cpp-httplib's workers with a bounded queue: where it is full the accepting thread waits, so that
// further connections stay in the kernel's backlog instead of our memory.
class HttpPool final : public httplib::TaskQueue {
 public:
  HttpPool(size_t threads, size_t waiting);
  ~HttpPool() override;

  void enqueue(std::function<void()> task) override;
  void shutdown() override;

 private:
  void Work();

  size_t max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool ended_ = false;                       // guarded by mutex_
  std::vector<std::thread> threads_;
};

// Times and sizes that a loopback client never meets and a hostile one does.
void Bound(httplib::Server& server, size_t threads, size_t max_body_bytes);

}  // namespace haidang::collector
