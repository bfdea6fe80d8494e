#include "collector/http_pool.h"

#include <utility>

namespace haidang::collector {

HttpPool::HttpPool(size_t threads, size_t waiting) : max_waiting_(waiting) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

HttpPool::~HttpPool() { shutdown(); }

void HttpPool::enqueue(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ || tasks_.size() < max_waiting_; });
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void HttpPool::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void HttpPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      changed_.notify_all();
    }
    task();
  }
}

void Bound(httplib::Server& server, size_t threads, size_t max_body_bytes) {
  server.new_task_queue = [threads] { return new HttpPool(threads, 64); };
  server.set_payload_max_length(max_body_bytes);
  server.set_keep_alive_max_count(1000);
  server.set_keep_alive_timeout(1);  // seconds: the longest that stopping waits for an idle client
  server.set_read_timeout(1);
  server.set_write_timeout(5);
  server.set_tcp_nodelay(true);
}

}  // namespace haidang::collector
