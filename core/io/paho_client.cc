#include "core/io/paho_client.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "core/io/message_inbox.h"
#include "core/io/paho_connection.h"
#include "core/io/thread.h"

namespace haidang {

// Shared by the loop's side and the thread, which may outlive it.
class PahoClient::Core : public std::enable_shared_from_this<PahoClient::Core> {
 public:
  using Job = std::function<void()>;

  Core(Loop& loop, const MqttOptions& options, std::vector<MqttSubscription> subscriptions,
       PahoEvents events)
      : options_(options),
        subscriptions_(std::move(subscriptions)),
        events_(std::move(events)),
        loop_(&loop) {}

  // Before all else, once.
  void MakeInbox() {
    inbox_ = std::make_shared<MessageInbox>(
        *loop_, [weak = weak_from_this()](std::vector<MqttMessage>&& messages) {
          if (const auto core = weak.lock()) core->events_.received(std::move(messages));
        });
  }

  // Any thread: runs `job` on ours, in order.
  void Do(Job job) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      if (!started_) {
        started_ = true;
        StartThread([core = shared_from_this()] { core->Run(); }).detach();
      }
    }
    wake_.notify_one();
  }

  // ---- the loop thread ----

  void Abandon() {
    inbox_->Close();
    {
      std::lock_guard lock(mutex_);
      loop_ = nullptr;
      if (!started_) return;
    }
    Do([this] {
      Drop();
      quit_ = true;
    });
  }

  void Queue(MqttMessage message) {
    bool first = false;
    {
      std::lock_guard lock(mutex_);
      first = outbox_.empty();
      outbox_bytes_ += message.topic.size() + message.payload.size();
      outbox_.push_back(std::move(message));
    }
    if (first) Do([this] { SendOutbox(); });
  }

  size_t outgoing_bytes() {
    std::lock_guard lock(mutex_);
    return outbox_bytes_ + (current_ != nullptr ? current_->unwritten_bytes() : 0);
  }

  // ---- our thread ----

  void Connect(uint64_t attempt, const MqttMessage& will) {
    Drop();
    attempt_ = attempt;
    auto connection = std::make_unique<PahoConnection>(options_, MakeCallbacks(attempt));
    SetConnection(std::move(connection));
    connection_->Open(will);
  }

  void Finish(const std::vector<MqttMessage>& last) {
    SendOutbox();
    if (connection_ == nullptr) return Close();
    for (const MqttMessage& message : last) connection_->Send(message);
    if (connection_->WatchWritten()) Close();
  }

  void Close() {
    Drop();
    Tell([attempt = attempt_](PahoEvents& events) { events.closed(attempt); });
  }

 private:
  void Run() {
    while (!quit_) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !jobs_.empty(); });
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  PahoCallbacks MakeCallbacks(uint64_t attempt) {
    PahoCallbacks callbacks;
    callbacks.connected = [this, attempt] { Do([this, attempt] { Subscribe(attempt); }); };
    callbacks.subscribed = [this, attempt] {
      Tell([attempt](PahoEvents& events) { events.up(attempt); });
    };
    callbacks.down = [this, attempt](std::string why) {
      Tell([inbox = inbox_](PahoEvents&) { inbox->DeliverAll(); });  // it came before
      Tell([attempt, why = std::move(why)](PahoEvents& events) { events.down(attempt, why); });
    };
    callbacks.message = [this](MqttMessage&& message) { inbox_->Add(std::move(message)); };
    callbacks.all_written = [this] { Do([this] { Close(); }); };
    return callbacks;
  }

  void Subscribe(uint64_t attempt) {
    if (connection_ == nullptr || attempt_ != attempt) return;
    if (!subscriptions_.empty()) return connection_->Subscribe(subscriptions_);
    Tell([attempt](PahoEvents& events) { events.up(attempt); });
  }

  void SendOutbox() {
    std::vector<MqttMessage> messages;
    {
      std::lock_guard lock(mutex_);
      messages.swap(outbox_);
      outbox_bytes_ = 0;
    }
    if (connection_ == nullptr) return;
    for (const MqttMessage& message : messages) connection_->Send(message);
  }

  // Ends what there is, with Will. What was still queued is void.
  void Drop() {
    {
      std::lock_guard lock(mutex_);
      outbox_.clear();
      outbox_bytes_ = 0;
    }
    if (connection_ == nullptr) return;
    if (connection_->Close()) {
      SetConnection(nullptr);
    } else {
      // Left behind for ever, see PahoConnection::Close, with what its callbacks point to.
      left_behind_ = shared_from_this();
      {
        std::lock_guard lock(mutex_);
        current_ = nullptr;
      }
      (void)connection_.release();
    }
  }

  void SetConnection(std::unique_ptr<PahoConnection> connection) {
    {
      std::lock_guard lock(mutex_);
      current_ = connection.get();
    }
    connection_ = std::move(connection);
  }

  // Runs `event` on the loop thread, unless the loop's side is gone by then.
  void Tell(std::function<void(PahoEvents&)> event) {
    std::lock_guard lock(mutex_);
    if (loop_ == nullptr) return;
    loop_->Post([core = shared_from_this(), event = std::move(event)] {
      if (core->loop_ != nullptr) event(core->events_);
    });
  }

  const MqttOptions options_;
  const std::vector<MqttSubscription> subscriptions_;
  PahoEvents events_;  // the loop thread's

  std::shared_ptr<MessageInbox> inbox_;

  std::mutex mutex_;
  std::condition_variable wake_;  // jobs_ for our thread
  Loop* loop_;                    // written by the loop thread, under mutex_; null once abandoned
  std::deque<Job> jobs_;
  bool started_ = false;
  std::vector<MqttMessage> outbox_;
  size_t outbox_bytes_ = 0;
  PahoConnection* current_ = nullptr;  // connection_, for outgoing_bytes

  std::unique_ptr<PahoConnection> connection_;  // our thread's
  uint64_t attempt_ = 0;                        // likewise
  std::shared_ptr<Core> left_behind_;           // ourselves, once Paho may call back for ever
  bool quit_ = false;                           // likewise
};

PahoClient::PahoClient(Loop& loop, const MqttOptions& options,
                       std::vector<MqttSubscription> subscriptions, PahoEvents events)
    : core_(std::make_shared<Core>(loop, options, std::move(subscriptions), std::move(events))) {
  core_->MakeInbox();
}

PahoClient::~PahoClient() { core_->Abandon(); }

void PahoClient::Connect(uint64_t attempt, MqttMessage will) {
  core_->Do(
      [core = core_.get(), attempt, will = std::move(will)] { core->Connect(attempt, will); });
}

void PahoClient::Publish(MqttMessage message) { core_->Queue(std::move(message)); }

void PahoClient::Finish(std::vector<MqttMessage> last) {
  core_->Do([core = core_.get(), last = std::move(last)] { core->Finish(last); });
}

void PahoClient::Close() {
  core_->Do([core = core_.get()] { core->Close(); });
}

size_t PahoClient::outgoing_bytes() const { return core_->outgoing_bytes(); }

}  // namespace haidang
