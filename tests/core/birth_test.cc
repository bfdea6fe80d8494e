#include "core/sparkplug/birth.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "core/sparkplug/batch.h"
#include "tests/core/raw_payload.h"

using namespace haidang;
using namespace haidang::sparkplug;
namespace raw = haidang::sparkplug::testing;
using raw::RawPayload;

namespace {

constexpr uint64_t kSpool = 0x00FF00FF00FF00FF;

Birth SmallBirth() {
  Birth birth;
  birth.timestamp_ms = 1'760'000'000'000;
  birth.bd_seq = 17;
  birth.spool_id = kSpool;
  birth.held = {{kSpool, 3, 9, "age"}, {1, 1, 1, ""}};
  birth.groups = {"cpu", "filesystem"};
  birth.agent_version = "0.1.0";
  birth.os = "linux";
  birth.boot_id = 0xB007;
  birth.since_boot_ms = 90000;
  birth.machine_class = "server";
  birth.site = "06652";
  birth.series.push_back(
      {{"node_load1", {}}, 32, DataType::kDouble, MetricType::kGauge, "", 0, 0.5});
  birth.series.push_back({{"node_filesystem_avail_bytes", {{"mountpoint", "/var_lib"}}},
                          33,
                          DataType::kUInt64,
                          MetricType::kGauge,
                          "bytes",
                          1,
                          Null{}});
  return birth;
}

std::string FaultOf(const std::string& payload) {
  const auto birth = DecodeBirth(payload);
  return birth ? "" : birth.error().message;
}

std::string FaultOf(const Birth& birth) { return FaultOf(EncodeBirth(birth)); }

RawPayload Metric(const std::string& name, uint64_t datatype, uint32_t field, uint64_t value) {
  return RawPayload()
      .Text(raw::kName, name)
      .Number(raw::kTimestamp, 1)
      .Number(raw::kDatatype, datatype)
      .Number(field, value);
}

RawPayload Foreign() {
  return RawPayload()
      .Number(raw::kPayloadTimestamp, 77)
      .Number(raw::kPayloadSeq, 0)
      .Metric(Metric("bdSeq", 4, raw::kLong, 3))
      .Metric(Metric("Node Control/Rebirth", 11, raw::kBoolean, 0));
}

}  // namespace

TEST_CASE("a birth survives the wire") {
  const Birth birth = SmallBirth();
  const auto decoded = DecodeBirth(EncodeBirth(birth));
  REQUIRE(decoded);
  CHECK(decoded->timestamp_ms == birth.timestamp_ms);
  CHECK(decoded->bd_seq == 17);
  CHECK(decoded->boot_id == 0xB007);
  CHECK(decoded->since_boot_ms == 90000);
  CHECK(decoded->spool_id == kSpool);
  REQUIRE(decoded->held.size() == 2);
  CHECK(decoded->held[0].first == 3);
  CHECK(decoded->held[0].next == 9);
  CHECK(decoded->held[0].reason == "age");
  CHECK(decoded->groups == birth.groups);
  CHECK(decoded->site == "06652");
  REQUIRE(decoded->series.size() == 2);
  CHECK(decoded->series[1].series == birth.series[1].series);
  CHECK(decoded->series[1].unit == "bytes");
  CHECK(decoded->series[1].group == 1);
  CHECK(decoded->series[1].value == Value{Null{}});
}

TEST_CASE(
    "NBIRTH is what the standard asks [payloads-nbirth-timestamp, payloads-nbirth-seq, "
    "payloads-nbirth-bdseq, payloads-nbirth-rebirth-req, payloads-alias-birth-requirement, "
    "payloads-metric-datatype-req, topics-nbirth-metrics, topics-nbirth-rebirth-metric]") {
  const std::string payload = EncodeBirth(SmallBirth());
  CHECK(raw::Varint(payload, raw::kPayloadTimestamp) == 1'760'000'000'000);
  CHECK(raw::Varint(payload, raw::kPayloadSeq) == 0);
  std::set<uint64_t> aliases;
  for (const std::string& metric : raw::Messages(payload, raw::kPayloadMetrics)) {
    const std::string name = raw::Text(metric, raw::kName);
    INFO(name);
    CHECK_FALSE(name.empty());
    CHECK(raw::Has(metric, raw::kDatatype));
    CHECK(raw::Has(metric, raw::kTimestamp));
    bool has_value = raw::Has(metric, raw::kIsNull);
    for (const uint32_t field :
         {raw::kLong, raw::kDouble, raw::kBoolean, raw::kString, raw::kBytes}) {
      has_value = has_value || raw::Has(metric, field);
    }
    CHECK(has_value);
    if (raw::Has(metric, raw::kAlias)) {
      CHECK(aliases.insert(raw::Varint(metric, raw::kAlias)).second);
    }
  }
  const auto metrics = raw::MetricsByName(payload);
  const std::string& bd_seq = metrics.at("bdSeq");
  CHECK(raw::Varint(bd_seq, raw::kDatatype) == 4);
  CHECK(raw::Varint(bd_seq, raw::kLong) == 17);
  CHECK_FALSE(raw::Has(bd_seq, raw::kAlias));
  const std::string& rebirth = metrics.at("Node Control/Rebirth");
  CHECK(raw::Varint(rebirth, raw::kDatatype) == 11);
  CHECK(raw::Varint(rebirth, raw::kBoolean) == 0);
  CHECK_FALSE(raw::Has(rebirth, raw::kAlias));
  for (const char* command :
       {"Node Control/Committed", "Node Control/Committed/Spool", "Node Control/Committed/Store",
        "Node Control/Committed/Ranges", "Node Control/Committed/Newest",
        "Node Control/Committed/Received", "Node Control/Committed/Check",
        "Node Control/Backfill Rate", "Node Control/Journeys"}) {
    CHECK(metrics.count(command) == 1);
  }
}

TEST_CASE("label values become folders that can be told apart") {
  CHECK(WireName({"m", {}}) == "m");
  CHECK(WireName({"m", {{"a", "/var/lib"}}}) == "m/_2Fvar_2Flib");
  CHECK(WireName({"m", {{"a", "/var_lib"}}}) == "m/_2Fvar_5Flib");
  CHECK(WireName({"m", {{"b", "y"}, {"a", "eth0-1"}}}) == "m/eth0-1/y");
  CHECK(WireName({"m", {{"a", ""}, {"b", "C:"}}}) == "m/_/C_3A");
  CHECK(WireName({"m", {{"a", "Đ"}}}) == "m/_C4_90");
}

TEST_CASE("series that no birth can declare are told") {
  CHECK(CheckSeries({"ns:node_load1_total", {{"le_", "ả"}}}));
  CHECK(CheckSeries({"_", {}}));
  Labels many;
  for (size_t i = 0; i <= kMaxLabels; ++i) many["l" + std::to_string(i)] = "x";
  const SeriesId bad[] = {{"", {}},
                          {"1m", {}},
                          {"m-x", {}},
                          {"mả", {}},
                          {"Spool", {{"a", "Id"}}},
                          {"Agent", {}},
                          {"bdSeq", {}},
                          {std::string(kMaxNameBytes + 1, 'm'), {}},
                          {"m", {{"", "x"}}},
                          {"m", {{"a:b", "x"}}},
                          {"m", {{"0a", "x"}}},
                          {"m", {{"__name__", "x"}}},
                          {"m", {{"a", "\xFF"}}},
                          {"m", {{"a", std::string(kMaxLabelBytes + 1, 'x')}}},
                          {"m", many}};
  for (const SeriesId& series : bad) {
    INFO(ToString(series));
    CHECK_FALSE(CheckSeries(series));
    Birth birth = SmallBirth();
    birth.series[0].series = series;
    CHECK_FALSE(DecodeBirth(EncodeBirth(birth)));
  }
}

TEST_CASE("labels that are called as properties are told apart from them") {
  Birth birth = SmallBirth();
  birth.series.front().series.labels = {
      {"_x", "1"}, {"source", "2"}, {"type", "3"}, {"unit", "4"}, {"zone", "5"}};
  const auto decoded = DecodeBirth(EncodeBirth(birth));
  REQUIRE(decoded);
  CHECK(decoded->series.front().series == birth.series.front().series);
}

TEST_CASE("every metric of the catalogue can be declared") {
  REQUIRE_FALSE(Catalogue().empty());
  for (const MetricInfo& info : Catalogue()) {
    SeriesId series{std::string(info.name), {}};
    std::string_view rest = info.labels;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      series.labels[std::string(rest.substr(0, comma))] = "x";
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    const Status status = CheckSeries(series);
    INFO((status ? "" : status.error().message));
    CHECK(status);
  }
}

TEST_CASE("a foreign node's birth has no spool and no series") {
  const auto birth = DecodeBirth(Foreign().Metric(Metric("Temp/°C", 9, raw::kInt, 5)).bytes());
  REQUIRE(birth);
  CHECK(birth->spool_id == 0);
  CHECK(birth->bd_seq == 3);
  CHECK(birth->timestamp_ms == 77);
  CHECK(birth->series.empty());
}

TEST_CASE("births that break the standard are refused, and say where") {
  const RawPayload plain = RawPayload().Number(raw::kPayloadTimestamp, 77);
  const RawPayload bd_seq = Metric("bdSeq", 4, raw::kLong, 3);
  const RawPayload rebirth = Metric("Node Control/Rebirth", 11, raw::kBoolean, 0);
  const auto with = [](const RawPayload& first, const RawPayload& second) {
    return RawPayload()
        .Number(raw::kPayloadTimestamp, 77)
        .Number(raw::kPayloadSeq, 0)
        .Metric(first)
        .Metric(second)
        .bytes();
  };
  CHECK(FaultOf(with(bd_seq, rebirth)).empty());
  CHECK_THAT(FaultOf(RawPayload(plain).Metric(bd_seq).Metric(rebirth).bytes()),
             Catch::Contains("seq"));
  CHECK_THAT(FaultOf(RawPayload().Number(raw::kPayloadSeq, 0).Metric(bd_seq).bytes()),
             Catch::Contains("timestamp"));
  CHECK_THAT(FaultOf(with(rebirth, Metric("x", 4, 11, 1))), Catch::Contains("bdSeq"));
  CHECK_THAT(FaultOf(with(bd_seq, Metric("x", 4, 11, 1))), Catch::Contains("Rebirth"));
  CHECK_THAT(FaultOf(with(bd_seq, bd_seq)), Catch::Contains("Rebirth"));
  CHECK_THAT(FaultOf(with(Metric("bdSeq", 4, 11, 256), rebirth)), Catch::Contains("0 to 255"));
  CHECK_THAT(FaultOf(with(Metric("bdSeq", 8, 11, 1), rebirth)), Catch::Contains("Int64"));
  CHECK_THAT(FaultOf(with(RawPayload(bd_seq).Number(raw::kAlias, 5), rebirth)),
             Catch::Contains("no alias"));
  CHECK_THAT(FaultOf(with(bd_seq, RawPayload(rebirth).Number(raw::kAlias, 5))),
             Catch::Contains("no alias"));
  CHECK_THAT(FaultOf(with(bd_seq, Metric("Node Control/Rebirth", 11, raw::kBoolean, 1))),
             Catch::Contains("false"));
  const auto fault = [](const RawPayload& metric) {
    return FaultOf(Foreign().Metric(metric).bytes());
  };
  CHECK_THAT(fault(Metric("", 4, 11, 1)), Catch::Contains("without name"));
  CHECK_THAT(fault(Metric("\xFF", 4, 11, 1)), Catch::Contains("UTF-8"));
  CHECK_THAT(fault(Metric("x", 0, 11, 1)), Catch::Contains("datatype"));
  CHECK_THAT(fault(Metric("x", 35, 11, 1)), Catch::Contains("\"x\""));
  CHECK_THAT(fault(RawPayload().Text(1, "x").Number(4, 4).Number(11, 1)),
             Catch::Contains("timestamp"));
  CHECK_THAT(fault(RawPayload().Text(1, "x").Number(3, 1).Number(4, 4)),
             Catch::Contains("no value"));
  const auto twin = Metric("x", 4, 11, 1);
  CHECK_THAT(FaultOf(Foreign().Metric(twin).Metric(twin).bytes()), Catch::Contains("same name"));
  CHECK_THAT(FaultOf(Foreign()
                         .Metric(Metric("x", 4, 11, 1).Number(raw::kAlias, 5))
                         .Metric(Metric("y", 4, 11, 1).Number(raw::kAlias, 5))
                         .bytes()),
             Catch::Contains("same alias"));
}

TEST_CASE("births that break our own rules are refused") {
  Birth birth = SmallBirth();
  birth.held[0].first = 10;
  CHECK_THAT(FaultOf(birth), Catch::Contains("First not above Next"));
  birth = SmallBirth();
  birth.held.push_back({0xE4, 7, 7, "", 1'760'000'000'000});
  CHECK(FaultOf(birth).empty());
  birth.held.back().first = 6;
  CHECK_THAT(FaultOf(birth), Catch::Contains("has Ended"));
  birth = SmallBirth();
  birth.held[0] = {kSpool, 7, 7, "", 1'760'000'000'000};
  CHECK_THAT(FaultOf(birth), Catch::Contains("is current"));
  birth = SmallBirth();
  birth.held.erase(birth.held.begin());
  CHECK_THAT(FaultOf(birth), Catch::Contains("Spool/Id"));
  birth = SmallBirth();
  birth.groups = {"cpu", "cpu"};
  CHECK_THAT(FaultOf(birth), Catch::Contains("groups"));
  birth = SmallBirth();
  birth.groups.assign(65, "");
  for (size_t i = 0; i < 65; ++i) birth.groups[i] = "g" + std::to_string(i);
  CHECK_THAT(FaultOf(birth), Catch::Contains("64"));
  birth = SmallBirth();
  birth.interval_ms = 0;
  CHECK_THAT(FaultOf(birth), Catch::Contains("Agent/Interval"));
  birth = SmallBirth();
  birth.series[1].alias = birth.series[0].alias;
  CHECK_THAT(FaultOf(birth), Catch::Contains("same alias"));
  birth = SmallBirth();
  birth.series[1].series = birth.series[0].series;
  CHECK_THAT(FaultOf(birth), Catch::Contains("same name"));
  const auto with = [](const RawPayload& metric) {
    RawPayload payload;
    return EncodeBirth(SmallBirth()) + payload.Metric(metric).bytes();
  };
  const auto series = [](const std::string& name, uint64_t datatype) {
    return Metric(name, datatype, raw::kLong, 1).Number(raw::kAlias, 99);
  };
  CHECK_THAT(FaultOf(with(series("m", 9))), Catch::Contains("datatype"));
  CHECK_THAT(FaultOf(with(series("m", 4))), Catch::Contains("no property"));
  CHECK_THAT(FaultOf(with(Metric("x", 4, 11, 1).Number(raw::kAlias, 5))), Catch::Equals(""));
  CHECK_THAT(FaultOf(with(Metric("x", 4, 11, 1).Number(raw::kAlias, 2))), Catch::Contains("alias"));
  CHECK_THAT(FaultOf(with(Metric("Spool/First/xyz", 8, 11, 1))), Catch::Contains("hex"));
  CHECK_THAT(FaultOf(with(Metric("Spool/First/00000000000000AA", 8, 11, 1))),
             Catch::Contains("hex"));
  CHECK_THAT(FaultOf(with(Metric("Spool/Ended/00000000000000aa", 8, 11, ~uint64_t{0}))),
             Catch::Contains("no possible time"));
  CHECK_THAT(FaultOf(with(Metric("Spool/First/00000000000000aa", 8, 11, 1))),
             Catch::Contains("needs First and Next"));
}

TEST_CASE("a property's text decides, and its name must agree") {
  const auto property = [](const std::string& text) {
    return RawPayload().Number(1, 12).Text(8, text).bytes();
  };
  const auto birth = [&](const std::vector<std::pair<std::string, std::string>>& properties) {
    RawPayload set;
    for (const auto& [key, text] : properties) set.Text(1, key);
    for (const auto& [key, text] : properties) set.Text(2, property(text));
    const auto metric = Metric("m/x", 4, 11, 1).Number(raw::kAlias, 99).Text(9, set.bytes());
    return FaultOf(EncodeBirth(SmallBirth()) + RawPayload().Metric(metric).bytes());
  };
  CHECK(birth({{"type", "gauge"}, {"source", "cpu"}, {"a", "x"}}).empty());
  CHECK_THAT(birth({{"type", "gauge"}, {"source", "cpu"}, {"a", "y"}}),
             Catch::Contains("does not follow"));
  CHECK_THAT(birth({{"type", "gauge"}, {"source", "cpu"}, {"a", "x"}, {"a", "x"}}),
             Catch::Contains("twice"));
  CHECK_THAT(birth({{"type", "meter"}, {"source", "cpu"}, {"a", "x"}}),
             Catch::Contains("gauge, counter"));
  CHECK_THAT(birth({{"type", "gauge"}, {"source", "gpu"}, {"a", "x"}}),
             Catch::Contains("Spool/Groups"));
  CHECK_THAT(birth({{"source", "cpu"}, {"a", "x"}}), Catch::Contains("no property type"));
}

TEST_CASE("a spool id that ended is told with the time when it did") {
  Birth birth = SmallBirth();
  birth.held.push_back({0xE4, 7, 7, "", 1'760'000'000'000});
  const auto decoded = DecodeBirth(EncodeBirth(birth));
  REQUIRE(decoded);
  REQUIRE(decoded->held.size() == birth.held.size());
  CHECK(decoded->held.back().spool_id == 0xE4);
  CHECK(decoded->held.back().first == 7);
  CHECK(decoded->held.back().next == 7);
  CHECK(decoded->held.back().ended_ms == 1'760'000'000'000);
  CHECK(decoded->held.front().ended_ms == 0);
}

TEST_CASE("more spool ids than a birth can hold are told in part, the current one always") {
  Birth birth = SmallBirth();
  birth.held.clear();
  for (uint64_t id = 1; id <= kMaxHeldSpools + 10; ++id) birth.held.push_back({id, 1, 2, ""});
  birth.held.push_back({kSpool, 1, 2, ""});
  const auto decoded = DecodeBirth(EncodeBirth(birth));
  REQUIRE(decoded);
  CHECK(decoded->held.size() == kMaxHeldSpools);
  CHECK(decoded->held.front().spool_id == kSpool);
}

TEST_CASE(
    "NDEATH is bdSeq alone [payloads-ndeath-seq, payloads-ndeath-bdseq, "
    "topics-ndeath-payload]") {
  const std::string payload = EncodeDeath(255, 99);
  CHECK(raw::Varint(payload, raw::kPayloadTimestamp) == 99);
  CHECK_FALSE(raw::Has(payload, raw::kPayloadSeq));
  const auto metrics = raw::Messages(payload, raw::kPayloadMetrics);
  REQUIRE(metrics.size() == 1);
  CHECK(raw::Text(metrics[0], raw::kName) == "bdSeq");
  CHECK(raw::Varint(metrics[0], raw::kDatatype) == 4);
  CHECK(raw::Varint(metrics[0], raw::kLong) == 255);
  CHECK(*DecodeDeath(payload) == 255);
  CHECK_FALSE(DecodeDeath(""));
  CHECK_FALSE(DecodeDeath("\x12"));
  CHECK_FALSE(DecodeDeath(RawPayload().Metric(Metric("bdSeq", 4, 11, 300)).bytes()));
}

TEST_CASE("STATE is JSON [host-topic-phid-birth-payload]") {
  const auto state = nlohmann::json::parse(EncodeState(true, 1'760'000'000'000));
  CHECK(state == nlohmann::json{{"online", true}, {"timestamp", 1'760'000'000'000}});
  CHECK(nlohmann::json::parse(EncodeState(false, 1))["online"] == false);
}
