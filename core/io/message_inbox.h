#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/io/loop.h"
#include "core/io/mqtt_session.h"

namespace haidang {

// Hands messages of another thread to the loop, in order, in runs that take it some milliseconds:
// however many wait, what else was posted has its turn between two runs.
class MessageInbox : public std::enable_shared_from_this<MessageInbox> {
 public:
  using Deliver = std::function<void(std::vector<MqttMessage>&& messages)>;

  static constexpr size_t kMaxBytes = 16U << 20;  // that wait, all messages together
  static constexpr size_t kRunMessages = 128;
  static constexpr size_t kRunBytes = 64U << 10;  // of a run, but for its last message

  // `deliver` is called on the loop thread.
  MessageInbox(Loop& loop, Deliver deliver) : loop_(&loop), deliver_(std::move(deliver)) {}

  // Any thread but the loop's: where kMaxBytes are there, waits until half of them are. Dropped
  // once it is closed.
  void Add(MqttMessage message);

  // Loop thread: delivers at once all that waits, before what is to come after it.
  void DeliverAll();
  // Loop thread: nothing is delivered any more, and nobody waits. From `deliver`, too.
  void Close();

 private:
  struct Messages {
    std::vector<MqttMessage> messages;
    size_t bytes = 0;
    bool full() const { return messages.size() >= kRunMessages || bytes >= kRunBytes; }
  };
  void PostRun();  // required: mutex_ is held
  void Run();
  bool DeliverRun();  // false where nothing waits

  std::mutex mutex_;
  std::condition_variable room_;
  Loop* loop_;  // written by the loop thread, under mutex_; null once closed
  const Deliver deliver_;
  std::deque<Messages> waiting_;  // under mutex_: run by run
  size_t bytes_ = 0;              // under mutex_
  bool posted_ = false;           // under mutex_: a run is posted, or under way
};

}  // namespace haidang
