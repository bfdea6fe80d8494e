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
  // Not woken for each run that was taken.
  if (bytes_ >= kMaxBytes) room_.wait(lock, [this] { return bytes_ < kMaxBytes / 2; });
  if (loop_ == nullptr) return;
  if (waiting_.empty() || waiting_.back().full()) waiting_.emplace_back();
  waiting_.back().bytes += BytesOf(message);
  bytes_ += BytesOf(message);
  waiting_.back().messages.push_back(std::move(message));
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
  Messages run;
  bool room = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    run = std::move(waiting_.front());
    waiting_.pop_front();
    room = bytes_ >= kMaxBytes / 2 && bytes_ - run.bytes < kMaxBytes / 2;
    bytes_ -= run.bytes;
  }
  if (room) room_.notify_all();
  deliver_(std::move(run.messages));
  return true;
}

}  // namespace haidang
