#include "core/sparkplug/batch.h"

#include <zlib.h>

#include <catch2/catch.hpp>

#include "tests/core/raw_payload.h"

using namespace haidang;
using namespace haidang::sparkplug;
namespace raw = haidang::sparkplug::testing;
using raw::RawPayload;

namespace {

Batch SmallBatch() {
  Batch batch;
  batch.header.spool_id = 0x1122334455667788;
  batch.header.number = 42;
  batch.header.boot_id = 7;
  batch.header.since_boot_ms = 90'000;
  batch.header.wall_ms = 1'760'000'000'000;
  batch.header.groups = 5;
  batch.header.full = true;
  batch.samples = {{32, 0.25}, {33, uint64_t{1000}}, {34, Null{}}, {35, std::string("máy")}};
  return batch;
}

std::string Compress(const std::string& inner) {
  std::string out(compressBound(inner.size()), '\0');
  uLongf size = out.size();
  REQUIRE(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                   reinterpret_cast<const Bytef*>(inner.data()), inner.size()) == Z_OK);
  out.resize(size);
  return out;
}

std::string Envelope(const std::string& body) {
  return RawPayload()
      .Number(raw::kPayloadTimestamp, 1)
      .Number(raw::kPayloadSeq, 1)
      .Text(raw::kPayloadUuid, "SPBV1.0_COMPRESSED")
      .Text(raw::kPayloadBody, body)
      .bytes();
}

// A stamp metric as docs/wire-format.md has it, with a CRC that fits nothing.
RawPayload Stamp(const std::string& stamp = std::string("\x01", 1) + std::string(8, 'c') +
                                            std::string(8, 's') + std::string(8, 'b') +
                                            std::string("\x01\x02\x03")) {
  return RawPayload().Number(raw::kAlias, kAliasSpoolStamp).Text(raw::kBytes, stamp);
}

RawPayload Number(uint64_t number) {
  return RawPayload().Number(raw::kAlias, 1).Number(raw::kTimestamp, 5).Number(raw::kLong, number);
}

std::string FaultOf(const std::string& payload) {
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  return message ? "" : message.error().message;
}

}  // namespace

TEST_CASE("a batch survives the wire") {
  Batch batch = SmallBatch();
  batch.header.state = AgentState::kSuspending;
  batch.events = {{5, "probe_failed", "mot-cua/tra-cuu", "hết giờ"}, {3, "agent_started", "", ""}};
  const std::string payload = SealBatch(EncodeBatch(batch), 7, false);
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  CHECK(message->seq == 7);
  CHECK(message->has_seq);
  CHECK(message->timestamp_ms == batch.header.wall_ms);
  REQUIRE(message->batches.size() == 1);
  const BatchView& view = message->batches[0];
  CHECK(view.crc_matches);
  CHECK(view.header.crc == batch.header.crc);
  CHECK(view.header.spool_id == batch.header.spool_id);
  CHECK(view.header.number == 42);
  CHECK(view.header.boot_id == 7);
  CHECK(view.header.since_boot_ms == 90'000);
  CHECK(view.header.wall_ms == batch.header.wall_ms);
  CHECK(view.header.groups == 5);
  CHECK(view.header.full);
  CHECK(view.header.state == AgentState::kSuspending);
  CHECK_FALSE(view.historical);
  REQUIRE(view.samples.size() == 4);
  CHECK(ToValue(view.samples[0].value, DataType::kDouble) == Value{0.25});
  CHECK(ToValue(view.samples[1].value, DataType::kUInt64) == Value{uint64_t{1000}});
  CHECK(ToValue(view.samples[2].value, DataType::kDouble) == Value{Null{}});
  CHECK(ToValue(view.samples[3].value, DataType::kString) == Value{std::string("máy")});
  const auto events = DecodeEvents(view.events);
  REQUIRE(events);
  CHECK(*events == batch.events);
}

TEST_CASE(
    "NDATA is what the standard asks [payloads-timestamp-in-UTC, payloads-ndata-timestamp, "
    "payloads-ndata-seq, payloads-alias-data-cmd-requirement, "
    "payloads-metric-timestamp-in-UTC, payloads-name-requirement]") {
  Batch batch = SmallBatch();
  const std::string payload = SealBatch(EncodeBatch(batch), 255, false);
  CHECK(raw::Varint(payload, raw::kPayloadTimestamp) == 1'760'000'000'000);
  CHECK(raw::Varint(payload, raw::kPayloadSeq) == 255);
  const auto metrics = raw::Messages(payload, raw::kPayloadMetrics);
  REQUIRE(metrics.size() == 6);
  for (const std::string& metric : metrics) {
    CHECK(raw::Has(metric, raw::kAlias));
    CHECK(raw::Varint(metric, raw::kTimestamp) == 1'760'000'000'000);
    CHECK_FALSE(raw::Has(metric, raw::kName));
    CHECK_FALSE(raw::Has(metric, raw::kDatatype));
    CHECK_FALSE(raw::Has(metric, raw::kIsHistorical));
  }
  CHECK(raw::Varint(metrics[0], raw::kAlias) == kAliasSpoolStamp);
  CHECK(raw::Varint(metrics[1], raw::kAlias) == kAliasSpoolBatch);
  CHECK(raw::Varint(metrics[4], raw::kIsNull) == 1);
}

TEST_CASE(
    "a batch that is sent again says so in each metric, last, and keeps its CRC "
    "[case-is-historical]") {
  Batch batch = SmallBatch();
  const std::string encoded = EncodeBatch(batch);
  const std::string payload = SealBatch(encoded, 1, true);
  for (const std::string& metric : raw::Messages(payload, raw::kPayloadMetrics)) {
    CHECK(raw::Fields(metric).back() == std::pair<uint32_t, std::string>(5, "\x28\x01"));
  }
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  CHECK(message->batches[0].historical);
  CHECK(message->batches[0].crc_matches);
  CHECK(message->timestamp_ms == batch.header.wall_ms);
  CHECK(SealBatch(encoded.substr(0, encoded.size() - 1), 1, true).empty());
}

TEST_CASE("an envelope holds several batches and no metric of its own") {
  Batch first = SmallBatch();
  Batch second = SmallBatch();
  second.header.number = 43;
  second.header.full = false;
  second.samples = {{33, uint64_t{1001}}};
  const std::vector<std::string> stored = {EncodeBatch(second), "\x12\x7F damaged",
                                           EncodeBatch(first)};
  const std::string payload = SealEnvelope(stored, 9, 1'760'000'099'000);
  CHECK(raw::Text(payload, raw::kPayloadUuid) == "SPBV1.0_COMPRESSED");
  CHECK_FALSE(raw::Has(payload, raw::kPayloadMetrics));
  BatchDecoder decoder;
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  CHECK(message->seq == 9);
  CHECK(message->timestamp_ms == 1'760'000'099'000);
  REQUIRE(message->batches.size() == 2);
  CHECK(message->batches[0].header.number == 43);
  CHECK(message->batches[0].samples.size() == 1);
  CHECK(message->batches[1].header.number == 42);
  CHECK(message->batches[1].samples.size() == 4);
  for (const BatchView& batch : message->batches) {
    CHECK(batch.historical);
    CHECK(batch.crc_matches);
  }
}

TEST_CASE("a body that is kept gives back the batches it was made of, byte by byte") {
  std::vector<std::string> stored;
  for (uint64_t number = 1; number <= 50; ++number) {
    Batch batch = SmallBatch();
    batch.header.number = number;
    batch.header.full = number == 1;
    batch.header.wall_ms = number == 7 ? -5 : batch.header.wall_ms + 15000;
    if (number == 9) batch.header.state = AgentState::kStopping;
    if (number % 5 == 0) batch.events.push_back({batch.header.wall_ms, "kind", "key", "text"});
    batch.samples.emplace_back(uint64_t{40}, Null{});
    stored.push_back(EncodeBatch(batch));
  }
  const std::string body = MakeEnvelopeBody(stored);
  CHECK(body.size() * 3 < stored.size() * stored[0].size());
  const auto opened = OpenEnvelopeBody(body);
  REQUIRE(opened);
  CHECK(*opened == stored);
  CHECK(SealEnvelopeBody(body, 9, 17) == SealEnvelope(stored, 9, 17));
  for (size_t size = 0; size < body.size(); size += 7) {
    CHECK_FALSE(OpenEnvelopeBody(std::string_view(body).substr(0, size)));
  }
  CHECK_THAT(OpenEnvelopeBody(Compress(RawPayload().Metric(Number(1)).bytes())).error().message,
             Catch::Contains("before the first"));
  CHECK_THAT(OpenEnvelopeBody(Compress(RawPayload().Metric(Stamp()).Metric(Number(1)).bytes()))
                 .error()
                 .message,
             Catch::Contains("not one of ours"));
  CHECK_FALSE(OpenEnvelopeBody(Compress("\x12\x7F damaged")));
}

TEST_CASE("uniform batches never shrink beyond what the decoder trusts") {
  std::vector<std::string> stored;
  for (uint64_t number = 1; number <= 200; ++number) {
    Batch batch = SmallBatch();
    batch.header.number = number;
    batch.samples.assign(100, {40, std::string(400, 'x')});
    stored.push_back(EncodeBatch(batch));
  }
  BatchDecoder decoder;
  const auto message = decoder.Decode(SealEnvelope(stored, 0, 1));
  REQUIRE(message);
  CHECK(message->batches.size() == 200);
}

TEST_CASE("bombs and nests are refused") {
  const std::string bomb(BatchDecoder::kMaxInflated + 1, '\0');
  CHECK_THAT(FaultOf(Envelope(Compress(bomb))), Catch::Contains("inflates beyond"));
  CHECK_THAT(FaultOf(Envelope(Compress(std::string(100'000, '\0')))),
             Catch::Contains("inflates beyond"));
  CHECK_THAT(FaultOf(Envelope(Compress(Envelope(Compress("nested"))))),
             Catch::Contains("another envelope"));
  CHECK_THAT(FaultOf(Envelope("")), Catch::Contains("DEFLATE"));
  CHECK_THAT(FaultOf(Envelope("no zlib")), Catch::Contains("DEFLATE"));
  const std::string good = Compress(RawPayload().Metric(Stamp()).Metric(Number(1)).bytes());
  CHECK(FaultOf(Envelope(good)).empty());
  CHECK_THAT(FaultOf(Envelope(good.substr(0, good.size() - 1))), Catch::Contains("DEFLATE"));
  CHECK_THAT(FaultOf(Envelope(good + "x")), Catch::Contains("DEFLATE"));
  CHECK_THAT(FaultOf(std::string(kMaxPayload + 1, 'x')), Catch::Contains("larger than"));
}

TEST_CASE("a foreign node's data has no batches and is no error") {
  const auto foreign = RawPayload()
                           .Number(raw::kPayloadTimestamp, 1)
                           .Metric(RawPayload().Text(raw::kName, "Temp").Float(raw::kFloat, 1.5F))
                           .Metric(RawPayload().Number(raw::kAlias, 2).Double(raw::kDouble, 2))
                           .Number(raw::kPayloadSeq, 3);
  BatchDecoder decoder;
  const auto message = decoder.Decode(foreign.bytes());
  REQUIRE(message);
  CHECK(message->batches.empty());
  CHECK(message->seq == 3);
  const std::string gzip = RawPayload()
                               .Text(raw::kPayloadUuid, "SPBV1.0_COMPRESSED")
                               .Text(raw::kPayloadBody, "\x1F\x8B")
                               .Metric(RawPayload().Text(raw::kName, "algorithm"))
                               .bytes();
  const auto envelope = decoder.Decode(gzip);
  REQUIRE(envelope);
  CHECK(envelope->batches.empty());
  REQUIRE(decoder.Decode(""));
}

TEST_CASE("damaged batches are told apart") {
  const auto payload = [](const RawPayload& metric) {
    return RawPayload().Metric(Stamp()).Metric(Number(1)).Metric(metric).bytes();
  };
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp()).bytes()), Catch::Contains("no Spool/Batch"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp()).Metric(Stamp()).bytes()),
             Catch::Contains("no Spool/Batch"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Number(1)).Metric(Stamp()).Metric(Number(1)).bytes()),
             Catch::Contains("before the first"));
  CHECK_THAT(FaultOf(payload(Number(2))), Catch::Contains("two numbers"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp()).Metric(Number(0)).bytes()),
             Catch::Contains("is 0"));
  const auto timeless = RawPayload().Number(raw::kAlias, 1).Number(raw::kLong, 1);
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp()).Metric(timeless).bytes()),
             Catch::Contains("timestamp"));
  const auto far = RawPayload().Number(raw::kAlias, 1).Number(raw::kTimestamp, ~0ULL).Number(11, 1);
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp()).Metric(far).bytes()),
             Catch::Contains("timestamp"));
  CHECK_THAT(FaultOf(payload(RawPayload().Double(raw::kDouble, 1))), Catch::Contains("no alias"));
  CHECK_THAT(FaultOf(payload(RawPayload().Number(raw::kAlias, 40))), Catch::Contains("no value"));
  CHECK_THAT(FaultOf(payload(RawPayload().Number(raw::kAlias, 3).Number(raw::kLong, 1))),
             Catch::Contains("Agent/State"));
  CHECK_THAT(FaultOf(payload(RawPayload().Number(raw::kAlias, 4).Number(raw::kLong, 1))),
             Catch::Contains("Agent/Events"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp("")).bytes()), Catch::Contains("version"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp("\x01")).bytes()), Catch::Contains("short"));
  CHECK_THAT(FaultOf(RawPayload().Metric(Stamp("\x02" + std::string(30, 'x'))).bytes()),
             Catch::Contains("version"));
  CHECK_THAT(FaultOf(RawPayload().Number(raw::kPayloadSeq, 256).bytes()), Catch::Contains("seq"));
  CHECK_THAT(FaultOf(RawPayload().Number(raw::kPayloadTimestamp, ~0ULL).bytes()),
             Catch::Contains("timestamp"));
  BatchDecoder decoder;
  const auto unknown = decoder.Decode(payload(RawPayload().Number(raw::kAlias, 31).Number(11, 1)));
  REQUIRE(unknown);
  CHECK(unknown->batches[0].samples.empty());
  CHECK_FALSE(unknown->batches[0].crc_matches);
}

TEST_CASE("integers are read from either field, in either sign extension") {
  const auto read = [](const RawPayload& metric, DataType type) {
    RawPayload with_alias = RawPayload().Number(raw::kAlias, 40);
    const std::string payload = RawPayload()
                                    .Metric(Stamp())
                                    .Metric(Number(1))
                                    .Text(raw::kPayloadMetrics, with_alias.bytes() + metric.bytes())
                                    .bytes();
    BatchDecoder decoder;
    const auto message = decoder.Decode(payload);
    REQUIRE(message);
    return ToValue(message->batches[0].samples[0].value, type);
  };
  const uint64_t minus_one = ~0ULL;
  CHECK(read(RawPayload().Number(raw::kInt, 0xFFFFFFFF), DataType::kInt64) == Value{int64_t{-1}});
  CHECK(read(RawPayload().Number(raw::kInt, minus_one), DataType::kInt64) == Value{int64_t{-1}});
  CHECK(read(RawPayload().Number(raw::kLong, minus_one), DataType::kInt64) == Value{int64_t{-1}});
  CHECK(read(RawPayload().Number(raw::kInt, 0xFFFFFFFF), DataType::kUInt64) ==
        Value{uint64_t{0xFFFFFFFF}});
  CHECK(read(RawPayload().Number(raw::kLong, 0xFFFFFFFF), DataType::kInt64) ==
        Value{int64_t{0xFFFFFFFF}});
  CHECK(read(RawPayload().Float(raw::kFloat, 0.5F), DataType::kDouble) == Value{0.5});
  CHECK(read(RawPayload().Number(raw::kBoolean, 1), DataType::kBoolean) == Value{true});
  CHECK(read(RawPayload().Number(raw::kBoolean, 1), DataType::kInt64) == Value{Null{}});
  CHECK(read(RawPayload().Number(raw::kLong, 1), DataType::kDouble) == Value{Null{}});
  CHECK(read(RawPayload().Text(raw::kString, "\xFF"), DataType::kString) == Value{Null{}});
  CHECK(read(RawPayload().Text(raw::kBytes, "\xFF"), DataType::kBytes) == Value{Bytes{"\xFF"}});
  CHECK(read(RawPayload().Number(raw::kLong, 1).Number(raw::kIsNull, 1), DataType::kInt64) ==
        Value{Null{}});
}

TEST_CASE("what an agent cannot say is mended before it travels") {
  Batch batch = SmallBatch();
  batch.header.wall_ms = -5;
  batch.header.since_boot_ms = -5;
  batch.samples = {{32, std::string("a\xFF")}};
  batch.events.assign(kMaxEvents + 5, Event{-7, "k", "key", std::string(2000, 'x')});
  BatchDecoder decoder;
  const std::string payload = EncodeBatch(batch);
  const auto message = decoder.Decode(payload);
  REQUIRE(message);
  CHECK_FALSE(message->has_seq);
  const BatchView& view = message->batches[0];
  CHECK(view.header.wall_ms == 0);
  CHECK(view.header.since_boot_ms == 0);
  CHECK(ToValue(view.samples[0].value, DataType::kString) == Value{std::string("a\xEF\xBF\xBD")});
  const auto events = DecodeEvents(view.events);
  REQUIRE(events);
  CHECK(events->size() == kMaxEvents);
  CHECK(events->front().time_ms == 0);
  CHECK(events->front().text.size() == kMaxEventText);
}

TEST_CASE("bad events are refused") {
  const std::string one = EncodeEvents(std::vector<Event>{{5, "k", "key", "text"}});
  for (size_t cut = 2; cut < one.size(); ++cut) {
    CHECK_FALSE(DecodeEvents(std::string_view(one).substr(0, cut)));
  }
  CHECK(DecodeEvents("")->empty());
  CHECK(DecodeEvents("\x01")->empty());
  CHECK_FALSE(DecodeEvents("\x02"));
  CHECK_FALSE(DecodeEvents(std::string("\x01\x01\x00\x00\x00", 5)));  // time -1
  std::string many = "\x01";
  for (size_t i = 0; i <= kMaxEvents; ++i) many += std::string(4, '\0');
  CHECK_FALSE(DecodeEvents(many));
}
