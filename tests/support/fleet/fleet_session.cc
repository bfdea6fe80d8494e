#include "tests/support/fleet/fleet_session.h"

#include <utility>

namespace haidang::fleet {
namespace {

using std::chrono::milliseconds;

constexpr int kFailuresBefore = 30;  // attempts in vain: the wait is at its cap
constexpr milliseconds kPingEvery{20'000};
constexpr milliseconds kLook{5};                       // whether a connection is closed
constexpr int64_t kGoodConnectionNs = 60'000'000'000;  // the next wait is short again

std::vector<std::string> FiltersOf(const std::vector<MqttSubscription>& subscriptions) {
  std::vector<std::string> filters;
  filters.reserve(subscriptions.size());
  for (const MqttSubscription& one : subscriptions) filters.push_back(one.filter);
  return filters;
}

}  // namespace

FleetSession::FleetSession(Loop& loop, const Clock& clock, const sockaddr_in& address,
                           MqttOptions options, const std::vector<MqttSubscription>& subscriptions,
                           MqttHandlers handlers, std::function<double()> random)
    : loop_(loop),
      clock_(clock),
      address_(address),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      random_(std::move(random)),
      connection_(static_cast<uv_loop_t*>(loop.native()), options_.client_id,
                  FiltersOf(subscriptions), MakeEvents()),
      failures_(kFailuresBefore) {}

ConnectionEvents FleetSession::MakeEvents() {
  ConnectionEvents events;
  events.will = [this] {
    MqttMessage will = handlers_.will();
    return Will{std::move(will.topic), std::move(will.payload)};
  };
  events.up = [this] { OnUp(); };
  events.down = [this](const std::string& why) { OnDown(why); };
  events.received = [this](std::string_view topic, std::string_view payload) {
    handlers_.received({{std::string(topic), std::string(payload), 0, false}});
  };
  return events;
}

bool FleetSession::Publish(MqttMessage message) {
  const size_t bytes = message.topic.size() + message.payload.size();
  if (!up_ || outgoing_bytes() + bytes > options_.max_outgoing_bytes) return false;
  connection_.Publish(message.topic, message.payload);
  connection_.Flush();
  return true;
}

void FleetSession::WaitAndOpen() {
  timer_ = loop_.After(FullJitter(options_, failures_++, random_()), [this] { Open(); });
}

void FleetSession::Open() {
  if (!connection_.closed()) {
    timer_ = loop_.After(kLook, [this] { Open(); });
    return;
  }
  timer_ = loop_.After(options_.connect_timeout, [this] { connection_.Close(); });
  connection_.Open(address_);
}

void FleetSession::OnUp() {
  up_ = true;
  up_since_ns_ = clock_.MonotonicNs();
  timer_.reset();
  pings_ = loop_.Every(kPingEvery, [this] { connection_.Ping(); });
  handlers_.connected();
}

void FleetSession::OnDown(const std::string& why) {
  const bool was_up = std::exchange(up_, false);
  pings_.reset();
  if (done_) return;
  if (was_up && clock_.MonotonicNs() - up_since_ns_ >= kGoodConnectionNs) failures_ = 0;
  if (std::exchange(again_, false)) {
    Open();
  } else {
    WaitAndOpen();
    if (was_up) handlers_.disconnected(Error{why});
  }
}

void FleetSession::Reconnect() {
  again_ = up_;
  connection_.Close();
}

void FleetSession::Stop(std::vector<MqttMessage> last, milliseconds deadline,
                        std::function<void()> done) {
  done_ = std::move(done);
  pings_.reset();
  for (MqttMessage& message : last) Publish(std::move(message));
  // What the kernel does not take now is given a moment.
  timer_ = loop_.After(outgoing_bytes() == 0 ? milliseconds(0) : deadline / 2, [this] {
    if (!connection_.closed()) connection_.Close();
    AwaitClosed();
  });
}

void FleetSession::AwaitClosed() {
  timer_ = loop_.After(kLook, [this] {
    if (!connection_.closed()) return AwaitClosed();
    timer_.reset();
    done_();
  });
}

}  // namespace haidang::fleet
