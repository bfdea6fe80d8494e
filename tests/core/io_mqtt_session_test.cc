#include "tests/core/mqtt_session_bench.h"

using namespace haidang;
using namespace haidang::testing;

TEST_CASE("messages go through a broker in order, byte for byte") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client receiver(*loop, Options(broker.uri(), "r"), {{"a/#", 0}, {"b/+/c", 1}});
  Client sender(*loop, Options(broker.uri(), "s"), {});
  CHECK_FALSE(sender.session->Publish({"a/x", "too early", 0, false}));
  receiver.session->Start();
  sender.session->Start();
  REQUIRE(receiver.Up());
  REQUIRE(sender.Up());
  CHECK(sender.session->connected());

  constexpr int kMessages = 20000;
  const std::string filler(1000, 'x');
  int sent = 0;
  const auto send = loop->Every(1ms, [&] {
    while (sent < kMessages &&
           sender.session->Publish({"a/x", std::to_string(sent) + filler, 0, false})) {
      ++sent;
    }
  });
  REQUIRE(RunUntil(
      *loop, [&] { return receiver.received.size() >= kMessages; }, 60s));
  bool ordered = true;
  for (size_t i = 0; i < kMessages; ++i) {
    ordered = ordered && receiver.received[i].payload == std::to_string(i) + filler &&
              receiver.received[i].topic == "a/x";
  }
  CHECK(ordered);
  CHECK(RunUntil(*loop, [&] { return sender.session->outgoing_bytes() == 0; }));

  receiver.received.clear();
  const std::string zero("\0\x01", 2);
  for (int i = 0; i < 8; ++i) {  // more topics than aliases
    REQUIRE(sender.session->Publish({"b/" + std::to_string(i) + "/c", zero, 1, false}));
    REQUIRE(sender.session->Publish({"b/" + std::to_string(i) + "/c", "", 1, false}));
  }
  REQUIRE(RunUntil(*loop, [&] { return receiver.received.size() == 16; }));
  CHECK(receiver.received[0].payload == zero);
  CHECK(receiver.received[0].qos == 1);
  CHECK(receiver.received[1].payload.empty());
  CHECK(receiver.received[15].topic == "b/7/c");
}

TEST_CASE("more than max_outgoing_bytes is refused") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  MqttOptions options = Options(broker.uri(), "s");
  options.max_outgoing_bytes = 1000;
  Client sender(*loop, options, {});
  sender.session->Start();
  REQUIRE(sender.Up());
  CHECK_FALSE(sender.session->Publish({"t", std::string(1000, 'x'), 0, false}));
  CHECK(sender.session->Publish({"t", std::string(900, 'x'), 0, false}));
}

TEST_CASE("a message above 8 MiB is not delivered, the next one is") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client receiver(*loop, Options(broker.uri(), "r"), {{"a", 0}});
  MqttOptions options = Options(broker.uri(), "s");
  options.max_outgoing_bytes = 64 << 20;
  Client sender(*loop, options, {});
  receiver.session->Start();
  sender.session->Start();
  REQUIRE(receiver.Up());
  REQUIRE(sender.Up());
  REQUIRE(sender.session->Publish({"a", std::string((8 << 20) + 100000, 'x'), 0, false}));
  REQUIRE(sender.session->Publish({"a", std::string(8 << 20, 'y'), 0, false}));
  REQUIRE(sender.session->Publish({"a", "small", 0, false}));
  REQUIRE(RunUntil(
      *loop, [&] { return receiver.received.size() >= 2; }, 60s));
  CHECK(receiver.received[0].payload.size() == 8 << 20);
  CHECK(receiver.received[1].payload == "small");
}

TEST_CASE("a loop that stands still pushes back, and nothing is lost") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client receiver(*loop, Options(broker.uri(), "r"), {{"a", 0}});
  receiver.session->Start();
  REQUIRE(receiver.Up());
  // Another process: Paho's lock is one for all sessions of a process.
  const std::string command =
      "mosquitto_pub -V 5 -h 127.0.0.1 -t a -l -p " + std::to_string(broker.port());
  FILE* publisher = popen(command.c_str(), "w");
  REQUIRE(publisher != nullptr);
  constexpr size_t kMessages = 4000;
  const std::string line = std::string(10000, 'x') + "\n";
  for (size_t i = 0; i < kMessages; ++i) fwrite(line.data(), 1, line.size(), publisher);
  REQUIRE(pclose(publisher) == 0);  // 40 MB, while the receiving loop did not run at all
  REQUIRE(RunUntil(*loop, [&] { return receiver.received.size() == kMessages; }));
}

TEST_CASE("stopping says the last words, then DISCONNECT with Will") {
  BrokerProcess broker;
  const auto loop = MakeLoop();
  Client observer(*loop, Options(broker.uri(), "o"), {{"#", 1}});
  observer.session->Start();
  REQUIRE(observer.Up());
  Client client(*loop, Options(broker.uri(), "c"), {}, {"will", "died", 1, false});
  client.session->Start();
  REQUIRE(client.Up());
  REQUIRE(client.session->Publish({"data", "1", 0, false}));
  const auto took =
      StopAndWait(client, 2s, {{"data", "last", 0, false}, {"death", "bye", 1, false}});
  CHECK(took < 1900ms);
  REQUIRE(RunUntil(*loop, [&] { return observer.received.size() == 4; }));
  CHECK(observer.received[0].payload == "1");
  CHECK(observer.received[1].payload == "last");
  CHECK(observer.received[2].topic == "death");
  CHECK(observer.received[2].qos == 1);
  CHECK(observer.received[3].topic == "will");  // reason 0x04: the broker sends it
  CHECK(client.losses.empty());
  CHECK_FALSE(client.session->Publish({"data", "2", 0, false}));
}

TEST_CASE("TLS with certificates of both sides") {
  BrokerProcess broker({.tls = true});
  const auto loop = MakeLoop();
  Client client(*loop, TlsOptions(broker, "may-01"), {{"t", 0}});
  client.session->Start();
  REQUIRE(client.Up());
  REQUIRE(client.session->Publish({"t", std::string(100000, 'x'), 0, false}));
  REQUIRE(RunUntil(*loop, [&] { return client.received.size() == 1; }));
  CHECK(client.received[0].payload.size() == 100000);
  CHECK(StopAndWait(client, 2s) < 1900ms);
}

TEST_CASE("TLS with the wrong trust is refused and says why") {
  BrokerProcess broker({.tls = true});
  const auto loop = MakeLoop();
  TempDir other;
  MakeCa(other.path());
  SECTION("the broker's CA is unknown to us") {
    MqttOptions options = TlsOptions(broker, "may-01");
    options.ca_file = other / "ca.crt";
    Client client(*loop, options, {});
    client.session->Start();
    REQUIRE(RunUntil(*loop, [&] { return !client.losses.empty(); }));
    CHECK_THAT(client.losses[0], Catch::Contains("certificate"));
  }
  SECTION("our CA is unknown to the broker") {
    MqttOptions options = TlsOptions(broker, "may-01");
    MakeSignedCertificate(other.path(), "stranger", "");
    options.cert_file = other / "stranger.crt";
    options.key_file = other / "stranger.key";
    Client client(*loop, options, {});
    client.session->Start();
    REQUIRE(RunUntil(*loop, [&] { return !client.losses.empty(); }));
    CHECK(client.connected == 0);
  }
  SECTION("the broker's certificate is for another host") {
    BrokerProcess other_host({.tls = true, .names = "DNS:other.example"});
    Client client(*loop, TlsOptions(other_host, "may-01"), {});
    client.session->Start();
    REQUIRE(RunUntil(*loop, [&] { return !client.losses.empty(); }));
    CHECK(client.connected == 0);
  }
}

TEST_CASE("options that cannot work are refused before anything is tried") {
  const auto loop = MakeLoop();
  SystemClock clock;
  TempDir dir;
  MakeCa(dir.path());
  MakeSignedCertificate(dir.path(), "a", "");
  MakeSignedCertificate(dir.path(), "b", "");
  MqttOptions good = Options("ssl://broker:8883", "c");
  good.ca_file = dir / "ca.crt";
  good.cert_file = dir / "a.crt";
  good.key_file = dir / "a.key";
  const auto refusal = [&](MqttOptions options) -> std::string {
    auto made = MakeMqttSession(*loop, clock, std::move(options), {}, {});
    return made.ok() ? "" : made.error().message;
  };
  CHECK(refusal(good).empty());
  MqttOptions bad = good;
  for (const char* uri : {"", "broker", "mqtt://b:1", "ssl://b", "tcp://:1883", "tcp://b:",
                          "tcp://b:0", "tcp://b:70000", "tcp://b:12x", "ssl://b:999999999999"}) {
    bad.uri = uri;
    INFO(uri);
    CHECK_FALSE(refusal(bad).empty());
  }
  bad = good;
  bad.ca_file = dir / "missing.crt";
  CHECK_THAT(refusal(bad), Catch::Contains("missing.crt"));
  bad = good;
  bad.ca_file = dir / "a.key";
  CHECK_THAT(refusal(bad), Catch::Contains("a.key"));
  bad = good;
  bad.key_file = dir / "b.key";
  CHECK_THAT(refusal(bad), Catch::Contains("b.key"));
  bad = good;
  bad.key_file.clear();
  CHECK_FALSE(refusal(bad).empty());
  bad = good;
  bad.client_id.clear();
  CHECK_FALSE(refusal(bad).empty());
}
