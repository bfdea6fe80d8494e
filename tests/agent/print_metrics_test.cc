#include "agent/print_metrics.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <limits>

#include "core/histogram.h"

using namespace haidang;
using namespace haidang::agent;

TEST_CASE("a tick in Prometheus' text format") {
  Histogram latency;
  latency.Observe(0);
  latency.Observe(0.5);
  latency.Observe(0.5);
  latency.Observe(1.0);
  const Labels probe = {{"journey", "mot-cua"}, {"step", "tra-cuu"}};
  Tick tick;
  tick.groups = {
      {"loadavg",
       true,
       {{{"node_load1", {}}, 0.1},
        {{"node_load5", {}}, std::numeric_limits<double>::quiet_NaN()},
        {{"node_load15", {}}, Null()}}},
      {"filesystem",
       true,
       {{{"node_filesystem_size_bytes", {{"mountpoint", "/a\"b\\c\nd"}}}, uint64_t{1} << 60},
        {{"node_filesystem_readonly", {}}, true}}},
      {"probe",
       true,
       {{{"haidang_probe_latency_seconds", probe}, Bytes{latency.Encode()}},
        {{"haidang_probe_reason", probe}, std::string("dns")}}},
      {"loadavg", true, {{{"node_load1", {{"x", "y"}}}, int64_t{-3}}}},
  };
  std::string expected =
      R"(# HELP haidang_probe_latency_seconds Distribution of the response times of probes that succeeded.
# TYPE haidang_probe_latency_seconds histogram
BUCKETShaidang_probe_latency_seconds_bucket{journey="mot-cua",le="+Inf",step="tra-cuu"} 4
haidang_probe_latency_seconds_sum{journey="mot-cua",step="tra-cuu"} 2
haidang_probe_latency_seconds_count{journey="mot-cua",step="tra-cuu"} 4
# haidang_probe_reason{journey="mot-cua",step="tra-cuu"} "dns"
# HELP node_filesystem_readonly 1 where the file system is mounted read-only.
# TYPE node_filesystem_readonly gauge
node_filesystem_readonly 1
# HELP node_filesystem_size_bytes Size of the file system.
# TYPE node_filesystem_size_bytes gauge
node_filesystem_size_bytes{mountpoint="/a\"b\\c\nd"} 1152921504606846976
# HELP node_load1 Load average over 1 minute: processes that run or wait.
# TYPE node_load1 gauge
node_load1 0.1
node_load1{x="y"} -3
# HELP node_load5 Load average over 5 minutes.
# TYPE node_load5 gauge
node_load5 NaN
)";
  std::string buckets;
  for (int i = -20; i <= 12; ++i) {  // 2^(i/2): 2^-10 to 2^6, whatever was observed
    const std::string count = i < -2 ? "1" : i < 0 ? "3" : "4";
    buckets += fmt::format(
        "haidang_probe_latency_seconds_bucket{{journey=\"mot-cua\",le=\"{}\",step=\"tra-cuu\"}} "
        "{}\n",
        Histogram::UpperBound(2 * i), count);
  }
  expected.replace(expected.find("BUCKETS"), 7, buckets);
  CHECK(FormatTick(tick) == expected);
}

TEST_CASE("an empty tick prints nothing") { CHECK(FormatTick(Tick()).empty()); }
