#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/histogram.h"
#include "core/sample.h"

// Prometheus remote write 1.0: samples as the body of a POST.
namespace haidang::remote {

struct Sample {
  int64_t time_ms = 0;  // since 1970-01-01 UTC
  double value = 0;
};

// Told where a series ends: its machine vanished, or its source failed. Prometheus' own NaN.
double StaleMarker();

struct HistogramSample {
  int64_t time_ms = 0;
  const Histogram* histogram = nullptr;  // null: the series ends here
};

// What one POST carries. A value.
struct Request {
  std::string body;      // WriteRequest in protobuf, in snappy's block format
  uint64_t samples = 0;  // a native histogram is one
  // What WriteRequests::Mark said last when this was finished: everything up to there is in this
  // request or in those before it.
  std::optional<int64_t> cursor;
};

struct RequestOptions {
  size_t max_samples = 10000;  // of one request, at least 1
  bool native_histograms = false;
  Labels external_labels;  // given to every series that has no label of that name itself
};

// Puts samples into requests of bounded size, in the order in which they are added. One thread.
class WriteRequests {
 public:
  // Takes each request when it is full, and the last at Flush().
  using Take = std::function<void(Request&&)>;

  WriteRequests(RequestOptions options, Take take);

  // `labels` are what ToldLabels gives; those with an empty value are left out. Times of a series
  // must ascend, or its receiver has to take samples out of order.
  void Add(std::string_view metric, const Labels& labels, std::span<const Sample> samples);
  // Native histograms, or the classic series `metric`_bucket{le} (the bounds of /metrics/fleet),
  // _sum and _count.
  void Add(std::string_view metric, const Labels& labels, std::span<const HistogramSample> samples);

  // Everything that belongs to `cursor` has been added; cursors ascend.
  void Mark(int64_t cursor) { cursor_ = cursor; }
  void Flush();

 private:
  using LabelViews = std::vector<std::pair<std::string_view, std::string_view>>;

  // Fills encoded_labels_.
  void EncodeLabels(std::string_view metric, const Labels& labels, std::string_view le);
  // At least 1; makes room where there is none.
  size_t Room();
  // One TimeSeries of encoded_labels_ and `content`, which holds `samples`.
  void AddSeries(std::string_view content, size_t samples);
  void AddNumbers(std::span<const Sample> samples);
  void AddNative(std::span<const HistogramSample> samples);
  void AddClassic(std::string_view metric, const Labels& labels,
                  std::span<const HistogramSample> samples);

  const RequestOptions options_;
  const Take take_;
  std::string raw_;  // the WriteRequest so far
  uint64_t samples_ = 0;
  std::optional<int64_t> cursor_;
  // Scratch, kept for its memory.
  std::string encoded_labels_, content_;
  LabelViews views_;
};

// A request that tells type, unit and help of `metrics`, and no sample.
Request MetadataRequest(std::span<const MetricInfo> metrics);

}  // namespace haidang::remote
