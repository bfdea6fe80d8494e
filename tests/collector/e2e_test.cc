#include <httplib.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "core/io/mqtt_session.h"
#include "core/query.h"
#include "tests/collector/collector_process.h"
#include "tests/collector/world.h"
#include "tests/support/broker_process.h"
#include "tests/support/loop_runner.h"

// The real program with a real Mosquitto, TLS and certificates included.
using namespace haidang;
using namespace haidang::collector::testing;
using haidang::testing::BrokerProcess;
using haidang::testing::RunUntil;
using namespace std::chrono_literals;

namespace {

// An agent's session with the broker, which hears what the collector says.
class AgentSession {
 public:
  AgentSession(Loop& loop, const Clock& clock, BrokerProcess& broker, const std::string& machine,
               const TestAgent& agent)
      : loop_(loop) {
    MqttOptions options;
    options.uri = broker.uri();
    options.client_id = machine;
    options.ca_file = broker.ca_file();
    const std::string own = broker.MakeCertificate(machine);
    options.cert_file = own + ".crt";
    options.key_file = own + ".key";
    MqttHandlers handlers;
    handlers.will = [&agent] {
      MqttMessage will = agent.Death();
      will.qos = 1;
      return will;
    };
    handlers.connected = [] {};
    handlers.disconnected = [](const Error&) {};
    handlers.received = [this](std::vector<MqttMessage>&& messages) {
      for (const MqttMessage& message : messages) Hear(message);
    };
    auto made = MakeMqttSession(
        loop, clock, options,
        {{std::string("spBv1.0/") + kGroup + "/NCMD/" + machine, 1}, {"spBv1.0/STATE/+", 1}},
        std::move(handlers));
    if (!made) throw std::runtime_error(made.error().message);
    session = std::move(*made);
    session->Start();
  }
  // The session must end before its thread's loop does.
  ~AgentSession() {
    bool ended = false;
    session->Stop({}, 1s, [&] { ended = true; });
    RunUntil(loop_, [&] { return ended; });
  }

  std::unique_ptr<MqttSession> session;
  sparkplug::Committed committed;  // the last one heard
  int acknowledgements = 0;
  std::string state;  // the last STATE

 private:
  void Hear(const MqttMessage& message) {
    if (message.topic.starts_with("spBv1.0/STATE/")) {
      state = message.payload;
      return;
    }
    auto command = sparkplug::DecodeCommand(message.payload);
    if (!command || !command->committed) return;
    committed = *command->committed;
    ++acknowledgements;
  }
  Loop& loop_;
};

struct Fixture {
  haidang::testing::TempDir dir;
  BrokerProcess broker{{.tls = true, .extra = ""}};
  SystemClock clock;
  std::unique_ptr<Loop> loop = MakeLoop();
  CollectorProcess collector{broker, dir.path()};
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});

  Fixture() {
    agent.epoch_ms = clock.WallMs() - 15000;  // its first batch is of now
    agent.boot_ms = agent.epoch_ms - 3600 * 1000;
  }

  int64_t Rows(const std::string& condition = "1") {
    auto db = Database::Open(collector.database(), {.read_only = true});
    REQUIRE(db);
    auto rows = db->Prepare("SELECT count(*) FROM journal WHERE " + condition);
    REQUIRE(rows);
    REQUIRE(*rows->Step());
    return rows->Int(0);
  }
  int64_t Distinct() {
    auto db = Database::Open(collector.database(), {.read_only = true});
    REQUIRE(db);
    auto rows = db->Prepare("SELECT count(DISTINCT number) FROM journal");
    REQUIRE(rows);
    REQUIRE(*rows->Step());
    return rows->Int(0);
  }
  bool Answers() { return !collector.Metrics("/metrics").empty(); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "from the broker to the disk, to the acknowledgement, to the pages") {
  collector.Start();
  AgentSession session(*loop, clock, broker, "pc-1", agent);
  REQUIRE(RunUntil(*loop, [&] { return session.state.find("true") != std::string::npos; }));
  REQUIRE(session.session->Publish(agent.Birth()));
  REQUIRE(
      session.session->Publish(agent.Live({.number = 1, .values = {{load, 0.75}}, .full = true})));
  REQUIRE(RunUntil(*loop, [&] { return session.committed.cumulative == 1; }));
  CHECK(session.committed.spool_id == 0xA1);
  CHECK(Rows() == 1);
  CHECK(collector.Metrics("/metrics/fleet").find("\nnode_load1{instance=\"pc-1\"") !=
        std::string::npos);
  const auto answer = collector.Ask("/query/v1/overview");
  REQUIRE(answer);
  auto overview = query::DecodeOverview(answer->body);
  REQUIRE(overview);
  REQUIRE(overview->machines.size() == 1);
  CHECK(overview->machines[0].load1 == 0.75);
  CHECK(overview->broker_connected);
  const std::string range =
      "&from=" + std::to_string(agent.epoch_ms) + "&to=" + std::to_string(agent.TimeOf(10));
  auto columns = query::DecodeColumns(
      collector.Ask("/query/v1/series?machine=pc-1&metric=node_load1" + range)->body);
  REQUIRE(columns);
  REQUIRE(columns->size() == 1);
  CHECK(columns->at(0).values == std::vector<double>{0.75});
  for (const std::string& question :
       {"range?metric=node_load1&match=site%3D06652&step=60000&combine=max&by=site" + range,
        "last?metric=node_load1&at=" + std::to_string(agent.TimeOf(10)),
        std::string("now?metric=node_load1&match=instance~pc-*")}) {
    INFO(question);
    columns = query::DecodeColumns(collector.Ask("/query/v1/" + question)->body);
    REQUIRE(columns);
    REQUIRE(columns->size() == 1);
    CHECK(columns->at(0).series.labels.at("site") == "06652");
    CHECK(columns->at(0).values == std::vector<double>{0.75});
  }
  CHECK(collector.Metrics("/metrics")
            .find("haidang_collector_query_duration_seconds_count{kind=\"range\"} 1") !=
        std::string::npos);
  const auto [status, took] = collector.Terminate();
  CHECK(status == 0);
  CHECK(took < 2s);
  CHECK(RunUntil(*loop, [&] { return session.state.find("false") != std::string::npos; }));
}

TEST_CASE_METHOD(Fixture,
                 "killed at any moment: what was acknowledged is there, what is sent again "
                 "is not doubled") {
  AgentSession session(*loop, clock, broker, "pc-1", agent);
  uint64_t sent = 0;
  for (int life = 0; life < 4; ++life) {
    collector.Start();
    REQUIRE(RunUntil(*loop, [&] { return Answers() && session.session->connected(); }));
    REQUIRE(RunUntil(*loop, [&] { return session.state.find("true") != std::string::npos; }));
    session.state.clear();
    session.session->Publish(agent.Birth(sent + 1));
    for (uint64_t n = 1; n <= sent; ++n) {
      session.session->Publish(agent.Historical({.number = n, .values = {{load, 1.0}}}));
    }
    for (int i = 0; i < 50; ++i) {
      ++sent;
      session.session->Publish(agent.Live({.number = sent, .values = {{load, 1.0}}}));
    }
    const int heard = session.acknowledgements;
    REQUIRE(RunUntil(*loop, [&] { return session.acknowledgements > heard; }));
    collector.Kill();
    for (uint64_t n = 1; n <= session.committed.cumulative; ++n) {
      CHECK(Rows("number = " + std::to_string(n)) == 1);
    }
    CHECK(Rows() == Distinct());
  }
}

TEST_CASE_METHOD(Fixture, "without a broker it runs, says so once, and ends in time") {
  broker.Kill();
  collector.Start();
  REQUIRE(RunUntil(*loop, [&] { return Answers(); }));
  REQUIRE(RunUntil(*loop, [&] { return collector.log().find("no broker") != std::string::npos; }));
  haidang::testing::RunFor(*loop, 3s);
  const std::string log = collector.log();
  CHECK(log.find("no broker") == log.rfind("no broker"));
  CHECK(collector.Metrics("/metrics").find("haidang_collector_broker_connected 0") !=
        std::string::npos);
  const auto [status, took] = collector.Terminate();
  CHECK(status == 0);
  CHECK(took < 2s);
}

TEST_CASE_METHOD(Fixture, "a client that keeps a connection open does not hold up the end") {
  collector.Start();
  REQUIRE(RunUntil(*loop, [&] { return Answers(); }));
  const std::string config = ReadAll(dir / "collector.toml");
  const size_t at = config.rfind("127.0.0.1:");
  httplib::Client lingering("127.0.0.1", std::stoi(config.substr(at + 10)));
  lingering.set_keep_alive(true);
  REQUIRE(lingering.Get("/metrics"));
  const auto [status, took] = collector.Terminate();
  CHECK(status == 0);
  CHECK(took < 2s);
}

TEST_CASE_METHOD(Fixture, "a broker that is frozen does not hold up the end") {
  collector.Start();
  REQUIRE(RunUntil(*loop, [&] {
    return collector.Metrics("/metrics").find("haidang_collector_broker_connected 1") !=
           std::string::npos;
  }));
  broker.Freeze(true);
  const auto [status, took] = collector.Terminate();
  broker.Freeze(false);
  CHECK(status == 0);
  CHECK(took < 1500ms);
}

TEST_CASE_METHOD(Fixture, "SIGTERM ends it in time at any moment of its start") {
  broker.Freeze(true);
  for (int ms = 0; ms < 480; ms += 24) {
    collector.Start();
    REQUIRE(RunUntil(*loop, [&] { return collector.HearsSignals(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    const auto [status, took] = collector.Terminate();
    INFO("after " << ms << " ms: " << collector.log());
    CHECK(status == 0);
    CHECK(took < 1500ms);
  }
  broker.Freeze(false);
}

TEST_CASE_METHOD(Fixture, "two collectors do not share a directory") {
  collector.Start();
  REQUIRE(RunUntil(*loop, [&] { return Answers(); }));
  const std::string command = std::string(HAIDANG_COLLECTOR) + " --config " +
                              (dir / "collector.toml") + " 2> " + (dir / "second");
  CHECK(WEXITSTATUS(std::system(command.c_str())) == 3);
  CHECK(ReadAll(dir / "second").find("another haidang-collector") != std::string::npos);
}

TEST_CASE("of what is done once only one is taken") {
  const haidang::testing::TempDir dir;
  const auto run = [&](const std::string& arguments) {
    const std::string command =
        std::string(HAIDANG_COLLECTOR) + ' ' + arguments + " > " + (dir / "said") + " 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  const std::vector<std::string> once = {"--version", "--check-config", "check", "export --ledger"};
  for (const std::string& one : once) {
    for (const std::string& other : once) {
      if (one == other) continue;
      CHECK(run(one + ' ' + other) == 2);
      INFO(one << ' ' << other << ": " << ReadAll(dir / "said"));
      CHECK_FALSE(ReadAll(dir / "said").starts_with("haidang-collector "));
    }
  }
  CHECK(run("--version") == 0);
  CHECK(ReadAll(dir / "said") == "haidang-collector " HAIDANG_VERSION "\n");
}
