#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include "core/io/mqtt_session.h"
#include "tests/support/broker_process.h"
#include "tests/support/loop_runner.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// A session with everything that it told.
struct Client {
  Client(Loop& event_loop, MqttOptions mqtt, std::vector<MqttSubscription> subscriptions,
         MqttMessage will = {})
      : loop(event_loop) {
    MqttHandlers handlers;
    handlers.will = [this, will] {
      ++wills;
      return will;
    };
    handlers.connected = [this] { ++connected; };
    handlers.disconnected = [this](const Error& why) { losses.push_back(why.message); };
    handlers.received = [this](std::vector<MqttMessage>&& messages) {
      bytes = std::accumulate(messages.begin(), messages.end(), bytes,
                              [](size_t sum, const auto& m) { return sum + m.payload.size(); });
      std::move(messages.begin(), messages.end(), std::back_inserter(received));
    };
    auto made = MakeMqttSession(loop, clock, std::move(mqtt), std::move(subscriptions),
                                std::move(handlers));
    INFO((made.ok() ? "" : made.error().message));
    REQUIRE(made.ok());
    session = std::move(made).value();
  }

  bool Up(int times = 1) {
    return RunUntil(
        loop, [&] { return connected >= times; }, 60s);
  }

  Loop& loop;
  SystemClock clock;
  std::unique_ptr<MqttSession> session;
  int wills = 0;
  int connected = 0;
  size_t bytes = 0;
  std::vector<std::string> losses;
  std::vector<MqttMessage> received;
};

MqttOptions Options(const std::string& uri, const std::string& id) {
  MqttOptions options;
  options.uri = uri;
  options.client_id = id;
  options.backoff_min = 20ms;
  options.backoff_max = 200ms;
  return options;
}

MqttOptions TlsOptions(BrokerProcess& broker, const std::string& name) {
  MqttOptions options = Options(broker.uri(), name);
  options.ca_file = broker.ca_file();
  const std::string certificate = broker.MakeCertificate(name);
  options.cert_file = certificate + ".crt";
  options.key_file = certificate + ".key";
  return options;
}

int Listen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(fd, 8) == 0);
  return fd;
}

// Accepts connections and never says a word.
class BlackHole {
 public:
  BlackHole() : port_(FreePort()), fd_(Listen(port_)) {}
  ~BlackHole() { close(fd_); }
  std::string uri(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(port_);
  }

 private:
  int port_;
  int fd_;
};

// A broker that takes one connection, gives an answer to each packet in turn, and ends it.
class ScriptedBroker {
 public:
  explicit ScriptedBroker(std::vector<std::string> answers)
      : port_(FreePort()), fd_(Listen(port_)) {
    thread_ = std::thread([this, answers = std::move(answers)] {
      const int peer = accept(fd_, nullptr, nullptr);
      for (const std::string& answer : answers) {
        char packet[1024];
        if (recv(peer, packet, sizeof packet, 0) <= 0) break;
        (void)send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      close(peer);
    });
  }
  ~ScriptedBroker() {
    thread_.join();
    close(fd_);
  }
  std::string uri() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

 private:
  int port_;
  int fd_;
  std::thread thread_;
};

std::chrono::milliseconds StopAndWait(Client& client, std::chrono::milliseconds deadline,
                                      std::vector<MqttMessage> last = {}) {
  const auto begin = std::chrono::steady_clock::now();
  bool done = false;
  client.session->Stop(std::move(last), deadline, [&] { done = true; });
  CHECK_FALSE(done);  // never within the call
  CHECK(RunUntil(client.loop, [&] { return done; }));
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

}  // namespace

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
