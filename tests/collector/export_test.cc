#include <catch2/catch.hpp>

#include "collector/export_samples.h"
#include "core/histogram.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;

namespace {

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t bytes = agent.Declare({"node_network_receive_bytes_total", {{"device", "e\"0\\\n"}}},
                                 DataType::kUInt64, 0, MetricType::kCounter);
  uint64_t clash = agent.Declare({"lab_total", {}}, DataType::kInt64, 0, MetricType::kCounter);
  uint64_t stem = agent.Declare({"lab", {{"site", "own"}}});
  uint64_t reason =
      agent.Declare({"haidang_probe_reason", {{"journey", "mot-cua"}}}, DataType::kString);
  uint64_t times = agent.Declare({"haidang_probe_duration_histogram_seconds", {}}, DataType::kBytes,
                                 0, MetricType::kHistogram);

  Fixture() { Receive(agent.Birth()); }
  void Give(uint64_t number, std::map<uint64_t, haidang::Value> values, bool full = false) {
    Receive(agent.Live({.number = number, .values = std::move(values), .full = full}));
  }
  std::string Write(decltype(&WriteCsv) write, const SampleChoice& choice = {}) {
    REQUIRE(ingest->Commit());
    auto walk = store::SampleWalk::Open(dir + "/telemetry.db");
    REQUIRE(walk);
    std::string text;
    const auto done = write(*walk, choice, [&](std::string_view part) {
      text += part;
      return true;
    });
    if (!done) return "ERROR " + done.error().message;
    return text;
  }
  // Ended and begun at times of the test's own.
  void SetSnapshot(query::Snapshot snapshot) { REQUIRE(store->Put(snapshot)); }
  std::string Seconds(uint64_t number) const {
    const std::string ms = std::to_string(agent.TimeOf(number));
    return ms.substr(0, ms.size() - 3) + "." + ms.substr(ms.size() - 3);
  }
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t Times(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "OpenMetrics tells each tick at which a value is known, stated or not") {
  Give(1, {{load, 0.1}, {bytes, uint64_t{18446744073709551615U}}}, true);
  Give(2, {});
  Give(4, {});  // over a hole: unknown
  Give(5, {{load, 2.0}});
  const std::string text = Write(WriteOpenMetrics);
  const std::string place = R"({instance="pc-1",site="06652",site_name="",class="server")";
  CHECK(Has(text, "# TYPE node_load1 gauge\n# HELP node_load1 "));
  CHECK(Has(text, "node_load1" + place + "} 0.1 " + Seconds(1) + "\nnode_load1" + place + "} 0.1 " +
                      Seconds(2) + "\nnode_load1" + place + "} 2 " + Seconds(5) + "\n"));
  CHECK(Times(text, "\nnode_load1{") == 3);
  CHECK(
      Has(text,
          "# TYPE node_network_receive_bytes counter\n# UNIT node_network_receive_bytes bytes\n"));
  CHECK(Has(text, R"(,device="e\"0\\\n"} 18446744073709551615 )"));
  CHECK(text.ends_with("\n# EOF\n"));
  CHECK(Times(text, "# EOF") == 1);
}

TEST_CASE_METHOD(Fixture, "families of one name are kept apart, and own labels from the places'") {
  Give(1, {{clash, int64_t{-3}}, {stem, 4.5}, {reason, std::string("dns")}}, true);
  const std::string text = Write(WriteOpenMetrics);
  CHECK(Has(text, "# TYPE lab gauge\n"));
  CHECK(Has(text, "# TYPE lab_total unknown\n"));
  CHECK(Has(text, R"(class="server",exported_site="own"} 4.5)"));
  CHECK_FALSE(Has(text, "reason"));
}

TEST_CASE_METHOD(Fixture, "histograms are told in /metrics/fleet's buckets") {
  Histogram histogram;
  for (const double value : {0.01, 0.5, 100.0}) histogram.Observe(value);
  Give(1, {{times, Bytes{histogram.Encode()}}}, true);
  const std::string name = "haidang_probe_duration_histogram_seconds";
  const std::string text = Write(WriteOpenMetrics);
  CHECK(Has(text, "# TYPE " + name + " histogram\n# UNIT " + name + " seconds\n") ==
        Has(text, "# UNIT " + name));
  CHECK(Times(text, name + "_bucket{") == 34);
  CHECK(Has(text, ",le=\"1.0\"} 2 " + Seconds(1)));
  CHECK(Has(text, ",le=\"+Inf\"} 3 " + Seconds(1)));
  CHECK(Has(text,
            name + "_count{instance=\"pc-1\",site=\"06652\",site_name=\"\",class=\"server\"} 3 "));
  CHECK(Has(text, name + "_sum{"));
  histogram.Observe(std::numeric_limits<double>::infinity());
  Give(2, {{times, Bytes{histogram.Encode()}}});
  CHECK(Has(Write(WriteOpenMetrics),
            name + "_sum{instance=\"pc-1\",site=\"06652\",site_name=\"\",class=\"server\"} +Inf " +
                Seconds(2)));
  const std::string csv = Write(WriteCsv);
  CHECK(Has(csv, "," + name + R"(_bucket,"{""le"":""1.0""}",2)"));
  CHECK(Has(csv, "," + name + "_count,{},3\r\n"));
}

TEST_CASE_METHOD(Fixture,
                 "a name that machines use for texts, numbers and histograms is all three") {
  Histogram histogram;
  histogram.Observe(0.5);
  const std::vector<std::pair<DataType, haidang::Value>> meanings = {
      {DataType::kString, std::string("cháy \"to\"")},
      {DataType::kInt64, int64_t{-7}},
      {DataType::kBytes, Bytes{histogram.Encode()}}};
  for (size_t i = 0; i < meanings.size(); ++i) {
    TestAgent other("lab-" + std::to_string(i), 0xB0 + i);
    const uint64_t alias = other.Declare({"lab_state", {}}, meanings[i].first);
    Receive(other.Birth());
    Receive(other.Live({.number = 1, .values = {{alias, meanings[i].second}}, .full = true}));
  }
  const std::string csv = Write(WriteCsv, {.metrics = {"lab_state"}});
  CHECK(Has(csv, R"(,lab-0,06652,,server,lab_state,{},"cháy ""to""")"));
  CHECK(Has(csv, ",lab-1,06652,,server,lab_state,{},-7\r\n"));
  CHECK(Has(csv, ",lab-2,06652,,server,lab_state_count,{},1\r\n"));
  CHECK(Times(csv, "\r\n") == 1 + 2 + 36);
  // OpenMetrics has neither texts nor two types of one family.
  const std::string text = Write(WriteOpenMetrics, {.metrics = {"lab_state"}});
  CHECK(Times(text, "# TYPE") == 1);
  CHECK(Times(text, "lab_state{") == 1);
  CHECK(Has(text, "} -7 "));
}

TEST_CASE_METHOD(Fixture,
                 "places are those of the sample's time, and lines of one metric stand together") {
  for (uint64_t n = 1; n <= 4; ++n) Give(n, {{load, static_cast<double>(n)}}, n == 1);
  query::Snapshot snapshot;
  snapshot.version = 1;
  snapshot.sites = {{"22", "Tỉnh", "", "", 0, {}},
                    {"06862", "Xã \"Tiên Yên\"", "", "", 0, agent.TimeOf(3)},
                    {"06862", "Xã mới", "", "", agent.TimeOf(3), {}}};
  // There, away, and back again; the third name holds from the third tick on.
  snapshot.placements = {{"pc-1", "06862", "kiosk", 0, agent.TimeOf(2)},
                         {"pc-1", "22", "", agent.TimeOf(2), agent.TimeOf(3)},
                         {"pc-1", "06862", "kiosk", agent.TimeOf(3), {}},
                         {"pc-2", "22", "", 0, {}}};
  SetSnapshot(snapshot);
  const std::string text = Write(WriteOpenMetrics);
  CHECK(Has(text, R"(site="06862",site_name="Xã \"Tiên Yên\"",class="kiosk"} 1 )"));
  CHECK(Has(text, R"(site="22",site_name="Tỉnh",class="server"} 2 )"));
  CHECK(Has(text, R"(site="06862",site_name="Xã mới",class="kiosk"} 3 )"));
  CHECK(Times(text, "\nnode_load1{") == 4);
  snapshot.version = 2;
  snapshot.sites.pop_back();
  snapshot.sites[1].valid_to_ms.reset();
  SetSnapshot(snapshot);
  const std::string again = Write(WriteOpenMetrics);
  CHECK(again.find("} 3 ") < again.find("} 2 "));  // both stretches at 06862 are one metric
  const std::string csv = Write(WriteCsv);
  CHECK(csv.find(",3\r\n") > csv.find(",2\r\n"));  // by time
  CHECK(Has(csv, R"(,06862,"Xã ""Tiên Yên""",kiosk,node_load1,{},1)"));
}

TEST_CASE_METHOD(Fixture, "CSV says once that a value became unknown") {
  Give(1, {{load, 1.0}, {reason, std::string("a,b")}}, true);
  Give(2, {{load, Null{}}});
  Give(3, {});
  Give(4, {{load, 4.0}});
  agent.epoch_ms += 3600000;
  Give(5, {});
  const std::string csv = Write(WriteCsv, {.metrics = {"node_load1"}});
  const auto row = [&](int64_t ms, const std::string& value) {
    return IsoTime(ms) + "," + std::to_string(ms) + ",pc-1,06652,,server,node_load1,{}," + value +
           "\r\n";
  };
  const int64_t moved = agent.TimeOf(5);
  agent.epoch_ms -= 3600000;
  CHECK(csv == "time,time_ms,instance,site,site_name,class,metric,labels,value\r\n" +
                   row(agent.TimeOf(1), "1") + row(agent.TimeOf(2), "") +
                   row(agent.TimeOf(4), "4") + row(agent.TimeOf(5), "") + row(moved, "4"));
  CHECK(Has(Write(WriteCsv), R"(,haidang_probe_reason,"{""journey"":""mot-cua""}","a,b")"));
}

TEST_CASE_METHOD(Fixture, "a choice holds at both ends, and names what is not there") {
  for (uint64_t n = 1; n <= 5; ++n) Give(n, {{load, static_cast<double>(n)}}, n == 1);
  const std::string some =
      Write(WriteCsv, {.from_ms = agent.TimeOf(2), .to_ms = agent.TimeOf(4), .machines = {"pc-1"}});
  CHECK(Times(some, "node_load1") == 3);
  CHECK(Has(Write(WriteCsv, {.machines = {"pc-9"}}), "ERROR the store has no machine pc-9"));
  CHECK(Has(Write(WriteOpenMetrics, {.metrics = {"node_load1", "x"}}),
            "ERROR the store has no metric x"));
  CHECK(Write(WriteOpenMetrics, {.from_ms = agent.TimeOf(9)}) == "# EOF\n");
}

TEST_CASE_METHOD(Fixture, "an export that cannot be written is an error") {
  Give(1, {{load, 1.0}}, true);
  REQUIRE(ingest->Commit());
  auto walk = store::SampleWalk::Open(dir + "/telemetry.db");
  REQUIRE(walk);
  for (const auto write : {&WriteCsv, &WriteOpenMetrics}) {
    for (int lines = 0; lines < 2; ++lines) {
      int left = lines;
      CHECK_FALSE(write(*walk, {}, [&](std::string_view) { return left-- > 0; }));
    }
  }
}

TEST_CASE("moments are read as they are written in the world") {
  const int64_t at = 1767573000000;  // 2026-01-05T00:30:00Z
  const std::pair<const char*, int64_t> good[] = {
      {"1767573000000", at},
      {"2026-01-05T00:30:00Z", at},
      {"2026-01-05T00:30:00.123Z", at + 123},
      {"2026-01-05T07:30:00+07:00", at},
      {"2026-01-04T19:00:00-05:30", at},
      {"2026-01-05", at - 1800000},
      {"2024-02-29", 1709164800000},
      {"1969-12-31", -86400000},
  };
  for (const auto& [text, ms] : good) {
    INFO(text);
    const auto moment = ParseMoment(text);
    REQUIRE(moment);
    CHECK(*moment == ms);
  }
  for (const char* bad : {"", "now", "2026-1-5", "2026-13-01", "2026-02-30", "2025-02-29",
                          "2026-01-05T24:00:00Z", "2026-01-05T00:30:00", "2026-01-05T00:30Z",
                          "2026-01-05T00:30:00+7", "2026-01-05T00:30:00.1Z", "12 ", "1e9",
                          "99999999999999999999", "2026-01-05T00:30:00Zx", "2026-00-10"}) {
    INFO(bad);
    const auto moment = ParseMoment(bad);
    REQUIRE_FALSE(moment);
    CHECK(moment.error().message.find("allowed") != std::string::npos);
  }
  CHECK(IsoTime(at + 7) == "2026-01-05T00:30:00.007Z");
  CHECK(IsoTime(-1) == "1969-12-31T23:59:59.999Z");
}
