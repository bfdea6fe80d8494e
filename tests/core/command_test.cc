#include "core/sparkplug/command.h"

#include <catch2/catch.hpp>
#include <limits>

#include "core/sparkplug/batch.h"
#include "tests/core/raw_payload.h"

using namespace haidang::sparkplug;
namespace raw = haidang::sparkplug::testing;
using raw::RawPayload;

namespace {

std::string FaultOf(const std::string& payload) {
  const auto command = DecodeCommand(payload);
  return command ? "" : command.error().message;
}

std::string One(const RawPayload& metric) { return RawPayload().Metric(metric).bytes(); }

}  // namespace

TEST_CASE(
    "NCMD is what the standard asks [payloads-ncmd-timestamp, payloads-ncmd-seq, "
    "payloads-alias-data-cmd-requirement, topics-ncmd-payload]") {
  Committed committed;
  committed.spool_id = 1;
  committed.ranges = {{5, 6}};
  committed.newest = 6;
  committed.sent_ms = 99;
  for (const std::string& payload :
       {EncodeRebirth(99), EncodeCommitted(committed), EncodeBackfillRate(2.5, 99),
        EncodeJourneys(std::vector<Lease>{{"mot-cua", 60}}, 99)}) {
    CHECK(raw::Varint(payload, raw::kPayloadTimestamp) == 99);
    CHECK_FALSE(raw::Has(payload, raw::kPayloadSeq));
    for (const std::string& metric : raw::Messages(payload, raw::kPayloadMetrics)) {
      CHECK(raw::Has(metric, raw::kTimestamp));
      CHECK(raw::Has(metric, raw::kAlias) != raw::Has(metric, raw::kName));
    }
  }
  const auto rebirth = raw::MetricsByName(EncodeRebirth(99));
  REQUIRE(rebirth.count("Node Control/Rebirth") == 1);
  CHECK(raw::Varint(rebirth.at("Node Control/Rebirth"), raw::kBoolean) == 1);
}

TEST_CASE("commands survive the wire") {
  CHECK(DecodeCommand(EncodeRebirth(1))->rebirth);
  CHECK(DecodeCommand(EncodeBackfillRate(2.5, 1))->backfill_rate == 2.5);
  Committed sent{3,
                 4,
                 100,
                 {{102, 102}, {110, 120}},
                 120,
                 1'760'000'000'001,
                 1'760'000'000'002,
                 120,
                 0xFEDCBA9876543210};
  const auto command = DecodeCommand(EncodeCommitted(sent));
  REQUIRE(command);
  REQUIRE(command->committed);
  CHECK(command->committed->store_id == 3);
  CHECK(command->committed->spool_id == 4);
  CHECK(command->committed->cumulative == 100);
  CHECK(command->committed->ranges == sent.ranges);
  CHECK(command->committed->newest == 120);
  CHECK(command->committed->received_ms == sent.received_ms);
  CHECK(command->committed->sent_ms == sent.sent_ms);
  CHECK(command->committed->check_number == 120);
  CHECK(command->committed->check_crc == 0xFEDCBA9876543210);
  CHECK_FALSE(command->rebirth);
  CHECK(command->unknown == 0);
}

TEST_CASE("a plain host may address commands by name, and an agent ignores what it does not know") {
  const auto metric = [](const char* name) { return RawPayload().Text(raw::kName, name); };
  const auto rate =
      DecodeCommand(One(metric("Node Control/Backfill Rate").Double(raw::kDouble, 3)));
  REQUIRE(rate);
  CHECK(rate->backfill_rate == 3);
  const auto unknown = DecodeCommand(One(metric("Node Control/Reboot").Number(raw::kBoolean, 1)));
  REQUIRE(unknown);
  CHECK(unknown->unknown == 1);
  const auto no = DecodeCommand(One(metric("Node Control/Rebirth").Number(raw::kBoolean, 0)));
  REQUIRE(no);
  CHECK_FALSE(no->rebirth);
  CHECK(DecodeCommand("")->unknown == 0);
}

TEST_CASE("commands that make no sense are refused") {
  const auto alias = [](uint64_t number) { return RawPayload().Number(raw::kAlias, number); };
  CHECK_THAT(FaultOf(One(RawPayload().Text(1, "Node Control/Rebirth").Number(raw::kLong, 1))),
             Catch::Contains("Boolean"));
  CHECK_THAT(FaultOf(One(alias(kAliasCommitted).Number(raw::kLong, 1))),
             Catch::Contains("spool id"));
  CHECK_THAT(FaultOf(One(alias(kAliasCommittedSpool).Number(raw::kLong, 1))),
             Catch::Contains("parts of Committed"));
  CHECK_THAT(FaultOf(One(alias(kAliasCommitted).Double(raw::kDouble, 1))),
             Catch::Contains("no integer"));
  CHECK_THAT(FaultOf(One(alias(kAliasBackfillRate).Double(raw::kDouble, -1))),
             Catch::Contains("Backfill Rate"));
  CHECK_THAT(FaultOf(One(alias(kAliasBackfillRate)
                             .Double(raw::kDouble, std::numeric_limits<double>::quiet_NaN()))),
             Catch::Contains("Backfill Rate"));
  CHECK_THAT(FaultOf("\x12\x05"), Catch::Contains("command"));
  const auto ranges = [&](const std::string& bytes, uint64_t cumulative) {
    return FaultOf(RawPayload()
                       .Metric(alias(kAliasCommitted).Number(raw::kLong, cumulative))
                       .Metric(alias(kAliasCommittedSpool).Number(raw::kLong, 1))
                       .Metric(alias(kAliasCommittedRanges).Text(raw::kBytes, bytes))
                       .bytes());
  };
  CHECK(ranges(std::string("\x02\x00", 2), 5).empty());
  CHECK_THAT(ranges(std::string("\x01\x00", 2), 5), Catch::Contains("touch"));
  CHECK_THAT(ranges(std::string("\x02\x00", 2), ~0ULL - 1), Catch::Contains("overflow"));
  CHECK_THAT(ranges("\x02", 5), Catch::Contains("command"));
  std::string many;
  for (size_t i = 0; i <= kMaxCommittedRanges; ++i) many += std::string("\x02\x00", 2);
  CHECK_THAT(ranges(many, 0), Catch::Contains("32"));
  const auto check = [&](const std::string& bytes) {
    return FaultOf(RawPayload()
                       .Metric(alias(kAliasCommitted).Number(raw::kLong, 1))
                       .Metric(alias(kAliasCommittedSpool).Number(raw::kLong, 1))
                       .Metric(alias(kAliasCommittedCheck).Text(raw::kBytes, bytes))
                       .bytes());
  };
  CHECK(check(std::string(16, '\1')).empty());
  CHECK_THAT(check(std::string(15, '\1')), Catch::Contains("16 bytes"));
  CHECK_THAT(check(std::string(16, '\0')), Catch::Contains("batch 0"));
  CHECK_THAT(FaultOf(std::string(kMaxPayload + 1, 'x')), Catch::Contains("larger"));
}

namespace {

std::string LeaseFault(const std::string& json) {
  return FaultOf(One(RawPayload().Number(raw::kAlias, kAliasJourneys).Text(raw::kString, json)));
}

}  // namespace

TEST_CASE("leases survive the wire, and replace what was said before") {
  const std::vector<Lease> leases = {{"mot-cua", 60}, {"tra-cứu \"hồ sơ\"", 92.5}};
  const auto command = DecodeCommand(EncodeJourneys(leases, 1));
  REQUIRE(command);
  REQUIRE(command->journeys);
  CHECK(*command->journeys == leases);
  const auto none = DecodeCommand(EncodeJourneys({}, 1));
  REQUIRE(none->journeys);
  CHECK(none->journeys->empty());
  CHECK_FALSE(DecodeCommand(EncodeRebirth(1))->journeys);
  CHECK(EncodeLeases(std::vector<Lease>{{"mot-cua", 60}}) ==
        R"({"lease":[{"interval_s":60,"journey":"mot-cua"}],"offer":true})");
}

TEST_CASE("what a later collector adds to leases is passed over; times are clamped") {
  const auto leases = DecodeLeases(
      R"({"new":{"lease":[7],"a":[[1]]},"lease":[{"x":[{"journey":"b"}],"journey":"a","interval_s":1e9},
          {"journey":"c","interval_s":0.001}],"offer":true})");
  REQUIRE(leases);
  CHECK(*leases == std::vector<Lease>{{"a", 86400}, {"c", 1}});
}

TEST_CASE("leases that make no sense are refused") {
  CHECK(LeaseFault(R"({"lease":[]})").empty());
  for (const char* json :
       {"",
        "{",
        "[]",
        "7",
        "{}",
        R"({"lease":5})",
        R"({"lease":{}})",
        R"({"lease":[5]})",
        R"({"lease":[[]]})",
        R"({"lease":[{}]})",
        R"({"lease":[{"journey":"a"}]})",
        R"({"lease":[{"interval_s":5}]})",
        R"({"lease":[{"journey":"","interval_s":5}]})",
        R"({"lease":[{"journey":5,"interval_s":5}]})",
        R"({"lease":[{"journey":"a","interval_s":"5"}]})",
        R"({"lease":[{"journey":"a","interval_s":0}]})",
        R"({"lease":[{"journey":"a","interval_s":-1}]})",
        R"({"lease":[{"journey":"a","interval_s":1e999}]})",
        R"({"lease":[],"lease":[]})",
        R"({"lease":[{"journey":"a","interval_s":5},{"journey":"a","interval_s":6}]})",
        R"({"x":[[[[[[[[[]]]]]]]]],"lease":[]})",
        "{\"lease\":[{\"journey\":\"\xff\",\"interval_s\":5}]}"}) {
    INFO(json);
    CHECK_THAT(LeaseFault(json), Catch::Contains("no list of leases"));
  }
  std::vector<Lease> many(kMaxLeases, Lease{"", 5});
  for (size_t i = 0; i < many.size(); ++i) many[i].journey = "j" + std::to_string(i);
  CHECK(DecodeLeases(EncodeLeases(many)));
  many.push_back({"one more", 5});
  CHECK_FALSE(DecodeLeases(EncodeLeases(many)));
  CHECK_FALSE(DecodeLeases(
      EncodeLeases(std::vector<Lease>{{std::string(kMaxJourneyNameBytes + 1, 'x'), 5}})));
  CHECK_FALSE(DecodeLeases(std::string(kMaxLeasesBytes + 1, ' ')));
  CHECK_THAT(FaultOf(One(RawPayload().Number(raw::kAlias, kAliasJourneys).Number(raw::kLong, 1))),
             Catch::Contains("no String"));
}
