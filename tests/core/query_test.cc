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
  snapshot.objectives.push_back({"mot-cua", "tra-cuu", 1, 5, 0.95, 0.995});
  snapshot.calendar.week = {{{450, 690}, {780, 1020}}, {}, {}, {}, {}, {}, {{0, 1440}}};
  snapshot.calendar.days = {{"2026-04-26", true}, {"2026-04-27", false}};
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
  CHECK_FALSE(back->objectives.at(0).share);
  CHECK_FALSE(back->objectives.at(0).availability);
  CHECK(back->objectives.at(1).share == 0.95);
  CHECK(back->objectives.at(1).availability == 0.995);
  CHECK(back->calendar == snapshot.calendar);
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

TEST_CASE("an older server's snapshot promises nothing and keeps no office hours") {
  const auto old = DecodeSnapshot(
      R"({"version":1,"objectives":[{"journey":"j","step":"","seconds":3,"minutes":5}]})");
  REQUIRE(old.ok());
  CHECK_FALSE(old->objectives.at(0).share);
  CHECK_FALSE(old->objectives.at(0).availability);
  CHECK(old->calendar == CalendarRules{});
  // What has neither is written as ever.
  CHECK(EncodeSnapshot(*old).find("share") == std::string::npos);
  CHECK(EncodeSnapshot(*old).find("calendar") == std::string::npos);
  const auto empty = DecodeSnapshot(R"({"version":1,"calendar":{"week":[],"days":[]}})");
  REQUIRE(empty.ok());
  CHECK(empty->calendar == CalendarRules{});
}

TEST_CASE("shares that no objective can want are refused") {
  const auto with = [](const std::string& promise) {
    return DecodeSnapshot(R"({"version":1,"objectives":[{"journey":"j","seconds":1,"minutes":1,)" +
                          promise + "}]}");
  };
  CHECK(with(R"("share":0.01)").ok());
  CHECK(with(R"("share":0.99999,"availability":0.5)").ok());
  CHECK(with(R"("share":null)").ok());
  for (const char* value : {"0", "1", "-0.5", "95", "0.009", "0.999999", "1e-300"}) {
    INFO(value);
    CHECK(with(std::string(R"("share":)") + value).error().message ==
          "snapshot.objectives[0].share: must be a share from 0.01 to 0.99999");
    CHECK(with(std::string(R"("availability":)") + value).error().message ==
          "snapshot.objectives[0].availability: must be a share from 0.01 to 0.99999");
  }
  CHECK(with(R"("share":"0.95")").error().message ==
        "snapshot.objectives[0].share: must be a finite number");
  CHECK_FALSE(with(R"("share":1e999)").ok());
}

TEST_CASE("a calendar is one compact text") {
  CalendarRules rules;
  rules.week = {{{450, 690}, {780, 1020}}, {}, {}, {}, {}, {}, {}};
  rules.days = {{"2026-04-27", false}};
  const std::string text = EncodeCalendar(rules);
  CHECK(text == R"({"days":[{"day":"2026-04-27","working":false}],)"
                R"("week":[[[450,690],[780,1020]],[],[],[],[],[],[]]})");
  REQUIRE(DecodeCalendar(text).ok());
  CHECK(*DecodeCalendar(text) == rules);
  CHECK(*DecodeCalendar("{}") == CalendarRules{});
}

TEST_CASE("hostile calendars are refused with the place of the fault") {
  const auto refusal = [](const std::string& calendar) {
    auto result = DecodeSnapshot(R"({"version":1,"calendar":)" + calendar + "}");
    INFO(calendar);
    REQUIRE_FALSE(result.ok());
    return result.error().message;
  };
  const auto monday = [](const std::string& hours) {
    return R"({"week":[)" + hours + ",[],[],[],[],[],[]]}";
  };
  CHECK(refusal("[]") == "snapshot.calendar: must be an object");
  CHECK(refusal(R"({"week":{}})") == "snapshot.calendar.week: must be an array");
  const std::string shape =
      "snapshot.calendar.week: must be seven arrays of [begin,end] in minutes";
  for (const char* week : {"[[]]", "[[],[],[],[],[],[],[],[]]", "[1,2,3,4,5,6,7]"}) {
    CHECK(refusal(std::string(R"({"week":)") + week + "}") == shape);
  }
  for (const char* hours :
       {"[1]", "[[]]", "[[1]]", "[[1,2,3]]", "[[\"07:30\",\"11:30\"]]", "[[1.5,2]]", "[[-1,5]]",
        "[[0,1441]]", "[[0,18446744073709551615]]", "[[0,-18446744073709551616]]", "[[true,5]]",
        "[{\"begin\":1}]", "[null]"}) {
    CHECK(refusal(monday(hours)) == shape);
  }
  CHECK(refusal(monday("[[5,5]]")).find("week: has the stretch 00:05-00:05") != std::string::npos);
  CHECK(refusal(monday("[[60,120],[90,180]]")).find("begins before 01:00-02:00") !=
        std::string::npos);
  CHECK(refusal(monday("[[0,1],[2,3],[4,5],[6,7],[8,9],[10,11],[12,13],[14,15],[16,17]]")) ==
        "snapshot.calendar.week: has 9 stretches, more than 8");

  const auto days = [](const std::string& list) { return R"({"days":[)" + list + "]}"; };
  const std::string off = R"(,"working":false})";
  CHECK(refusal(days("1")) == "snapshot.calendar.days[0]: not an object");
  CHECK(refusal(days(R"({"working":true})")) == "snapshot.calendar.days[0].day: is missing");
  CHECK(refusal(days(R"({"day":"2026-04-27"})")) ==
        "snapshot.calendar.days[0].working: is missing");
  CHECK(refusal(days(R"({"day":"2026-04-27","working":1})")) ==
        "snapshot.calendar.days[0].working: must be true or false");
  CHECK(refusal(days(R"({"day":"2026-02-29")" + off)) ==
        "snapshot.calendar.days[0].day: is no day such as 2026-04-27");
  const std::string first = R"({"day":"2026-04-27")" + off, second = R"({"day":"2026-04-28")" + off;
  CHECK(refusal(days(first + "," + first)) == "snapshot.calendar.days: must ascend");
  CHECK(refusal(days(second + "," + first)) == "snapshot.calendar.days: must ascend");
  std::string many = first;
  for (int i = 0; i < 4096; ++i) many += "," + first;
  CHECK(refusal(days(many)) == "snapshot.calendar.days: more than 4096");
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
