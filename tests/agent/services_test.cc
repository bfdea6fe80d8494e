#include "agent/sources/services.h"

#include <catch2/catch.hpp>

#include "tests/agent/fake_systemd.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::FakeSystemd;
using haidang::testing::FakeUnit;
using haidang::testing::Read;
using haidang::testing::ReadResult;
using haidang::testing::TempDir;

namespace {

FakeUnit In(const std::string& active) {
  FakeUnit unit;
  unit.active = active;
  return unit;
}

// The source below a root of its own.
class Bench {
 public:
  explicit Bench(const std::vector<std::string>& units) : loop_(clock_) {
    ServicesOptions options;
    options.units = units;
    source_ = MakeServicesSource(root(), loop_, options);
  }
  std::string root() const { return dir_.path() + "/"; }
  ReadResult Next() {
    source_->Prepare();
    loop_.RunPosted();
    CHECK(source_->Ready());
    return Read(*source_);
  }

 private:
  TempDir dir_;
  FakeClock clock_;
  FakeLoop loop_;
  std::unique_ptr<Source> source_;
};

}  // namespace

TEST_CASE("services: a machine without a system bus has none, which is no failure") {
  Bench bench({"nginx.service"});
  const ReadResult read = bench.Next();
  CHECK(read.error.empty());
  CHECK(read.values.empty());
}

TEST_CASE("services: chosen units by name and pattern, and all that failed") {
  Bench bench({"nginx.service", "postgresql@*", "gone.service", "backup.timer", "ssh.socket"});
  FakeSystemd systemd(bench.root());
  FakeUnit nginx = In("active");
  nginx.type = "forking";
  nginx.restarts = 3;
  nginx.memory = 12 << 20;
  nginx.cpu_ns = 2'500'000'000;
  nginx.tasks = 5;
  nginx.start_us = 1'700'000'000'500'000;
  FakeUnit broken = In("failed");
  broken.result = "exit-code";
  broken.type = "oneshot";
  FakeUnit timer = In("active");
  timer.trigger_us = 1'700'000'100'000'000;
  FakeUnit listening = In("active");
  listening.accepted = 7;
  systemd.Set({{"nginx.service", nginx},
               {"postgresql@15-main.service", In("activating")},
               {"broken.service", broken},
               {"backup.timer", timer},
               {"ssh.socket", listening},
               {"other.service", In("active")}});
  const auto values = bench.Next().values;
  CHECK(values.at("node_systemd_system_running") == 0);
  CHECK(values.at("haidang_services_failed") == 1);
  const auto state = [&](const std::string& name, const std::string& is, const std::string& type) {
    return values.at("node_systemd_unit_state{name=\"" + name + "\",state=\"" + is + "\",type=\"" +
                     type + "\"}");
  };
  CHECK(values.at(R"(node_systemd_units{state="active"})") == 4);
  CHECK(values.at(R"(node_systemd_units{state="activating"})") == 1);
  CHECK(values.at(R"(node_systemd_units{state="failed"})") == 1);
  CHECK(values.at(R"(node_systemd_units{state="inactive"})") == 0);
  CHECK(values.at(R"(node_systemd_socket_accepted_connections_total{name="ssh.socket"})") == 7);
  CHECK(state("nginx.service", "active", "forking") == 1);
  CHECK(state("nginx.service", "failed", "forking") == 0);
  CHECK(state("postgresql@15-main.service", "activating", "simple") == 1);
  CHECK(state("broken.service", "failed", "oneshot") == 1);
  CHECK(state("gone.service", "inactive", "") == 1);
  CHECK_FALSE(values.contains(
      R"(node_systemd_unit_state{name="other.service",state="active",type="simple"})"));
  CHECK(values.at(R"(node_systemd_service_restart_total{name="nginx.service"})") == 3);
  CHECK(values.at(R"(haidang_service_memory_bytes{name="nginx.service"})") == 12 << 20);
  CHECK(values.at(R"(haidang_service_cpu_seconds_total{name="nginx.service"})") == 2.5);
  CHECK(values.at(R"(node_systemd_unit_tasks_current{name="nginx.service"})") == 5);
  CHECK(values.at(R"(node_systemd_unit_start_time_seconds{name="nginx.service"})") == 1700000000.5);
  CHECK(values.at(R"(node_systemd_timer_last_trigger_seconds{name="backup.timer"})") == 1700000100);
  // What systemd does not count has no value.
  CHECK_FALSE(
      values.contains(R"(haidang_service_memory_bytes{name="postgresql@15-main.service"})"));
}

TEST_CASE("services: an event where a unit's state changes") {
  Bench bench({"nginx.service"});
  FakeSystemd systemd(bench.root());
  systemd.Set({{"nginx.service", In("active")}, {"cron.service", In("active")}});
  CHECK(bench.Next().events.empty());
  FakeUnit failed = In("failed");
  failed.result = "oom-kill";
  systemd.Set({{"nginx.service", failed}, {"cron.service", failed}});
  auto events = bench.Next().events;
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == "unit_state");
  CHECK(events[0].key == "cron.service");
  CHECK(events[0].text == "failed (oom-kill), was active");
  CHECK(events[0].time_ms == haidang::testing::kNow);
  CHECK(events[1].key == "nginx.service");
  CHECK(bench.Next().events.empty());
  systemd.Set({{"nginx.service", In("active")}, {"cron.service", In("active")}});
  events = bench.Next().events;
  REQUIRE(events.size() == 2);
  CHECK(events[0].key == "nginx.service");
  CHECK(events[0].text == "active, was failed");
  CHECK(events[1].key == "cron.service");
  CHECK(events[1].text == "not failed any more");
}

TEST_CASE("services: a bus that ends and comes back, a systemd that hangs") {
  Bench bench({"nginx.service"});
  {
    FakeSystemd systemd(bench.root());
    systemd.Set({{"nginx.service", In("active")}});
    CHECK(bench.Next().values.size() == 13);
    systemd.EndBus();
    CHECK_THAT(bench.Next().error, Catch::Contains("systemd: "));
    CHECK_THAT(bench.Next().error, Catch::Contains("cannot connect to "));
  }
  FakeSystemd again(bench.root());
  again.Set({{"nginx.service", In("active")}});
  CHECK(bench.Next().values.size() == 13);
  again.Hang();
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(bench.Next().error.empty());
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("services: more units than can be told are refused with what to do") {
  Bench bench({"*"});
  FakeSystemd systemd(bench.root());
  std::map<std::string, FakeUnit> many;
  for (int i = 0; i < 513; ++i) many["u" + std::to_string(i) + ".service"] = In("inactive");
  systemd.Set(many);
  CHECK_THAT(bench.Next().error, Catch::Contains("more than 512 units match"));
}
