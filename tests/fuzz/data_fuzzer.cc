// NDATA of any origin: plain, as an envelope as it comes, and deflated into an envelope, so that
// what lies behind zlib is reached too.

#include <zlib.h>

#include <string>
#include <string_view>

#include "core/sparkplug/batch.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::sparkplug;

namespace {

void Look(const BatchView& batch) {
  FUZZ_REQUIRE(batch.header.spool_id != 0);
  FUZZ_REQUIRE(batch.header.number != 0);
  FUZZ_REQUIRE(batch.header.wall_ms >= 0);
  FUZZ_REQUIRE(batch.header.since_boot_ms >= 0);
  size_t bytes = 0;
  for (const SampleView& sample : batch.samples) {
    FUZZ_REQUIRE(sample.alias >= kFirstSeriesAlias);
    for (const DataType type : {DataType::kInt64, DataType::kUInt64, DataType::kDouble,
                                DataType::kBoolean, DataType::kString, DataType::kBytes}) {
      const Value value = ToValue(sample.value, type);
      if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
      if (const auto* blob = std::get_if<Bytes>(&value)) bytes += blob->data.size();
    }
  }
  FUZZ_REQUIRE(bytes <= 2 * BatchDecoder::kMaxInflated);
  if (const auto events = DecodeEvents(batch.events)) FUZZ_REQUIRE(events->size() <= kMaxEvents);
}

void Decode(BatchDecoder& decoder, std::string_view payload) {
  const auto message = decoder.Decode(payload);
  if (!message) {
    FUZZ_REQUIRE(!message.error().message.empty());
    return;
  }
  FUZZ_REQUIRE(message->seq <= 255);
  for (const BatchView& batch : message->batches) Look(batch);
}

void AppendVarint(size_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7F));
  out += static_cast<char>(value);
}

std::string Envelope(std::string_view inner) {
  std::string body(compressBound(inner.size()), '\0');
  uLongf size = body.size();
  compress2(reinterpret_cast<Bytef*>(body.data()), &size,
            reinterpret_cast<const Bytef*>(inner.data()), inner.size(), Z_BEST_SPEED);
  body.resize(size);
  std::string out = "\x22\x12SPBV1.0_COMPRESSED\x2A";
  AppendVarint(body.size(), out);
  return out + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BatchDecoder decoder;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Decode(decoder, input);
  Decode(decoder, Envelope(input));
  (void)SealBatch(input, 1, true);
  return 0;
}
