#include <random>

#include "tests/core/mqtt_session_bench.h"

using namespace haidang;
using namespace haidang::testing;

// Connections that are lost, and those that never come.

TEST_CASE("a session that goes without Stop leaves its Will") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client observer(*loop, Options(broker.uri(), "o"), {{"#", 1}});
  observer.session->Start();
  REQUIRE(observer.Up());
  {
    Client client(*loop, Options(broker.uri(), "c"), {}, {"will", "died", 1, true});
    client.session->Start();
    REQUIRE(client.Up());
  }
  REQUIRE(RunUntil(*loop, [&] { return observer.received.size() == 1; }));
  CHECK(observer.received[0].payload == "died");
}

TEST_CASE("a broker that dies and comes back is found again, told once") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client client(*loop, Options(broker.uri(), "c"), {{"t", 0}}, {"will", "died", 1, false});
  client.session->Start();
  REQUIRE(client.Up());
  broker.Kill();
  REQUIRE(RunUntil(
      *loop, [&] { return client.wills >= 5; }, 60s));  // attempts went on
  CHECK_FALSE(client.session->connected());
  REQUIRE(client.losses.size() == 2);  // the loss, and the first failed attempt
  CHECK(client.losses[0].find("lost") != std::string::npos);
  CHECK(client.losses[0].find(broker.uri()) != std::string::npos);
  broker.Start();
  REQUIRE(client.Up(2));
  // Nothing of the old connection is left; subscriptions hold again.
  REQUIRE(client.session->Publish({"t", "hello", 0, false}));
  REQUIRE(RunUntil(*loop, [&] { return client.received.size() == 1; }));
  CHECK(client.losses.size() == 2);
}

TEST_CASE("what was queued for a lost connection does not come out on the next one") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client client(*loop, Options(broker.uri(), "c"), {{"t", 0}});
  client.session->Start();
  REQUIRE(client.Up());
  broker.Freeze(true);
  for (int i = 0; i < 200; ++i) client.session->Publish({"t", std::string(20000, 'x'), 0, false});
  RunFor(*loop, 50ms);
  broker.Kill();
  REQUIRE(RunUntil(*loop, [&] { return !client.losses.empty(); }));
  CHECK_FALSE(client.session->Publish({"t", "while away", 0, false}));
  broker.Start();
  REQUIRE(client.Up(2));
  CHECK(client.session->outgoing_bytes() == 0);
  REQUIRE(client.session->Publish({"t", "new", 0, false}));
  REQUIRE(RunUntil(*loop, [&] { return !client.received.empty(); }));
  CHECK(client.received[0].payload == "new");
}

TEST_CASE(
    "a session that another takes again and again: the cause is guessed from the second time") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client client(*loop, Options(broker.uri(), "may-01"), {});
  client.session->Start();
  constexpr char kConnect[] = "\x10\x13\0\4MQTT\5\2\0\x3c\0\0\6may-01";
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(client.Up(i));
    RawClient thief(static_cast<uint16_t>(broker.port()));
    thief.Send({kConnect, sizeof(kConnect) - 1});
    REQUIRE(RunUntil(*loop, [&] { return std::cmp_equal(client.losses.size(), i); }));
  }
  CHECK_THAT(client.losses[0], !Catch::Contains("another program"));
  CHECK_THAT(client.losses[1], Catch::Contains("another program use the certificate of may-01"));
  CHECK(client.losses[2] == client.losses[1]);  // one kind of trouble
}

TEST_CASE("DISCONNECT with Session taken over is told as what it is") {
  const auto loop = MakeLoop();
  ScriptedBroker broker({std::string("\x20\3\0\0\0", 5), std::string("\xe0\2\x8e\0", 4)});
  Client client(*loop, Options(broker.uri(), "may-01"), {{"t", 0}});
  client.session->Start();
  REQUIRE(RunUntil(*loop, [&] { return !client.losses.empty(); }));
  CHECK_THAT(client.losses[0], Catch::Contains("session taken over: another program uses the "
                                               "certificate of may-01"));
}

TEST_CASE("Reconnect makes a new connection at once and leaves the Will") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client client(*loop, Options(broker.uri(), "c"), {{"will", 0}}, {"will", "died", 1, false});
  client.session->Start();
  REQUIRE(client.Up());
  client.session->Reconnect();
  CHECK_FALSE(client.session->connected());
  REQUIRE(client.Up(2));
  CHECK(client.wills == 2);
  CHECK(client.losses.empty());
}

TEST_CASE("no broker: told once, tried again with waits") {
  const auto loop = MakeLoop();
  Client client(*loop, Options("tcp://127.0.0.1:" + std::to_string(FreePort()), "c"), {});
  client.session->Start();
  REQUIRE(RunUntil(
      *loop, [&] { return client.wills >= 4; }, 60s));
  CHECK(client.losses.size() == 1);
  CHECK(client.connected == 0);
  CHECK(StopAndWait(client, 1s) < 900ms);
}

TEST_CASE("a broker that falls silent is noticed by keep-alive") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  MqttOptions options = Options(broker.uri(), "c");
  options.keep_alive = 1s;
  Client client(*loop, options, {});
  client.session->Start();
  REQUIRE(client.Up());
  broker.Freeze(true);
  CHECK(RunUntil(
      *loop, [&] { return !client.losses.empty(); }, 60s));
  broker.Freeze(false);
  CHECK(client.Up(2));
}

TEST_CASE("Stop keeps its deadline whatever the network does") {
  const auto loop = MakeLoop();
  SECTION("a listener that never answers") {
    BlackHole hole;
    MqttOptions options = Options(hole.uri("tcp"), "c");
    Client client(*loop, options, {});
    client.session->Start();
    RunFor(*loop, 100ms);
    CHECK(StopAndWait(client, 500ms) < 1s);
  }
  SECTION("a broker that fell silent with megabytes on the way") {
    BrokerProcess broker;
    Client client(*loop, Options(broker.uri(), "c"), {});
    client.session->Start();
    REQUIRE(client.Up());
    broker.Freeze(true);
    while (client.session->Publish({"t", std::string(100000, 'x'), 0, false})) {
    }
    RunFor(*loop, 50ms);
    CHECK(StopAndWait(client, 1s, {{"t", "last", 1, false}}) < 1500ms);
    broker.Freeze(false);
  }
}

TEST_CASE("full jitter spreads evenly below a doubling cap") {
  MqttOptions options;  // 1 s … 60 s
  CHECK(FullJitter(options, 0, 0.0) == 0ms);
  CHECK(FullJitter(options, 0, 0.999999999) == 1000ms);
  CHECK(FullJitter(options, 3, 0.999999999) == 8000ms);
  CHECK(FullJitter(options, 6, 0.999999999) == 60000ms);
  CHECK(FullJitter(options, 1000000, 0.999999999) == 60000ms);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<int> tenths(10, 0);
  for (int i = 0; i < 100000; ++i) {
    const auto wait = FullJitter(options, 20, uniform(random));
    REQUIRE(wait <= 60000ms);
    ++tenths[static_cast<size_t>(std::min<int64_t>(wait.count() / 6000, 9))];
  }
  for (const int count : tenths) CHECK(count == Approx(10000).margin(400));
}

TEST_CASE("only a connection that lived for a minute makes the waits short again") {
  const MqttOptions options;  // 1 s … 60 s
  constexpr double kMost = 0.999999999;
  Backoff backoff(options);
  CHECK(backoff.Lost(59s, kMost) == 1s);
  CHECK_FALSE(backoff.flapping());
  CHECK(backoff.Lost(59s, kMost) == 2s);
  CHECK(backoff.flapping());
  CHECK(backoff.Failed(kMost) == 4s);
  CHECK(backoff.Lost(0s, kMost) == 8s);
  for (int i = 0; i < 100; ++i) backoff.Lost(3s, kMost);
  CHECK(backoff.Lost(3s, kMost) == 60s);
  CHECK(backoff.flapping());
  CHECK(backoff.Lost(60s, kMost) == 1s);
  CHECK_FALSE(backoff.flapping());
}
