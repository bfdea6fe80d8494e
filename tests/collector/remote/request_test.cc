#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "collector/exposition.h"
#include "collector/remote/write_request.h"
#include "collector/told_labels.h"
#include "tests/collector/remote/write_decoder.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;

namespace {

constexpr uint64_t kStale = 0x7ff0000000000002;

// What `add` makes, request by request.
template <typename AddAll>
std::vector<Request> Made(const RequestOptions& options, const AddAll& add) {
  std::vector<Request> requests;
  WriteRequests maker(options, [&](Request&& request) { requests.push_back(std::move(request)); });
  add(maker);
  maker.Flush();
  return requests;
}

DecodedRequest MadeOne(const RequestOptions& options, const auto& add) {
  const auto requests = Made(options, add);
  REQUIRE(requests.size() == 1);
  return DecodeWriteRequest(requests[0].body);
}

std::vector<Sample> Ramp(int64_t count) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < count; ++i) samples.push_back({1000 * i, 0.5 * static_cast<double>(i)});
  return samples;
}

}  // namespace

TEST_CASE("the bytes of a request are those of the protocol") {
  const std::vector<Sample> samples = {{1000, 1.5}, {2000, 0.0}};
  const auto requests = Made({}, [&](WriteRequests& to) {
    to.Add("up", {{"a", "b"}}, samples);
    to.Mark(7);
  });
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].samples == 2);
  CHECK(requests[0].cursor == 7);
  using namespace std::string_literals;
  const std::string golden =
      "\x0a\x2b"                            // timeseries
      "\x0a\x0e\x0a\x08__name__\x12\x02up"  // labels, sorted
      "\x0a\x06\x0a\x01"
      "a\x12\x01"
      "b"
      "\x12\x0c\x09\0\0\0\0\0\0\xf8\x3f\x10\xe8\x07"  // 1.5 at 1000
      "\x12\x03\x10\xd0\x0f"s;                        // 0 at 2000
  CHECK(Uncompressed(requests[0].body) == golden);
  // The block format: the size as a varint, then one literal, no stream's magic.
  CHECK(static_cast<size_t>(requests[0].body[0]) == golden.size());
}

TEST_CASE("labels are sorted, named once, never empty; external ones only fill what is missing") {
  RequestOptions options;
  options.external_labels = {
      {"Zone", "1"}, {"province", "quang-ninh"}, {"site", "x"}, {"class", "y"}, {"none", ""}};
  const std::vector<Sample> samples = {{1, 1}};
  const auto made = MadeOne(options, [&](WriteRequests& to) {
    to.Add("node_load1",
           {{"__name__", "other"}, {"class", ""}, {"instance", "may-1"}, {"site", "06652"}},
           samples);
  });
  REQUIRE(made.series.size() == 1);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"Zone", "1"},         {"__name__", "node_load1"}, {"class", "y"},
      {"instance", "may-1"}, {"province", "quang-ninh"}, {"site", "06652"}};
  CHECK(made.series[0].labels == expected);
}

TEST_CASE("every number comes out with its bits and its time") {
  std::vector<Sample> samples;
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    samples.push_back({static_cast<int64_t>(random()), std::bit_cast<double>(random())});
  }
  for (const double odd : {0.0, -0.0, 1e-320, std::nan(""), HUGE_VAL, -HUGE_VAL, StaleMarker()}) {
    samples.push_back({0, odd});
    samples.push_back({-1, odd});
  }
  const auto made = MadeOne({}, [&](WriteRequests& to) { to.Add("m", {}, samples); });
  REQUIRE(made.series.at(0).samples.size() == samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto& [time, value] = made.series[0].samples[i];
    REQUIRE(time == samples[i].time_ms);
    REQUIRE(std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(samples[i].value));
  }
  CHECK(std::bit_cast<uint64_t>(StaleMarker()) == kStale);
}

TEST_CASE("requests hold what is allowed; cursors say what is complete") {
  RequestOptions options;
  options.max_samples = 10;
  const auto ramp = Ramp(25);
  const auto requests = Made(options, [&](WriteRequests& to) {
    to.Add("a", {}, std::span(ramp).first(4));
    to.Mark(1);
    to.Add("b", {}, ramp);  // fills the first, the second, and nine of the third
    to.Mark(2);
    to.Add("c", {}, std::span(ramp).first(1));
    to.Mark(3);
    to.Add("d", {}, std::span(ramp).first(1));
  });
  REQUIRE(requests.size() == 4);
  const std::vector<std::pair<uint64_t, int64_t>> expected = {{10, 1}, {10, 1}, {10, 3}, {1, 3}};
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < requests.size(); ++i) {
    CHECK(requests[i].samples == expected[i].first);
    CHECK(requests[i].cursor == expected[i].second);
    for (const auto& series : DecodeWriteRequest(requests[i].body).series) {
      for (const auto& [time, value] : series.samples) {
        size_t& count = seen[series.Name()];
        REQUIRE(time == static_cast<int64_t>(count) * 1000);
        REQUIRE(value == 0.5 * static_cast<double>(count));
        ++count;
      }
    }
  }
  CHECK(seen == std::map<std::string, size_t>{{"a{}", 4}, {"b{}", 25}, {"c{}", 1}, {"d{}", 1}});
  CHECK(Made(options, [](WriteRequests& to) { to.Mark(1); }).empty());
  CHECK_FALSE(Made(options, [&](WriteRequests& to) { to.Add("a", {}, ramp); })[0].cursor);
}

TEST_CASE("requests stay small in bytes, too") {
  RequestOptions options;
  options.max_samples = 100000;
  const std::vector<Sample> sample = {{1, 1}};
  const auto requests = Made(options, [&](WriteRequests& to) {
    for (int i = 0; i < 3000; ++i) {
      to.Add("m", {{"wide", std::string(10000, 'x') + std::to_string(i)}}, sample);
    }
  });
  CHECK(requests.size() == 4);
  size_t series = 0;
  for (const Request& request : requests) {
    CHECK(Uncompressed(request.body).size() < (8 << 20) + 10100);
    series += DecodeWriteRequest(request.body).series.size();
  }
  CHECK(series == 3000);
}

// Whoever scrapes and whoever is written to must see the same series.
TEST_CASE("classic histograms and labels are those of /metrics/fleet") {
  collector::testing::World world;
  collector::testing::TestAgent agent("pc-1");
  const SeriesId id{"haidang_probe_latency_seconds", {{"journey", "mot-cua"}, {"le", "own"}}};
  const uint64_t latency = agent.Declare(id, DataType::kBytes, 0, MetricType::kHistogram);
  Histogram histogram;
  for (const double seconds : {0.0, 0.0005, 0.3, 0.3, 2.0, 100.0}) histogram.Observe(seconds);
  world.Receive(agent.Birth());
  world.Receive(
      agent.Live({.number = 1, .values = {{latency, Bytes{histogram.Encode()}}}, .full = true}));
  std::string text;
  ForEachPart(CopyFleet(*world.fleet, {}, world.ingest->Now()),
              [&](prometheus::MetricFamily&& part, bool continued) {
                text += collector::PartText(std::move(part), continued);
              });

  const HistogramSample sample{5000, &histogram};
  const auto made = MadeOne({}, [&](WriteRequests& to) {
    const collector::Place place{"06652", "", "server"};
    to.Add(id.metric, collector::ToldLabels(id.labels, "pc-1", place), std::span(&sample, 1));
  });
  REQUIRE(made.series.size() == 36);
  for (const DecodedSeries& series : made.series) {
    REQUIRE(series.samples.size() == 1);
    CHECK(series.samples[0].first == 5000);
    REQUIRE(std::is_sorted(series.labels.begin(), series.labels.end()));
    // As the text orders them, with the empty label that Prometheus drops.
    const std::map<std::string, std::string> labels(series.labels.begin(), series.labels.end());
    std::string line = labels.at("__name__") + "{instance=\"" + labels.at("instance") +
                       "\",site=\"" + labels.at("site") + "\",site_name=\"\",class=\"" +
                       labels.at("class") + "\",journey=\"" + labels.at("journey") +
                       "\",exported_le=\"" + labels.at("exported_le") + "\"";
    if (labels.contains("le")) line += ",le=\"" + labels.at("le") + "\"";
    char number[32];
    std::snprintf(number, sizeof number, "%.16g", series.samples[0].second);
    line += "} " + std::string(number) + "\n";
    INFO(line << text);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("several histograms of a series, and its end") {
  Histogram first, second;
  first.Observe(0.5);
  second.Merge(first);
  second.Observe(3);
  const std::vector<HistogramSample> samples = {{1000, &first}, {2000, &second}, {3000, nullptr}};
  const auto made = MadeOne({}, [&](WriteRequests& to) { to.Add("h", {}, samples); });
  REQUIRE(made.series.size() == 36);
  for (const DecodedSeries& series : made.series) {
    REQUIRE(series.samples.size() == 3);
    CHECK(std::bit_cast<uint64_t>(series.samples[2].second) == kStale);
    CHECK(series.samples[2].first == 3000);
    if (series.Name() == "h_count{}" || series.Name() == "h_bucket{le=\"+Inf\"}") {
      CHECK(series.samples[1].second == 2);
    }
    if (series.Name() == "h_sum{}") CHECK(series.samples[1].second == 3.5);
    if (series.Name() == "h_bucket{le=\"2\"}") CHECK(series.samples[1].second == 1);
  }
}

TEST_CASE("native histograms: every bucket at its index, holes as spans, the end as a marker") {
  RequestOptions options;
  options.native_histograms = true;
  std::mt19937_64 random(11);
  for (int round = 0; round < 200; ++round) {
    Histogram histogram;
    std::lognormal_distribution<double> spread(-2, round % 9);
    for (int i = 0; i < round; ++i) histogram.Observe(i % 7 == 0 ? 0 : spread(random));
    const std::vector<HistogramSample> samples = {{4000 + round, &histogram}, {9000, nullptr}};
    const auto made = MadeOne(options, [&](WriteRequests& to) { to.Add("h", {}, samples); });
    REQUIRE(made.series.size() == 1);
    CHECK(made.series[0].Name() == "h{}");
    REQUIRE(made.series[0].histograms.size() == 2);
    const DecodedHistogram& told = made.series[0].histograms[0];
    CHECK(told.time_ms == 4000 + round);
    CHECK(told.schema == 2);
    CHECK(told.count == histogram.count());
    CHECK(told.sum == histogram.sum());
    CHECK(told.zero_count == histogram.zero_count());
    CHECK(told.zero_threshold == Histogram::kZeroThreshold);
    REQUIRE(told.buckets.size() == histogram.buckets().size());
    for (const auto& [index, count] : histogram.buckets()) {
      CHECK(told.buckets.at(index) == static_cast<int64_t>(count));
    }
    const DecodedHistogram& end = made.series[0].histograms[1];
    CHECK(std::bit_cast<uint64_t>(end.sum) == kStale);
    CHECK(end.count == 0);
    CHECK(end.buckets.empty());
    CHECK(end.time_ms == 9000);
  }
}

TEST_CASE("histograms are split over requests as numbers are") {
  Histogram histogram;
  histogram.Observe(1);
  const std::vector<HistogramSample> samples(5, {1, &histogram});
  for (const bool native : {false, true}) {
    RequestOptions options;
    options.max_samples = 3;
    options.native_histograms = native;
    size_t total = 0;
    for (const Request& request :
         Made(options, [&](WriteRequests& to) { to.Add("h", {}, samples); })) {
      CHECK(request.samples <= 3);
      size_t here = 0;
      for (const auto& series : DecodeWriteRequest(request.body).series) {
        here += series.samples.size() + series.histograms.size();
      }
      CHECK(here == request.samples);
      total += here;
    }
    CHECK(total == (native ? 5 : 180));
  }
}

TEST_CASE("metadata: the catalogue's types, units and help texts") {
  const Request request = MetadataRequest(Catalogue());
  CHECK(request.samples == 0);
  const auto told = DecodeWriteRequest(request.body);
  CHECK(told.series.empty());
  REQUIRE(told.metadata.size() == Catalogue().size());
  for (size_t i = 0; i < told.metadata.size(); ++i) {
    const MetricInfo& metric = Catalogue()[i];
    CHECK(told.metadata[i].name == metric.name);
    CHECK(told.metadata[i].help == metric.help_en);
    CHECK(told.metadata[i].unit == metric.unit);
    const std::map<uint64_t, MetricType> types = {
        {1, MetricType::kCounter}, {2, MetricType::kGauge}, {3, MetricType::kHistogram}};
    CHECK(types.at(told.metadata[i].type) == metric.type);
  }
}

TEST_CASE("an agent cannot give a series a name that Prometheus refuses, or the collector's own") {
  CHECK(collector::MayBeTold("node_load1"));
  for (const char* name : {"", "1x", "a b", "é", "haidang_machine_up", "haidang_machine_state"}) {
    CHECK_FALSE(collector::MayBeTold(name));
  }
}
