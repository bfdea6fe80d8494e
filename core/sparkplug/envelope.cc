#include <zlib.h>

#include <stdexcept>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/inflate.h"
#include "core/sparkplug/wire.h"

// Stored batches as messages: alone, or many in a DEFLATE envelope.
namespace haidang::sparkplug {
namespace {

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

std::string MakeEnvelopeBody(std::span<const std::string> encoded) {
  std::string inner;
  wire::PayloadBuilder inner_payload{inner};
  for (const std::string& batch : encoded) {
    const size_t before = inner.size();
    if (!AddHistorical(batch, inner_payload)) inner.resize(before);
  }
  std::string body = Deflate(inner, Z_DEFAULT_STRATEGY);
  // Uniform batches can shrink beyond what a receiver may trust; Huffman codes alone never do.
  if (inner.size() / kMaxInflateRatio >= body.size()) body = Deflate(inner, Z_HUFFMAN_ONLY);
  return body;
}

std::string SealEnvelopeBody(std::string_view body, uint8_t seq, int64_t sent_ms) {
  std::string out;
  out.reserve(body.size() + 48);
  wire::PayloadBuilder payload{out};
  payload.add_uint64(wire::Payload::kTimestamp, wire::WireTime(sent_ms));
  payload.add_uint64(wire::Payload::kSeq, seq);
  payload.add_string(wire::Payload::kUuid, wire::kCompressed.data(), wire::kCompressed.size());
  payload.add_bytes(wire::Payload::kBody, body.data(), body.size());
  return out;
}

std::string SealEnvelope(std::span<const std::string> encoded, uint8_t seq, int64_t sent_ms) {
  return SealEnvelopeBody(MakeEnvelopeBody(encoded), seq, sent_ms);
}

Result<std::vector<std::string>> OpenEnvelopeBody(std::string_view body) try {
  using protozero::pbf_wire_type;
  std::string buffer;
  std::string_view inner;
  if (Status inflated = InflateBody(body, buffer, inner); !inflated) return inflated.error();
  std::vector<std::string> batches;
  wire::PayloadMessage message{inner.data(), inner.size()};
  while (message.next(wire::Payload::kMetrics, pbf_wire_type::length_delimited)) {
    const wire::MetricView metric = wire::ReadMetric(wire::View(message.get_view()));
    if (metric.alias == kAliasSpoolStamp) {
      wire::PayloadBuilder{batches.emplace_back()}.add_uint64(wire::Payload::kTimestamp,
                                                              metric.timestamp);
    }
    if (batches.empty()) return Error{"envelope: metrics stand before the first Spool/Stamp"};
    // We write is_historical last: without it, these are the bytes that EncodeBatch made.
    const size_t size = metric.bytes.size() - metric.historical_at.size();
    if (metric.historical_at.data() + metric.historical_at.size() !=
        metric.bytes.data() + metric.bytes.size()) {
      return Error{"envelope: not one of ours"};
    }
    wire::PayloadBuilder{batches.back()}.add_message(wire::Payload::kMetrics, metric.bytes.data(),
                                                     size);
  }
  return batches;
} catch (const protozero::exception& fault) {
  return Error{std::string("envelope: ") + fault.what()};
}

}  // namespace haidang::sparkplug
