#include <future>
#include <thread>

#include "core/sparkplug/command.h"
#include "tests/agent/file_size_limit.h"
#include "tests/agent/log_capture.h"
#include "tests/collector/collector_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;
using Fixture = CollectorFixture;

TEST_CASE_METHOD(Fixture, "a living machine's values are in the overview, and it is acknowledged") {
  session->Deliver(agent.Birth());
  Live(3);
  const auto now = Now();
  CHECK(now.machine == "pc-1");
  CHECK(now.site == "06652");
  CHECK(now.state == query::State::kOnline);
  CHECK(now.load1 == 1.0);
  REQUIRE(now.probes.size() == 1);
  CHECK(now.probes[0].success == true);
  CHECK(now.probes[0].seconds == 0.5);
  CHECK(now.probes[0].objective_seconds == 3);
  CHECK(collector->DescribeNow().last_data_ms > 0);
  uint64_t acknowledged = 0;
  for (const auto& message : session->published) {
    if (message.topic != "spBv1.0/quang-ninh/NCMD/pc-1") continue;
    CHECK(message.qos == 0);
    CHECK_FALSE(message.retained);
    auto command = sparkplug::DecodeCommand(message.payload);
    REQUIRE(command);
    if (command->committed) acknowledged = command->committed->cumulative;
  }
  CHECK(acknowledged == 3);
}

TEST_CASE_METHOD(Fixture, "silence makes a finding, and its values are gone; data ends both") {
  session->Deliver(agent.Birth());
  Live(2);
  loop->Advance(46s);
  CHECK(Now().state == query::State::kSilent);
  CHECK_FALSE(Now().load1);
  CHECK(Open_() == std::vector<std::string>{"machine_vanished"});
  Live(1);
  CHECK(Now().state == query::State::kOnline);
  CHECK(Open_().empty());
}

TEST_CASE_METHOD(Fixture, "findings about probes live through a restart and close after it") {
  session->Deliver(agent.Birth());
  Live(3, 4.0, false);
  CHECK(Open_() == std::vector<std::string>{"probe_failed"});
  Open();
  session->Connect();
  CHECK(Open_() == std::vector<std::string>{"probe_failed"});
  const int64_t id = collector->DescribeNow().open_findings[0].id;
  Live(2, 4.0, false);
  REQUIRE(Open_().size() == 1);
  CHECK(collector->DescribeNow().open_findings[0].id == id);
  Live(1, 0.5, true);
  CHECK(Open_().empty());
  Live(6, 9.0, true);
  CHECK(Open_() == std::vector<std::string>{"response_slow"});
}

TEST_CASE_METHOD(Fixture,
                 "after a restart machines that go on are online, the others fall silent") {
  TestAgent other("pc-2", 0xB2);
  other.Declare({"node_load1", {}});
  session->Deliver(agent.Birth());
  session->Deliver(other.Birth());
  session->Deliver(other.Live({.number = 1, .values = {{32, 2.0}}, .full = true}));
  Live(2);
  collector.reset();
  clock.Advance(10s);
  Open();
  CHECK(collector->DescribeNow().machines.size() == 2);
  session->Connect();
  for (int i = 0; i < 4; ++i) Live(1);
  const auto machines = collector->DescribeNow().machines;
  CHECK(machines[0].state == query::State::kOnline);
  CHECK(machines[0].load1 == 1.0);
  CHECK(machines[1].state == query::State::kSilent);
  for (const auto& message : session->published) {
    auto command = sparkplug::DecodeCommand(message.payload);
    if (message.topic.find("NCMD") != std::string::npos) CHECK_FALSE(command->rebirth);
  }
}

TEST_CASE_METHOD(Fixture, "values of before a long stop are not shown as now") {
  session->Deliver(agent.Birth());
  Live(2);
  collector.reset();
  clock.Advance(3600s);
  Open();
  session->Connect();
  CHECK(Now().state == query::State::kOnline);
  CHECK_FALSE(Now().load1);
  CHECK(Now().last_seen_ms < clock.WallMs() - 3600 * 1000);
}

TEST_CASE_METHOD(Fixture, "what cannot be stored is not shown as if all were well") {
  const haidang::testing::LogCapture log;
  session->Deliver(agent.Birth());
  Live(2);
  const int64_t stored_ms = collector->DescribeNow().last_data_ms;
  CHECK_FALSE(collector->DescribeNow().not_stored_since_ms);
  const int64_t full_ms = clock.WallMs();
  {
    const haidang::testing::FileSizeLimit full(0);
    Live(20);
    const auto overview = collector->DescribeNow();
    REQUIRE(overview.not_stored_since_ms);
    CHECK(*overview.not_stored_since_ms >= full_ms);
    CHECK(*overview.not_stored_since_ms < full_ms + 1000);
    CHECK(overview.last_data_ms == stored_ms);
    CHECK(Now().state == query::State::kOnline);
    CHECK_FALSE(Now().load1);
    CHECK_FALSE(Now().probes[0].seconds);
    CHECK(log.Count("nothing can be stored") == 1);
    CHECK(collector->WhyNotReady().starts_with("nothing can be stored since 20"));
  }
  Live(2);
  CHECK_FALSE(collector->DescribeNow().not_stored_since_ms);
  CHECK(collector->DescribeNow().last_data_ms > stored_ms);
  CHECK(log.Count("nothing can be stored") == 1);
  CHECK(log.Count("is stored again, after 30") == 1);
}

TEST_CASE_METHOD(Fixture, "a snapshot names places and objectives, and survives a restart") {
  session->Deliver(agent.Birth());
  Live(1);
  query::Snapshot snapshot;
  snapshot.version = 2;
  snapshot.sites = {{"06655", "Phường Hà Lầm", "commune", "22", 0, {}}};
  snapshot.placements = {{"pc-1", "06655", "workstation", 0, {}}};
  snapshot.objectives = {{"mot-cua", "tra-cuu", 1.5, 5}};
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);  // the very same
  snapshot.sites.clear();
  CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kOlder);
  Open();
  session->Connect();
  const auto now = Now();
  CHECK(now.site == "06655");
  CHECK(now.site_name == "Phường Hà Lầm");
  CHECK(now.machine_class == "workstation");
  CHECK(now.probes[0].objective_seconds == 1.5);
}

TEST_CASE_METHOD(Fixture,
                 "the end: what is staged is committed and acknowledged, STATE is offline") {
  session->Deliver(agent.Birth());
  loop->Advance(1s);
  session->published.clear();
  session->Deliver(agent.Live({.number = 1, .values = {{load, 1.0}}, .full = true}));
  bool done = false;
  collector->Stop(1s, [&] { done = true; });
  CHECK(done);
  REQUIRE(session->published.size() == 2);
  auto command = sparkplug::DecodeCommand(session->published[0].payload);
  REQUIRE(command);
  REQUIRE(command->committed);
  CHECK(command->committed->cumulative == 1);
  const MqttMessage& state = session->published[1];
  CHECK(state.topic == "spBv1.0/STATE/collector-1");
  CHECK(state.qos == 1);
  CHECK(state.retained);
  CHECK(state.payload == sparkplug::EncodeState(false, clock.WallMs()));
}

TEST_CASE_METHOD(Fixture, "what is now is told while a commit waits for the disk") {
  options.commit_bytes = 1;
  Open();
  session->Connect();
  session->Deliver(agent.Birth());
  loop->Advance(1s);
  const double commits = collector->metrics().commits.Value();
  std::optional<double> load_told, commits_then;
  loop->PostQuestion([&] {
    load_told = Now().load1;
    commits_then = collector->metrics().commits.Value();
  });
  session->Deliver(agent.Live({.number = 1, .values = {{load, 3.0}}, .full = true}));
  CHECK(load_told == 3.0);  // nothing else ran meanwhile
  CHECK(commits_then == commits);
  CHECK(collector->metrics().commits.Value() == commits + 1);
}

TEST_CASE_METHOD(Fixture, "a snapshot that is being stored is not told yet") {
  const QueryBackend backend = collector->Backend();
  query::Snapshot snapshot;
  snapshot.version = 2;
  auto told = std::async(std::launch::async, [&] { return backend.snapshot(); });
  while (loop->questions() == 0) std::this_thread::yield();
  SECTION("and then it is") {
    CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
    CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);  // the very same
  }
  SECTION("and never where it could not be") {
    const haidang::testing::FileSizeLimit full(0);
    CHECK(collector->PutSnapshot(snapshot) == QueryBackend::Put::kFailed);
  }
  const auto before = told.get();
  REQUIRE(before);
  CHECK(before->version == 0);
}
