#include <catch2/catch.hpp>
#include <map>

#include "tests/support/fleet/mqtt_wire.h"
#include "tests/support/fleet/simulated_agent.h"

using namespace haidang;
using namespace haidang::fleet;
using haidang::sparkplug::BatchDecoder;

namespace {

SimulatedAgent MakeAgent(Counters& counters) {
  return SimulatedAgent("g", "fleet-1", 7, 60, 15'000, counters);
}

uint64_t NumberOf(const std::string& payload) {
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  REQUIRE(message->batches.size() == 1);
  REQUIRE(message->batches[0].crc_matches);
  return message->batches[0].header.number;
}

std::string CommittedUpTo(uint64_t cumulative, const std::string& birth,
                          std::vector<sparkplug::NumberRange> ranges = {}) {
  const auto decoded = sparkplug::DecodeBirth(birth);
  REQUIRE(decoded);
  sparkplug::Committed committed;
  committed.spool_id = decoded->spool_id;
  committed.cumulative = cumulative;
  committed.ranges = std::move(ranges);
  return sparkplug::EncodeCommitted(committed);
}

}  // namespace

TEST_CASE("packets are read however the bytes are cut") {
  std::string bytes("\x20\x03\x00\x00\x00\x90\x04\x00\x01\x00\x01\xD0\x00", 13);
  AppendPublish("spBv1.0/g/NCMD/n", std::string(200, 'x'), bytes);
  bytes += std::string("\x32\x08\x00\x01t\x00\x09\x00pp", 10);  // at QoS 1
  for (size_t step = 1; step <= bytes.size(); ++step) {
    PacketReader reader;
    std::vector<PacketType> types;
    std::vector<std::string> payloads;
    for (size_t at = 0; at < bytes.size(); at += step) {
      REQUIRE(reader.Feed(bytes.substr(at, step), [&](const Packet& packet) {
        CHECK_FALSE(packet.refused);
        types.push_back(packet.type);
        if (packet.type == PacketType::kPublish) payloads.emplace_back(packet.payload);
      }));
    }
    CHECK(types == std::vector<PacketType>{PacketType::kConnAck, PacketType::kSubAck,
                                           PacketType::kPingResp, PacketType::kPublish,
                                           PacketType::kPublish});
    CHECK(payloads == std::vector<std::string>{std::string(200, 'x'), "pp"});
  }
}

TEST_CASE("what is no MQTT and what is a refusal are told") {
  const auto ignore = [](const Packet&) {};
  CHECK_FALSE(PacketReader().Feed("HTTP/1.1 400 " + std::string(100, 'x'), ignore));
  CHECK_FALSE(PacketReader().Feed("\x30\xFF\xFF\xFF\xFF\x01", ignore));
  CHECK_FALSE(PacketReader().Feed(std::string("\x30\x02\x00\x09", 4), ignore));
  bool refused = false;
  CHECK(PacketReader().Feed(std::string("\x20\x03\x00\x87\x00", 5),
                            [&](const Packet& packet) { refused = packet.refused; }));
  CHECK(refused);
}

TEST_CASE("an agent's birth and batches are what the codec reads") {
  Counters counters;
  SimulatedAgent agent = MakeAgent(counters);
  CHECK(*sparkplug::DecodeDeath(agent.NextWill(5)) == 0);
  const auto birth = sparkplug::DecodeBirth(agent.Birth(5));
  INFO((birth ? "" : birth.error().message));
  REQUIRE(birth);
  CHECK(birth->bd_seq == 0);
  CHECK(birth->series.size() == 60);
  BatchDecoder decoder;
  constexpr int64_t kNowMs = 1'767'573'000'000;
  int64_t booted_ms = 0;
  for (uint64_t number = 1; number <= 300; ++number) {
    const std::string payload = agent.NextBatch(kNowMs, 0);
    const auto message = decoder.Decode(payload);
    REQUIRE(message);
    CHECK(message->seq == number % 256);
    const auto& batch = message->batches[0];
    CHECK(batch.header.number == number);
    CHECK(batch.header.wall_ms == kNowMs - 1 + static_cast<int64_t>(number));
    if (number > 1) CHECK(batch.header.wall_ms - batch.header.since_boot_ms == booted_ms);
    booted_ms = batch.header.wall_ms - batch.header.since_boot_ms;
    REQUIRE(batch.samples.size() == 60);
    for (size_t i = 0; i < 60; ++i) {
      CHECK(batch.samples[i].alias == birth->series[i].alias);
      CHECK(ToValue(batch.samples[i].value, birth->series[i].datatype) != Value{Null{}});
    }
  }
  CHECK(counters.sent_values == 18'000);
}

TEST_CASE("what is acknowledged is settled once, and only what was sent can be") {
  Counters counters;
  SimulatedAgent agent = MakeAgent(counters);
  (void)agent.NextWill(1);
  const std::string birth = agent.Birth(1);
  CHECK(agent.WaitingSince(77) == 77);
  for (int i = 0; i < 10; ++i) (void)agent.NextBatch(1, i);
  CHECK(agent.WaitingSince(77) == 0);
  CHECK_FALSE(agent.Take(CommittedUpTo(3, birth, {{5, 6}})));
  CHECK(agent.WaitingSince(77) == 3);
  CHECK(agent.unsettled() == 5);
  CHECK_FALSE(agent.Take(CommittedUpTo(3, birth, {{5, 6}})));
  CHECK(counters.settled_batches == 5);
  CHECK_FALSE(agent.Take(CommittedUpTo(11, birth)));
  CHECK(counters.faults == 1);
  CHECK(agent.unsettled() == 5);
  CHECK_FALSE(agent.Take(CommittedUpTo(10, birth)));
  CHECK(agent.unsettled() == 0);
  CHECK(counters.settled_values == 600);
  CHECK_FALSE(agent.Take("\x12\x05"));
  CHECK(counters.faults == 2);
  CHECK(agent.Take(sparkplug::EncodeRebirth(1)));
}

TEST_CASE(
    "what is not acknowledged goes again: after a while, or after a reconnect once answered") {
  Counters counters;
  SimulatedAgent agent = MakeAgent(counters);
  (void)agent.NextWill(1);
  std::string birth = agent.Birth(1);
  const std::string first = agent.NextBatch(1, 0);
  (void)agent.NextBatch(1, 0);
  CHECK(agent.NextResend(100'000).empty());  // the birth is not answered yet
  (void)agent.Take(CommittedUpTo(0, birth));
  CHECK(agent.NextResend(29'000).empty());
  CHECK(NumberOf(agent.NextResend(31'000)) == 1);
  CHECK(NumberOf(agent.NextResend(31'000)) == 2);
  CHECK(agent.NextResend(31'000).empty());
  CHECK(agent.NextResend(80'000).empty());  // patience doubled

  agent.ConnectionLost();
  CHECK(*sparkplug::DecodeDeath(agent.NextWill(2)) == 1);
  birth = agent.Birth(2);
  CHECK(agent.NextResend(81'000).empty());
  (void)agent.Take(CommittedUpTo(1, birth));
  const std::string again = agent.NextResend(81'000);
  CHECK(NumberOf(again) == 2);
  CHECK(agent.NextResend(81'000).empty());
  CHECK(counters.resent_batches == 3);
  CHECK(counters.sent_batches == 2);
}
