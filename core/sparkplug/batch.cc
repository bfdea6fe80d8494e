#include "core/sparkplug/batch.h"

#include <zlib.h>

#include <bit>
#include <stdexcept>

#include "core/crc64.h"
#include "core/sparkplug/stamp.h"
#include "core/sparkplug/wire.h"

namespace haidang::sparkplug {
namespace {

std::string_view ToString(AgentState state) {
  switch (state) {
    case AgentState::kRunning:
      return "running";
    case AgentState::kStopping:
      return "stopping";
    case AgentState::kSuspending:
      return "suspending";
  }
  return "running";
}

// Adds the metrics of one batch to a payload, taking the CRC on the way.
class BatchWriter {
 public:
  BatchWriter(wire::PayloadBuilder& payload, int64_t wall_ms)
      : payload_(payload), wall_ms_(wire::WireTime(wall_ms)) {}

  template <typename Write>
  void Add(uint64_t alias, Write&& write_value) {
    metric_.clear();
    wire::MetricBuilder metric{metric_};
    metric.add_uint64(wire::Metric::kAlias, alias);
    metric.add_uint64(wire::Metric::kTimestamp, wall_ms_);
    write_value(metric);
    payload_.add_message(wire::Payload::kMetrics, metric_);
  }

  template <typename Write>
  void AddCovered(uint64_t alias, Write&& write_value) {
    Add(alias, write_value);
    crc_.Update(metric_);
  }

  Crc64& crc() { return crc_; }

 private:
  wire::PayloadBuilder& payload_;
  uint64_t wall_ms_;
  std::string metric_;
  Crc64 crc_;
};

// Adds the metrics of `encoded`, each with is_historical; false where it is damaged.
bool AddHistorical(std::string_view encoded, wire::PayloadBuilder& payload) try {
  using protozero::pbf_wire_type;
  std::string metric;
  wire::PayloadMessage message{encoded.data(), encoded.size()};
  while (message.next(wire::Payload::kMetrics, pbf_wire_type::length_delimited)) {
    const std::string_view bytes = wire::View(message.get_view());
    metric.assign(bytes);
    wire::MetricBuilder{metric}.add_bool(wire::Metric::kIsHistorical, true);
    payload.add_message(wire::Payload::kMetrics, metric);
  }
  return true;
} catch (const protozero::exception&) {
  return false;
}

int64_t PayloadTime(std::string_view encoded) try {
  wire::PayloadMessage message{encoded.data(), encoded.size()};
  if (!message.next(wire::Payload::kTimestamp, protozero::pbf_wire_type::varint)) return 0;
  return static_cast<int64_t>(message.get_uint64());
} catch (const protozero::exception&) {
  return 0;
}

// zlib's format. Fails only where memory does, which ends the process like any other allocation.
std::string Deflate(std::string_view bytes, int strategy) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL - 1,
                   strategy) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (end != Z_STREAM_END) throw std::logic_error("deflate did not end within its own bound");
  return out;
}

}  // namespace

std::string EncodeBatch(Batch& batch) {
  BatchHeader& header = batch.header;
  std::string out;
  out.reserve(160 + batch.samples.size() * 24);
  wire::PayloadBuilder payload{out};
  payload.add_uint64(wire::Payload::kTimestamp, wire::WireTime(header.wall_ms));
  BatchWriter writer{payload, header.wall_ms};

  const std::string stamp = EncodeStamp(header);
  writer.crc().Update(std::string_view(stamp).substr(kStampCrcEnd));
  writer.Add(kAliasSpoolStamp,
             [&](wire::MetricBuilder& m) { m.add_bytes(wire::Metric::kBytes, stamp); });
  const size_t stamp_at = out.size() - stamp.size();

  writer.AddCovered(kAliasSpoolBatch, [&](wire::MetricBuilder& m) {
    m.add_uint64(wire::Metric::kLong, header.number);
  });
  if (header.state != AgentState::kRunning) {
    const std::string_view state = ToString(header.state);
    writer.AddCovered(kAliasAgentState, [&](wire::MetricBuilder& m) {
      m.add_string(wire::Metric::kString, state.data(), state.size());
    });
  }
  if (!batch.events.empty()) {
    const std::string events = EncodeEvents(batch.events);
    writer.AddCovered(kAliasEvents,
                      [&](wire::MetricBuilder& m) { m.add_bytes(wire::Metric::kBytes, events); });
  }
  for (const auto& [alias, value] : batch.samples) {
    writer.AddCovered(alias, [&v = value](wire::MetricBuilder& m) { wire::WriteValue(m, v); });
  }

  header.crc = writer.crc().value();
  PutStampCrc(header.crc, out, stamp_at);
  return out;
}

std::string SealBatch(std::string_view encoded, uint8_t seq, bool historical) {
  std::string out;
  out.reserve(encoded.size() + (historical ? encoded.size() / 6 : 0) + 4);
  wire::PayloadBuilder payload{out};
  if (historical) {
    payload.add_uint64(wire::Payload::kTimestamp, wire::WireTime(PayloadTime(encoded)));
    if (!AddHistorical(encoded, payload)) return {};
  } else {
    out = encoded;
  }
  payload.add_uint64(wire::Payload::kSeq, seq);
  return out;
}

std::string SealEnvelope(std::span<const std::string> encoded, uint8_t seq, int64_t sent_ms) {
  std::string inner;
  wire::PayloadBuilder inner_payload{inner};
  for (const std::string& batch : encoded) {
    const size_t before = inner.size();
    if (!AddHistorical(batch, inner_payload)) inner.resize(before);
  }
  std::string body = Deflate(inner, Z_DEFAULT_STRATEGY);
  // Uniform batches can shrink beyond what a receiver may trust; Huffman codes alone never do.
  if (inner.size() / kMaxInflateRatio >= body.size()) body = Deflate(inner, Z_HUFFMAN_ONLY);
  std::string out;
  out.reserve(body.size() + 48);
  wire::PayloadBuilder payload{out};
  payload.add_uint64(wire::Payload::kTimestamp, wire::WireTime(sent_ms));
  payload.add_uint64(wire::Payload::kSeq, seq);
  payload.add_string(wire::Payload::kUuid, wire::kCompressed.data(), wire::kCompressed.size());
  payload.add_bytes(wire::Payload::kBody, body);
  return out;
}

}  // namespace haidang::sparkplug
