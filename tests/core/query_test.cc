#include "core/query.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace haidang;
using namespace haidang::query;

namespace {

Overview SampleOverview() {
  Overview overview;
  overview.collector_id = "qn";
  overview.store_id = "00ff00ff00ff00ff";
  overview.now_ms = 1'700'000'000'000;
  overview.last_data_ms = 1'699'999'999'000;
  overview.broker_connected = true;
  overview.broker_down_since_ms = 1'699'999'997'000;
  overview.not_stored_since_ms = 1'699'999'998'000;
  MachineNow machine;
  machine.machine = "may-06652-01";
  machine.site = "06652";
  machine.site_name = "Phường Hà Tu";
  machine.machine_class = "server";
  machine.state = State::kOnline;
  machine.since_ms = 5;
  machine.last_seen_ms = 6;
  machine.load1 = 0.25;
  machine.cpus = 4;
  machine.memory_used_ratio = 0;
  machine.disk_mountpoint = "/var/lib \"x\"";
  machine.probes.push_back({"mot-cua", "tra-cuu", false, std::nullopt, "timeout", 3.0});
  overview.machines.push_back(machine);
  MachineNow gone;
  gone.machine = "may-2";
  gone.state = State::kVanished;
  overview.machines.push_back(gone);
  Finding finding;
  finding.id = 7;
  finding.kind = "probe_failed";
  finding.machine = "may-06652-01";
  finding.opened_ms = 9;
  finding.numbers = {{"seconds", 4.2}, {"broken", std::nan("")}};
  finding.words = {{"reason", "timeout"}};
  overview.open_findings.push_back(finding);
  return overview;
}

}  // namespace

TEST_CASE("state names go both ways") {
  for (State state :
       {State::kOnline, State::kStopped, State::kSuspended, State::kVanished, State::kSilent}) {
    CHECK(ParseState(ToString(state)) == state);
  }
  CHECK_FALSE(ParseState("Online"));
  CHECK_FALSE(ParseState(""));
}

TEST_CASE("overview survives the way there and back; absent stays absent, zero stays zero") {
  const std::string text = EncodeOverview(SampleOverview());
  auto back = DecodeOverview(text);
  REQUIRE(back.ok());
  CHECK(back->collector_id == "qn");
  CHECK(back->broker_connected);
  CHECK(back->broker_down_since_ms == 1'699'999'997'000);
  CHECK(back->not_stored_since_ms == 1'699'999'998'000);
  REQUIRE(back->machines.size() == 2);
  const MachineNow& machine = back->machines[0];
  CHECK(machine.site_name == "Phường Hà Tu");
  CHECK(machine.load1 == 0.25);
  CHECK(machine.cpus == 4);
  CHECK(machine.memory_used_ratio == 0.0);
  CHECK_FALSE(machine.cpu_busy_ratio);
  CHECK(machine.disk_mountpoint == "/var/lib \"x\"");
  REQUIRE(machine.probes.size() == 1);
  CHECK(machine.probes[0].success == false);
  CHECK_FALSE(machine.probes[0].seconds);
  CHECK(machine.probes[0].objective_seconds == 3.0);
  CHECK(back->machines[1].state == State::kVanished);
  CHECK_FALSE(back->machines[1].load1);
  REQUIRE(back->open_findings.size() == 1);
  CHECK(back->open_findings[0].numbers == std::map<std::string, double>{{"seconds", 4.2}});
  CHECK(back->open_findings[0].words.at("reason") == "timeout");
  CHECK(EncodeOverview(*back) == text);
}

TEST_CASE("text that is no UTF-8 is replaced, never thrown") {
  Overview overview;
  overview.collector_id = "a\xFF\xFE";
  auto back = DecodeOverview(EncodeOverview(overview));
  REQUIRE(back.ok());
  CHECK(back->collector_id == "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("hostile overviews are refused with the place of the fault") {
  const auto refusal = [](std::string_view text) {
    auto result = DecodeOverview(text);
    REQUIRE_FALSE(result.ok());
    return result.error().message;
  };
  CHECK(refusal("") == "overview: not valid JSON");
  CHECK(refusal("[]") == "overview: not a JSON object");
  CHECK(refusal("{}") == "overview.collector_id: is missing");
  CHECK(refusal(std::string(100000, '[')) == "overview: JSON is nested too deeply");
  CHECK(refusal(R"({"collector_id":1})") == "overview.collector_id: must be text");
  const std::string head = R"({"collector_id":"c","last_data_ms":0,"broker_connected":true,)";
  CHECK(refusal(head + R"("now_ms":1.5})") == "overview.now_ms: must be an integer of 64 bits");
  CHECK(refusal(head + R"("now_ms":18446744073709551615})") ==
        "overview.now_ms: must be an integer of 64 bits");
  CHECK(refusal(head + R"("now_ms":1,"machines":{}})") == "overview.machines: must be an array");
  CHECK(refusal(head + R"("now_ms":1,"machines":[3]})") == "overview.machines[0]: not an object");
  CHECK(refusal(head + R"("now_ms":1,"machines":[{"machine":"m","state":"asleep"}]})") ==
        "overview.machines[0].state: is no state of a machine: \"asleep\"");
}

TEST_CASE("keys of a newer version are ignored") {
  auto back = DecodeOverview(
      R"({"collector_id":"c","now_ms":1,"last_data_ms":0,"broker_connected":false,"new":[{}]})");
  REQUIRE(back.ok());
  CHECK(back->machines.empty());
}

TEST_CASE("snapshot, findings and events survive the way there and back") {
  Snapshot snapshot;
  snapshot.version = 3;
  snapshot.sites.push_back({"06652", "Phường Hà Tu", "commune", "22", 0, std::nullopt});
  snapshot.sites.push_back({"193", "Thành phố Hạ Long", "district", "22", -5, 1751302800000});
  snapshot.placements.push_back({"m", "06652", "server", 1, 2, {"mot-cua"}});
  snapshot.objectives.push_back({"mot-cua", "", 2.5, 6});
  auto back = DecodeSnapshot(EncodeSnapshot(snapshot));
  REQUIRE(back.ok());
  CHECK(back->version == 3);
  REQUIRE(back->sites.size() == 2);
  CHECK_FALSE(back->sites[0].valid_to_ms);
  CHECK(back->sites[1].valid_from_ms == -5);
  CHECK(back->sites[1].valid_to_ms == 1751302800000);
  CHECK(back->placements.at(0).machine_class == "server");
  CHECK(back->placements.at(0).serves == std::vector<std::string>{"mot-cua"});
  CHECK(back->objectives.at(0).seconds == 2.5);
  CHECK(EncodeSnapshot(*back) == EncodeSnapshot(snapshot));

  auto findings = DecodeFindings(EncodeFindings(SampleOverview().open_findings));
  REQUIRE(findings.ok());
  CHECK(findings->at(0).id == 7);
  CHECK_FALSE(findings->at(0).closed_ms);

  const std::vector<EventRow> events{{"m", {4, "probe_failed", "mot-cua", "hết giờ"}}};
  auto rows = DecodeEvents(EncodeEvents(events));
  REQUIRE(rows.ok());
  CHECK(rows->at(0).event == events[0].event);
}

TEST_CASE("a snapshot with impossible objectives or versions is refused") {
  CHECK_FALSE(DecodeSnapshot(R"({"version":-1})").ok());
  CHECK_FALSE(DecodeSnapshot(R"({"version":"1"})").ok());
  CHECK_FALSE(
      DecodeSnapshot(R"({"version":1,"objectives":[{"journey":"j","seconds":0,"minutes":1}]})")
          .ok());
  CHECK_FALSE(
      DecodeSnapshot(R"({"version":1,"objectives":[{"journey":"j","seconds":1,"minutes":-1}]})")
          .ok());
}

TEST_CASE("columns survive the way there and back, NaN included") {
  std::vector<Column> columns(2);
  columns[0].machine = "m";
  columns[0].series = {"probe_duration_seconds", {{"journey", "mot-cua"}, {"step", "a"}}};
  columns[0].times_ms = {-1, 0, 1'700'000'000'000};
  columns[0].values = {0.5, std::nan(""), -std::numeric_limits<double>::infinity()};
  columns[1].machine = "n";
  columns[1].series.metric = "node_load1";
  auto back = DecodeColumns(EncodeColumns(columns));
  REQUIRE(back.ok());
  REQUIRE(back->size() == 2);
  CHECK(back->at(0).series == columns[0].series);
  CHECK(back->at(0).times_ms == columns[0].times_ms);
  CHECK(back->at(0).values[0] == 0.5);
  CHECK(std::isnan(back->at(0).values[1]));
  CHECK(back->at(0).values[2] == -std::numeric_limits<double>::infinity());
  CHECK(back->at(1).times_ms.empty());
  CHECK(DecodeColumns("HDC1")->empty());
}

TEST_CASE("damaged columns are refused whatever the damage, and never believed about their size") {
  std::vector<Column> columns(1);
  columns[0].machine = "m";
  columns[0].series.metric = "node_load1";
  columns[0].times_ms = {1, 2, 3};
  columns[0].values = {1, 2, 3};
  const std::string good = EncodeColumns(columns);
  for (size_t length = 0; length < good.size(); ++length) {
    if (length != 4) CHECK_FALSE(DecodeColumns(good.substr(0, length)).ok());
  }
  std::string disorder = good;
  std::swap(disorder[good.size() - 48], disorder[good.size() - 40]);
  CHECK(DecodeColumns(disorder).error().message == "series: times are not in order");
  CHECK_FALSE(DecodeColumns("HDC1\xFF\xFF\xFF\xFF").ok());

  std::mt19937 random(20250701);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    auto result = DecodeColumns(bytes);
    if (!result.ok()) CHECK_FALSE(result.error().message.empty());
    (void)DecodeOverview(bytes);
  }
}
