// Random messages of ours through the codec: what goes in comes out, in any order of fields, and
// damage is never mistaken for data.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"
#include "tests/core/generators.h"
#include "tests/core/raw_payload.h"

using namespace haidang;
using namespace haidang::sparkplug;
using haidang::sparkplug::testing::Generator;
namespace raw = haidang::sparkplug::testing;

namespace {

void CheckSame(const BatchView& view, const Batch& batch, const std::vector<DataType>& types) {
  REQUIRE(view.crc_matches);
  CHECK(view.header.spool_id == batch.header.spool_id);
  CHECK(view.header.number == batch.header.number);
  CHECK(view.header.crc == batch.header.crc);
  CHECK(view.header.boot_id == batch.header.boot_id);
  CHECK(view.header.since_boot_ms == batch.header.since_boot_ms);
  CHECK(view.header.wall_ms == batch.header.wall_ms);
  CHECK(view.header.groups == batch.header.groups);
  CHECK(view.header.full == batch.header.full);
  CHECK(view.header.state == batch.header.state);
  REQUIRE(view.samples.size() == batch.samples.size());
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    CHECK(view.samples[i].alias == batch.samples[i].first);
    CHECK(ToValue(view.samples[i].value, types[i]) == batch.samples[i].second);
  }
  const auto events = DecodeEvents(view.events);
  REQUIRE(events);
  CHECK(*events == batch.events);
}

// The message with its fields in random order; where `inside` says so, those of its metrics too.
std::string Shuffled(const std::string& message, std::mt19937_64& random, bool inside) {
  auto fields = raw::Fields(message);
  std::string metrics;
  std::vector<std::string> others;
  for (auto& [field, bytes] : fields) {
    if (field != raw::kPayloadMetrics) {
      others.push_back(std::move(bytes));
      continue;
    }
    protozero::pbf_reader reader{bytes};
    reader.next();
    auto parts = raw::Fields(reader.get_string());
    if (inside) std::shuffle(parts.begin(), parts.end(), random);
    std::string metric;
    for (const auto& part : parts) metric += part.second;
    protozero::pbf_writer{metrics}.add_message(raw::kPayloadMetrics, metric);
  }
  others.push_back(metrics);  // metrics among themselves keep their order
  std::shuffle(others.begin(), others.end(), random);
  std::string out;
  for (const std::string& part : others) out += part;
  return out;
}

}  // namespace

TEST_CASE("random batches survive the wire, live, again and in envelopes") {
  BatchDecoder decoder;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    std::vector<DataType> types;
    std::vector<Batch> batches(1 + generator.Below(5));
    std::vector<std::vector<DataType>> all_types(batches.size());
    std::vector<std::string> stored;
    for (size_t i = 0; i < batches.size(); ++i) {
      batches[i] = generator.MakeBatch(60, &all_types[i]);
      stored.push_back(EncodeBatch(batches[i]));
      const bool historical = generator.OneIn(2);
      const auto seq = static_cast<uint8_t>(generator.Below(256));
      const std::string payload = SealBatch(stored[i], seq, historical);
      const auto message = decoder.Decode(payload);
      REQUIRE(message);
      CHECK(message->seq == seq);
      REQUIRE(message->batches.size() == 1);
      CHECK(message->batches[0].historical == historical);
      CheckSame(message->batches[0], batches[i], all_types[i]);
    }
    const std::string envelope = SealEnvelope(stored, 1, 2);
    const auto message = decoder.Decode(envelope);
    REQUIRE(message);
    REQUIRE(message->batches.size() == batches.size());
    for (size_t i = 0; i < batches.size(); ++i) {
      CheckSame(message->batches[i], batches[i], all_types[i]);
    }
  }
}

TEST_CASE("random births and commands survive the wire") {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    const Birth birth = generator.MakeBirth(40);
    const auto decoded = DecodeBirth(EncodeBirth(birth));
    INFO((decoded ? "" : decoded.error().message));
    REQUIRE(decoded);
    CHECK(EncodeBirth(*decoded) == EncodeBirth(birth));
    REQUIRE(decoded->series.size() == birth.series.size());
    for (size_t i = 0; i < birth.series.size(); ++i) {
      CHECK(decoded->series[i].series == birth.series[i].series);
      CHECK(decoded->series[i].value == birth.series[i].value);
      CHECK(decoded->series[i].type == birth.series[i].type);
      CHECK(decoded->series[i].group == birth.series[i].group);
    }
    const Committed committed = generator.MakeCommitted();
    const auto command = DecodeCommand(EncodeCommitted(committed));
    REQUIRE(command);
    REQUIRE(command->committed);
    CHECK(EncodeCommitted(*command->committed) == EncodeCommitted(committed));
    CHECK(command->committed->ranges == committed.ranges);
  }
}

TEST_CASE("fields may stand in any order; only metrics of another order of bytes lose their CRC") {
  BatchDecoder decoder;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    std::mt19937_64 random(seed);
    std::vector<DataType> types;
    Batch batch = generator.MakeBatch(30, &types);
    const std::string payload = SealBatch(EncodeBatch(batch), 3, generator.OneIn(2));
    const std::string outside = Shuffled(payload, random, false);
    const auto message = decoder.Decode(outside);
    REQUIRE(message);
    CheckSame(message->batches.front(), batch, types);
    const std::string everywhere = Shuffled(payload, random, true);
    const auto inside = decoder.Decode(everywhere);
    REQUIRE(inside);
    CHECK(inside->seq == 3);
    REQUIRE(inside->batches.front().samples.size() == batch.samples.size());
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      CHECK(ToValue(inside->batches[0].samples[i].value, types[i]) == batch.samples[i].second);
    }
    const Birth birth = generator.MakeBirth(20);
    const auto decoded = DecodeBirth(Shuffled(EncodeBirth(birth), random, true));
    INFO((decoded ? "" : decoded.error().message));
    REQUIRE(decoded);
    CHECK(EncodeBirth(*decoded) == EncodeBirth(birth));
  }
}

TEST_CASE("unknown fields are skipped, and covered by the CRC where they stand in a metric") {
  Generator generator(11);
  std::vector<DataType> types;
  Batch batch = generator.MakeBatch(10, &types);
  std::string payload = EncodeBatch(batch);
  protozero::pbf_writer writer{payload};
  writer.add_string(300, "a later version's");
  writer.add_fixed32(301, 1);
  writer.add_double(1, 1);  // a known number with another wire type
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  CheckSame(message->batches.front(), batch, types);
}

TEST_CASE("a message cut at any byte never passes for the whole") {
  Generator generator(21);
  Batch batch = generator.MakeBatch(12);
  batch.header.state = AgentState::kStopping;
  const std::string encoded = EncodeBatch(batch);
  const size_t metrics = raw::Messages(encoded, raw::kPayloadMetrics).size();
  BatchDecoder decoder;
  for (size_t cut = 0; cut < encoded.size(); ++cut) {
    const std::string part = encoded.substr(0, cut);
    const auto message = decoder.Decode(part);
    if (!message || message->batches.empty()) continue;
    // Protobuf cannot tell a cut between two metrics: the CRC must.
    REQUIRE(raw::Messages(part, raw::kPayloadMetrics).size() < metrics);
    REQUIRE_FALSE(message->batches.front().crc_matches);
  }
  const std::string birth = EncodeBirth(generator.MakeBirth(5));
  for (size_t cut = 0; cut < birth.size(); ++cut) {
    REQUIRE_FALSE(DecodeBirth(std::string_view(birth).substr(0, cut)));
  }
  const std::string envelope = SealEnvelope(std::vector<std::string>{encoded}, 1, 1);
  for (size_t cut = 0; cut < envelope.size(); ++cut) {
    const auto message = decoder.Decode(std::string_view(envelope).substr(0, cut));
    REQUIRE((!message || message->batches.empty()));
  }
}

TEST_CASE("a changed batch never passes its CRC") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    Generator generator(seed);
    std::vector<DataType> types;
    Batch batch = generator.MakeBatch(8, &types);
    const std::string payload = SealBatch(EncodeBatch(batch), 3, false);
    BatchDecoder decoder;
    for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
      std::string flipped = payload;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      const auto message = decoder.Decode(flipped);
      if (!message || message->batches.empty() || !message->batches[0].crc_matches) continue;
      // The flip fell outside what the CRC covers (seq, timestamps of payload and stamp, a sign of
      // history): the batch's own content is as it was.
      REQUIRE(message->batches.size() == 1);
      CheckSame(message->batches[0], batch, types);
    }
  }
}

TEST_CASE("flipped bits crash nothing") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Generator generator(seed);
    std::vector<std::string> stored;
    for (int i = 0; i < 3; ++i) {
      Batch batch = generator.MakeBatch(20);
      stored.push_back(EncodeBatch(batch));
    }
    std::string messages[] = {SealBatch(stored[0], 1, true), SealEnvelope(stored, 1, 1),
                              EncodeBirth(generator.MakeBirth(10)),
                              EncodeCommitted(generator.MakeCommitted())};
    BatchDecoder decoder;
    for (std::string& message : messages) {
      for (int flips = 0; flips < 20; ++flips) {
        const uint64_t bit = generator.Below(message.size() * 8);
        message[bit / 8] = static_cast<char>(message[bit / 8] ^ (1 << (bit % 8)));
        const auto data = decoder.Decode(message);
        const auto birth = DecodeBirth(message);
        const auto command = DecodeCommand(message);
        const auto death = DecodeDeath(message);
        if (!data) REQUIRE_FALSE(data.error().message.empty());
        if (!birth) REQUIRE_FALSE(birth.error().message.empty());
        if (!command) REQUIRE_FALSE(command.error().message.empty());
        if (!death) REQUIRE_FALSE(death.error().message.empty());
      }
    }
  }
}
