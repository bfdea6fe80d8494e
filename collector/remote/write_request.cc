#include "collector/remote/write_request.h"

#include <snappy.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <protozero/buffer_string.hpp>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <utility>

#include "collector/remote/native_histogram.h"
#include "core/histogram_buckets.h"

namespace haidang::remote {
namespace {

constexpr size_t kMaxRawBytes = 8 << 20;  // receivers refuse from 32 MiB on
constexpr std::string_view kName = "__name__";

// Fields of Prometheus' types.proto and remote.proto.
enum Field : uint32_t {
  kTimeSeries = 1,    // WriteRequest
  kMetadata = 3,      // WriteRequest
  kLabels = 1,        // TimeSeries
  kSamples = 2,       // TimeSeries
  kHistograms = 4,    // TimeSeries
  kLabelName = 1,     // Label
  kLabelValue = 2,    // Label
  kSampleValue = 1,   // Sample
  kSampleTime = 2,    // Sample
  kMetadataType = 1,  // MetricMetadata
  kMetadataName = 2,  // MetricMetadata
  kMetadataHelp = 4,  // MetricMetadata
  kMetadataUnit = 5,  // MetricMetadata
};

constexpr char Key(Field field, protozero::pbf_wire_type type) {
  return static_cast<char>((field << 3) | static_cast<uint32_t>(type));
}

void AppendText(std::string& out, Field field, std::string_view text) {
  out += Key(field, protozero::pbf_wire_type::length_delimited);
  protozero::add_varint_to_buffer(&out, text.size());
  out += text;
}

size_t TextSize(std::string_view text) {
  return 1 + static_cast<size_t>(protozero::length_of_varint(text.size())) + text.size();
}

// proto3 leaves out what is zero.
void AppendSample(std::string& out, const Sample& sample) {
  const auto bits = std::bit_cast<uint64_t>(sample.value);
  const auto time = static_cast<uint64_t>(sample.time_ms);
  const size_t size = (bits == 0 ? 0 : 9) +
                      (time == 0 ? 0 : 1 + static_cast<size_t>(protozero::length_of_varint(time)));
  out += Key(kSamples, protozero::pbf_wire_type::length_delimited);
  out += static_cast<char>(size);
  if (bits != 0) {
    out += Key(kSampleValue, protozero::pbf_wire_type::fixed64);
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((bits >> shift) & 0xFF);
  }
  if (time != 0) {
    out += Key(kSampleTime, protozero::pbf_wire_type::varint);
    protozero::add_varint_to_buffer(&out, time);
  }
}

std::string Compressed(const std::string& raw) {
  std::string body;
  snappy::Compress(raw.data(), raw.size(), &body);
  return body;
}

// Exactly as /metrics/fleet writes it: prometheus-cpp's %.16g.
std::string BoundText(double bound) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%.*g",
                                 std::numeric_limits<double>::max_digits10 - 1, bound);
  return {text, static_cast<size_t>(size)};
}

double Count(uint64_t count) { return static_cast<double>(count); }

}  // namespace

double StaleMarker() { return std::bit_cast<double>(uint64_t{0x7ff0000000000002}); }

WriteRequests::WriteRequests(RequestOptions options, Take take)
    : options_(std::move(options)), take_(std::move(take)) {}

void WriteRequests::EncodeLabels(std::string_view metric, const Labels& labels,
                                 std::string_view le) {
  views_.clear();
  views_.emplace_back(kName, metric);
  if (!le.empty()) views_.emplace_back("le", le);
  for (const auto& [name, value] : labels) {
    if (!value.empty() && name != kName) views_.emplace_back(name, value);
  }
  for (const auto& [name, value] : options_.external_labels) {
    const auto own = labels.find(name);
    const bool absent = own == labels.end() || own->second.empty();
    if (absent && !value.empty() && (le.empty() || name != "le")) views_.emplace_back(name, value);
  }
  std::sort(views_.begin(), views_.end());
  encoded_labels_.clear();
  for (const auto& [name, value] : views_) {
    encoded_labels_ += Key(kLabels, protozero::pbf_wire_type::length_delimited);
    protozero::add_varint_to_buffer(&encoded_labels_, TextSize(name) + TextSize(value));
    AppendText(encoded_labels_, kLabelName, name);
    AppendText(encoded_labels_, kLabelValue, value);
  }
}

size_t WriteRequests::Room() {
  if (samples_ >= options_.max_samples || raw_.size() >= kMaxRawBytes) Flush();
  return options_.max_samples - samples_;
}

void WriteRequests::AddSeries(std::string_view content, size_t samples) {
  raw_ += Key(kTimeSeries, protozero::pbf_wire_type::length_delimited);
  protozero::add_varint_to_buffer(&raw_, encoded_labels_.size() + content.size());
  raw_ += encoded_labels_;
  raw_ += content;
  samples_ += samples;
}

void WriteRequests::AddNumbers(std::span<const Sample> samples) {
  while (!samples.empty()) {
    const auto now = samples.first(std::min(Room(), samples.size()));
    content_.clear();
    for (const Sample& sample : now) AppendSample(content_, sample);
    AddSeries(content_, now.size());
    samples = samples.subspan(now.size());
  }
}

void WriteRequests::AddNative(std::span<const HistogramSample> samples) {
  while (!samples.empty()) {
    const auto now = samples.first(std::min(Room(), samples.size()));
    content_.clear();
    for (const HistogramSample& sample : now) {
      AppendText(content_, kHistograms,
                 sample.histogram == nullptr
                     ? EncodeStaleHistogram(sample.time_ms, StaleMarker())
                     : EncodeNativeHistogram(sample.time_ms, *sample.histogram));
    }
    AddSeries(content_, now.size());
    samples = samples.subspan(now.size());
  }
}

void WriteRequests::AddClassic(std::string_view metric, const Labels& labels,
                               std::span<const HistogramSample> samples) {
  const std::string base(metric);
  std::vector<Sample> numbers(samples.size());
  const auto add = [&](const char* suffix, std::string_view le, const auto& value_of) {
    std::transform(samples.begin(), samples.end(), numbers.begin(), [&](const HistogramSample& at) {
      return Sample{at.time_ms, at.histogram == nullptr ? StaleMarker() : value_of(*at.histogram)};
    });
    EncodeLabels(base + suffix, labels, le);
    AddNumbers(numbers);
  };
  add("_count", "", [](const Histogram& all) { return Count(all.count()); });
  add("_sum", "", [](const Histogram& all) { return all.sum(); });
  ForEachTextBucket(Histogram(), [&](double bound, uint64_t) {
    add("_bucket", BoundText(bound),
        [&](const Histogram& all) { return Count(all.CountAtOrBelow(bound)); });
  });
  add("_bucket", "+Inf", [](const Histogram& all) { return Count(all.count()); });
}

void WriteRequests::Add(std::string_view metric, const Labels& labels,
                        std::span<const Sample> samples) {
  if (samples.empty()) return;
  EncodeLabels(metric, labels, {});
  AddNumbers(samples);
}

void WriteRequests::Add(std::string_view metric, const Labels& labels,
                        std::span<const HistogramSample> samples) {
  if (samples.empty()) return;
  if (!options_.native_histograms) return AddClassic(metric, labels, samples);
  EncodeLabels(metric, labels, {});
  AddNative(samples);
}

void WriteRequests::Flush() {
  if (samples_ == 0) return;
  Request request{Compressed(raw_), samples_, cursor_};
  raw_.clear();
  samples_ = 0;
  take_(std::move(request));
}

Request MetadataRequest(std::span<const MetricInfo> metrics) {
  std::string raw;
  for (const MetricInfo& metric : metrics) {
    protozero::pbf_writer request(raw);
    protozero::pbf_writer metadata(request, kMetadata);
    // Prometheus' numbers of its metric types.
    const int32_t type = metric.type == MetricType::kCounter ? 1
                         : metric.type == MetricType::kGauge ? 2
                                                             : 3;
    metadata.add_enum(kMetadataType, type);
    metadata.add_string(kMetadataName, metric.name.data(), metric.name.size());
    metadata.add_string(kMetadataHelp, metric.help_en.data(), metric.help_en.size());
    if (!metric.unit.empty()) {
      metadata.add_string(kMetadataUnit, metric.unit.data(), metric.unit.size());
    }
  }
  return {Compressed(raw), 0, std::nullopt};
}

}  // namespace haidang::remote
