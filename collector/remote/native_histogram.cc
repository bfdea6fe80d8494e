#include "collector/remote/native_histogram.h"

#include <protozero/pbf_writer.hpp>
#include <vector>

namespace haidang::remote {
namespace {

constexpr int kSchema = 2;  // growth 2^(2^-2)

enum Field : uint32_t {
  kCount = 1,
  kSum = 3,
  kSchemaNumber = 4,
  kZeroThreshold = 5,
  kZeroCount = 6,
  kPositiveSpans = 11,
  kPositiveDeltas = 12,
  kTime = 15,
  kSpanOffset = 1,  // BucketSpan
  kSpanLength = 2,  // BucketSpan
};

// Buckets that follow one another without a hole.
struct Span {
  int32_t offset = 0;  // empty buckets before it; of the first: its first bucket's index
  uint32_t length = 0;
};

std::string Encode(int64_t time_ms, const Histogram& histogram, double sum) {
  std::vector<Span> spans;
  std::vector<int64_t> deltas;
  int next = 0;
  uint64_t before = 0;
  for (const auto& [index, count] : histogram.buckets()) {
    if (spans.empty() || index != next) spans.push_back({index - next, 0});
    ++spans.back().length;
    next = index + 1;
    deltas.push_back(static_cast<int64_t>(count - before));
    before = count;
  }
  std::string out;
  protozero::pbf_writer message(out);
  message.add_uint64(kCount, histogram.count());
  message.add_double(kSum, sum);
  message.add_sint32(kSchemaNumber, kSchema);
  message.add_double(kZeroThreshold, Histogram::kZeroThreshold);
  message.add_uint64(kZeroCount, histogram.zero_count());
  for (const Span& span : spans) {
    protozero::pbf_writer told(message, kPositiveSpans);
    told.add_sint32(kSpanOffset, span.offset);
    told.add_uint32(kSpanLength, span.length);
  }
  message.add_packed_sint64(kPositiveDeltas, deltas.begin(), deltas.end());
  message.add_int64(kTime, time_ms);
  return out;
}

}  // namespace

std::string EncodeNativeHistogram(int64_t time_ms, const Histogram& histogram) {
  return Encode(time_ms, histogram, histogram.sum());
}

std::string EncodeStaleHistogram(int64_t time_ms, double marker) {
  return Encode(time_ms, Histogram(), marker);
}

}  // namespace haidang::remote
