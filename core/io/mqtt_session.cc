#include "core/io/mqtt_session.h"

#include <algorithm>
#include <random>
#include <utility>

#include "core/io/broker_uri.h"
#include "core/io/paho_client.h"
#include "core/io/paho_connection.h"
#include "core/io/tls_files.h"

namespace haidang {
namespace {

// A connection that lived this long was a good one: the next wait is short again.
constexpr std::chrono::seconds kGoodConnection{60};
// Paho forgets no attempt, as far as we know; a broker may forget to acknowledge a subscription.
constexpr std::chrono::seconds kPatienceAfterTimeout{15};

class PahoSession final : public MqttSession {
 public:
  PahoSession(Loop& loop, const Clock& clock, MqttOptions options,
              std::vector<MqttSubscription> subscriptions, MqttHandlers handlers)
      : loop_(loop),
        clock_(clock),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        backoff_(options_),
        random_(std::random_device{}()) {
    PahoEvents events;
    events.up = [this](uint64_t attempt) { OnUp(attempt); };
    events.down = [this](uint64_t attempt, const std::string& why) { OnDown(attempt, why); };
    events.closed = [this](uint64_t) {
      if (state_ == State::kStopping) Stopped();
    };
    events.received = [this](std::vector<MqttMessage>&& messages) {
      if (state_ == State::kUp || state_ == State::kConnecting) {
        handlers_.received(std::move(messages));
      }
    };
    client_ =
        std::make_unique<PahoClient>(loop_, options_, std::move(subscriptions), std::move(events));
  }

  void Start() override {
    if (state_ == State::kIdle) Connect();
  }

  bool connected() const override { return state_ == State::kUp; }

  bool Publish(MqttMessage message) override {
    if (state_ != State::kUp) return false;
    const size_t bytes = message.topic.size() + message.payload.size();
    if (outgoing_bytes() + bytes > options_.max_outgoing_bytes) return false;
    client_->Publish(std::move(message));
    return true;
  }

  size_t outgoing_bytes() const override { return client_ ? client_->outgoing_bytes() : 0; }

  void Stop(std::vector<MqttMessage> last, std::chrono::milliseconds deadline,
            std::function<void()> done) override {
    const bool up = state_ == State::kUp;
    state_ = State::kStopping;
    done_ = std::move(done);
    if (!up) {
      client_.reset();  // an attempt under way ends behind our back
      timer_ = loop_.After(std::chrono::milliseconds(0), [this] { Stopped(); });
      return;
    }
    client_->Finish(std::move(last));
    // Where the last messages cannot be written, leave at least in form.
    timer_ = loop_.After(deadline / 2, [this, rest = deadline - deadline / 2] {
      client_->Close();
      timer_ = loop_.After(rest, [this] { Stopped(); });
    });
  }

  void Reconnect() override {
    if (state_ == State::kUp || state_ == State::kConnecting) Connect();
  }

 private:
  enum class State { kIdle, kWaiting, kConnecting, kUp, kStopping, kStopped };

  void Connect() {
    state_ = State::kConnecting;
    ++attempt_;
    client_->Connect(attempt_, handlers_.will());
    timer_ = loop_.After(options_.connect_timeout + kPatienceAfterTimeout,
                         [this] { OnDown(attempt_, "the broker did not answer in time"); });
  }

  void OnUp(uint64_t attempt) {
    if (attempt != attempt_ || state_ != State::kConnecting) return;
    state_ = State::kUp;
    timer_.reset();
    up_since_ns_ = clock_.MonotonicNs();
    failure_told_ = false;
    handlers_.connected();
  }

  void OnDown(uint64_t attempt, const std::string& why) {
    if (attempt != attempt_) return;
    if (state_ == State::kStopping) return Stopped();
    if (state_ != State::kUp && state_ != State::kConnecting) return;
    const bool lost = state_ == State::kUp;
    state_ = State::kWaiting;
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    const std::chrono::nanoseconds lived(clock_.MonotonicNs() - up_since_ns_);
    const auto wait = lost ? backoff_.Lost(lived, random) : backoff_.Failed(random);
    timer_ = loop_.After(wait, [this] { Connect(); });
    if (!lost && failure_told_) return;
    failure_told_ = !lost;
    handlers_.disconnected(Error{options_.uri + ": " + why + (lost ? Suspicion(why) : "")});
  }

  // Not every broker says that it gave the session to another (Mosquitto 2.0.11 does not).
  std::string Suspicion(const std::string& why) const {
    if (!backoff_.flapping() || why != kLostWithoutReason) return "";
    return " within a minute, and not for the first time: does another program use the certificate "
           "of " +
           options_.client_id +
           " (a cloned machine, or started twice)? Then give each machine its own; else look at "
           "the line and the broker's log";
  }

  // Last thing that the session does; `done_` may destroy it.
  void Stopped() {
    if (state_ != State::kStopping) return;
    state_ = State::kStopped;
    client_.reset();
    timer_.reset();
    if (auto done = std::exchange(done_, nullptr)) done();
  }

  Loop& loop_;
  const Clock& clock_;
  const MqttOptions options_;
  const MqttHandlers handlers_;
  Backoff backoff_;
  std::minstd_rand random_;
  std::unique_ptr<PahoClient> client_;
  State state_ = State::kIdle;
  uint64_t attempt_ = 0;
  bool failure_told_ = false;  // of this row of failed attempts
  int64_t up_since_ns_ = 0;
  std::unique_ptr<Timer> timer_;  // the wait, an attempt's patience, or Stop's deadline
  std::function<void()> done_;
};

Status CheckOptions(const MqttOptions& options) {
  if (const Status uri = CheckBrokerUri(options.uri); !uri) {
    return Error{options.uri + ": the broker's address " + uri.error().message};
  }
  if (options.client_id.empty()) return Error{options.uri + ": the MQTT client id is empty"};
  if (!UsesTls(options.uri)) return {};
  const auto fault = FindTlsFault(options);
  if (!fault) return {};
  return Error{options.uri + ": " + std::string(fault->key) + " " + fault->what};
}

}  // namespace

Result<std::unique_ptr<MqttSession>> MakeMqttSession(Loop& loop, const Clock& clock,
                                                     MqttOptions options,
                                                     std::vector<MqttSubscription> subscriptions,
                                                     MqttHandlers handlers) {
  if (Status checked = CheckOptions(options); !checked) return checked.error();
  return std::unique_ptr<MqttSession>(std::make_unique<PahoSession>(
      loop, clock, std::move(options), std::move(subscriptions), std::move(handlers)));
}

std::chrono::milliseconds FullJitter(const MqttOptions& options, int attempt, double random) {
  constexpr int kMaxDoublings = 30;
  const int64_t max = options.backoff_max.count();
  int64_t cap = options.backoff_min.count();
  for (int i = 0; i < std::min(attempt, kMaxDoublings) && cap < max; ++i) cap *= 2;
  cap = std::min(cap, max);
  return std::chrono::milliseconds(static_cast<int64_t>(random * static_cast<double>(cap + 1)));
}

std::chrono::milliseconds Backoff::Lost(std::chrono::nanoseconds lived, double random) {
  if (lived >= kGoodConnection) {
    failures_ = 0;
    brief_ = 0;
  } else {
    ++brief_;
  }
  return Failed(random);
}

}  // namespace haidang
