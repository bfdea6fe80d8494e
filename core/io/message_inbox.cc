#include "core/io/message_inbox.h"

#include <utility>

namespace haidang {
namespace {

size_t BytesOf(const MqttMessage& message) {
  return message.topic.size() + message.payload.size() + sizeof(MqttMessage);
}

}  // namespace

void MessageInbox::Add(MqttMessage message) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return loop_ == nullptr || bytes_ < kMaxBytes; });
  if (loop_ == nullptr) return;
  bytes_ += BytesOf(message);
  waiting_.push_back(std::move(message));
  if (!posted_) PostRun();
}

void MessageInbox::Close() {
  {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
    waiting_.clear();
    bytes_ = 0;
  }
  room_.notify_all();
}

void MessageInbox::PostRun() {
  posted_ = true;
  loop_->Post([inbox = shared_from_this()] { inbox->Run(); });
}

void MessageInbox::Run() {
  DeliverRun();
  // Posted only now: what was posted meanwhile comes first.
  const std::lock_guard lock(mutex_);
  posted_ = false;
  if (loop_ != nullptr && !waiting_.empty()) PostRun();
}

void MessageInbox::DeliverAll() {
  while (DeliverRun()) {
  }
}

bool MessageInbox::DeliverRun() {
  std::vector<MqttMessage> run;
  {
    const std::lock_guard lock(mutex_);
    for (size_t bytes = 0; !waiting_.empty() && run.size() < kRunMessages && bytes < kRunBytes;) {
      bytes += BytesOf(waiting_.front());
      bytes_ -= BytesOf(waiting_.front());
      run.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
  }
  if (run.empty()) return false;
  room_.notify_all();
  deliver_(std::move(run));
  return true;
}

}  // namespace haidang
