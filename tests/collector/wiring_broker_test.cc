#include "core/sparkplug/birth.h"
#include "tests/agent/log_capture.h"
#include "tests/collector/collector_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = CollectorFixture;

// The collector and its broker: STATE, outages, hanging.

TEST_CASE_METHOD(Fixture, "tck-id-host-topic-phid-birth: STATE retained, QoS 1, as its Will") {
  CHECK(session->started);
  REQUIRE_FALSE(session->published.empty());
  const MqttMessage& birth = session->published[0];
  CHECK(birth.topic == "spBv1.0/STATE/collector-1");
  CHECK(session->will.topic == birth.topic);
  CHECK(birth.retained);
  CHECK(session->will.retained);
  CHECK(birth.qos == 1);
  CHECK(session->will.qos == 1);
  const std::string at = std::to_string(clock.WallMs());
  CHECK(birth.payload == "{\"online\":true,\"timestamp\":" + at + "}");
  CHECK(session->will.payload == "{\"online\":false,\"timestamp\":" + at + "}");
  REQUIRE(subscriptions.size() == 4);
  CHECK(subscriptions[1].filter == "spBv1.0/quang-ninh/NDATA/+");
  CHECK(subscriptions[1].qos == 0);
  CHECK(subscriptions[2].qos == 1);
  CHECK(subscriptions[3].filter == "spBv1.0/STATE/collector-1");
}

TEST_CASE_METHOD(Fixture, "a late Will of an earlier connection is set right") {
  loop->Advance(5s);
  session->published.clear();
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 5), 1, true});
  CHECK(session->published.empty());  // retained: it was there before us
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 5), 1, false});
  session->Deliver({"spBv1.0/STATE/collector-1", sparkplug::EncodeState(false, 6), 1, false});
  loop->Advance(1s);
  REQUIRE(session->published.size() == 1);
  CHECK(session->published[0].payload.find("true") != std::string::npos);
  session->Deliver(session->published[0]);
  loop->Advance(1s);
  CHECK(session->published.size() == 1);
}

TEST_CASE_METHOD(Fixture, "while the broker is away nobody falls silent, but nothing stays fresh") {
  session->Deliver(agent.Birth());
  Live(2);
  session->Lose();
  const int64_t lost_ms = clock.WallMs();
  CHECK_FALSE(Now().load1);
  loop->Advance(600s);
  CHECK_FALSE(collector->DescribeNow().broker_connected);
  CHECK(collector->DescribeNow().broker_down_since_ms == lost_ms);
  CHECK(collector->WhyNotReady().starts_with("no broker since 20"));
  CHECK(collector->WhyNotReady().ends_with("Z: lost"));
  CHECK(Now().state == query::State::kOnline);
  CHECK_FALSE(Now().load1);
  session->Connect();
  CHECK_FALSE(collector->DescribeNow().broker_down_since_ms);
  CHECK(collector->WhyNotReady().empty());
  loop->Advance(40s);
  CHECK(Now().state == query::State::kOnline);
  loop->Advance(10s);
  CHECK(Now().state == query::State::kSilent);
}

TEST_CASE_METHOD(Fixture, "a broker that hangs makes no machine silent, and no finding") {
  options.detect.vanished_after = 0s;
  Open();
  session->Connect();
  session->Deliver(agent.Birth());
  Live(2);
  session->hangs = true;
  loop->Advance(300s);
  CHECK(Now().state == query::State::kOnline);
  CHECK(Open_().empty());
  session->hangs = false;
  loop->Advance(3s);  // the broker answers again: now the silence is the machine's
  CHECK(Now().state == query::State::kSilent);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
}

TEST_CASE_METHOD(Fixture,
                 "after an outage machines have the time to be back before one is missed") {
  options.detect.vanished_after = 1s;
  Open();
  session->Connect();
  session->Deliver(agent.Birth());
  Live(2);
  session->Lose();
  loop->Advance(200s);
  CHECK(Open_().empty());
  session->Connect();
  // Of the connection that went with the outage.
  session->Deliver(agent.Death());
  loop->Advance(60s);
  CHECK(Now().state == query::State::kVanished);
  CHECK(Open_().empty());
  loop->Advance(15s);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
  Live(1);
  CHECK(Open_().empty());
}

TEST_CASE_METHOD(Fixture, "the metrics and Prometheus hear of no state that nobody knows") {
  session->Deliver(agent.Birth());
  Live(1);
  const auto count = [&](const std::string& state) {
    for (const auto& family : collector->metrics().registry().Collect()) {
      if (family.name != "haidang_collector_machines") continue;
      for (const auto& metric : family.metric) {
        if (metric.label[0].value == state) return metric.gauge.value;
      }
    }
    return -1.0;
  };
  CHECK(count("online") == 1);
  CHECK(count("unknown") == 0);
  session->Lose();
  loop->Advance(1s);
  CHECK(count("online") == 0);
  CHECK(count("unknown") == 1);
}

TEST_CASE_METHOD(Fixture, "a broker that comes and goes is said once a minute at most") {
  const haidang::testing::LogCapture log;
  for (int i = 0; i < 180; ++i) {
    session->Lose();
    session->Connect();
    loop->Advance(1s);
  }
  CHECK(log.Count("no broker: lost") == 3);
  CHECK(log.Count("connected to the broker") == 3);
}
