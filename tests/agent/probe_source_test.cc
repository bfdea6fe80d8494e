#include "agent/probe/probe_source.h"

#include <catch2/catch.hpp>
#include <map>

#include "core/catalogue.h"
#include "core/histogram.h"
#include "tests/agent/probe_bench.h"
#include "tests/agent/raw_server.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::RawServer;
using haidang::testing::RunUntil;
using haidang::testing::SendAll;
using haidang::testing::To;

namespace {

struct Bench {
  explicit Bench(std::vector<ProbeOptions> probes, std::chrono::milliseconds interval = 0ms)
      : loop(MakeLoop()) {
    ProbeSourceOptions options;
    options.interval = interval;
    options.probes = std::move(probes);
    auto made = MakeProbeSource(*loop, clock, std::move(options), LookUpNow);
    REQUIRE(made.ok());
    source = std::move(*made);
  }

  void Round() {
    source->Prepare();
    REQUIRE(RunUntil(*loop, [&] { return source->Ready(); }));
    Read();
  }

  void Read() {
    values.clear();
    events.clear();
    std::vector<Reading> readings;
    REQUIRE(source->Read(0, readings, events).ok());
    for (Reading& reading : readings) {
      const MetricInfo* info = FindMetric(reading.series.metric);
      REQUIRE(info != nullptr);
      CHECK(info->source == "probe");
      values[ToString(reading.series)] = std::move(reading.value);
    }
  }

  double Number(const std::string& series) const { return AsNumber(values.at(series)); }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Source> source;
  std::map<std::string, Value> values;
  std::vector<Event> events;
};

const std::string kLabels = R"({journey="mot-cua",step="tra-cuu"})";

}  // namespace

TEST_CASE("series, reasons and events of a probe over its life") {
  std::atomic<int> status = 200;
  RawServer server([&](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 2\r\n\r\nok");
  });
  Bench bench({To(server.Url("/secret-path"))});

  bench.Read();
  CHECK(bench.values.empty());  // nothing is known yet

  bench.Round();
  CHECK(bench.events.empty());
  CHECK(bench.Number("probe_success" + kLabels) == 1);
  CHECK(bench.values.at("haidang_probe_reason" + kLabels) == Value(std::string()));
  CHECK(bench.Number("probe_http_status_code" + kLabels) == 200);
  CHECK(bench.Number("probe_http_content_length" + kLabels) == 2);
  CHECK(bench.Number("probe_http_redirects" + kLabels) == 0);
  CHECK_FALSE(bench.values.contains("probe_ssl_earliest_cert_expiry" + kLabels));
  double sum = 0;
  for (const auto phase : kPhaseNames) {
    sum += bench.Number(R"(probe_http_duration_seconds{journey="mot-cua",phase=")" +
                        std::string(phase) + R"(",step="tra-cuu"})");
  }
  CHECK(sum == Approx(bench.Number("probe_duration_seconds" + kLabels)).margin(1e-12));
  CHECK(bench.values.size() == 18);
  CHECK(bench.values.at("haidang_probe_runs_total" + kLabels) == Value(uint64_t{1}));

  status = 500;
  bench.Round();
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == "probe_failed");
  CHECK(bench.events[0].key == "mot-cua/tra-cuu");
  CHECK(bench.events[0].text == "status: HTTP status 500");
  CHECK(bench.events[0].time_ms > 1700000000000);
  CHECK(bench.Number("probe_success" + kLabels) == 0);
  CHECK(bench.values.at("haidang_probe_reason" + kLabels) == Value(std::string("status")));

  bench.Round();
  CHECK(bench.events.empty());  // nothing changed

  status = 200;
  bench.Round();
  REQUIRE(bench.events.size() == 1);
  CHECK(bench.events[0].kind == "probe_recovered");

  const auto* latency =
      std::get_if<Bytes>(&bench.values.at("haidang_probe_latency_seconds" + kLabels));
  REQUIRE(latency != nullptr);
  CHECK(Histogram::Decode(latency->data)->count() == 2);  // of successes only
}

TEST_CASE("a run that takes longer than an interval is not doubled") {
  std::atomic<bool> answer = false;
  RawServer server([&](int fd, const std::string&) {
    while (!answer) std::this_thread::yield();
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Bench bench({To(server.Url("/"))});
  for (int i = 0; i < 5; ++i) bench.source->Prepare();
  REQUIRE(RunUntil(*bench.loop, [&] { return server.connections() == 1; }));
  for (int i = 0; i < 5; ++i) bench.source->Prepare();
  CHECK_FALSE(bench.source->Ready());
  bench.Read();
  CHECK(bench.values.empty());
  answer = true;
  REQUIRE(RunUntil(*bench.loop, [&] { return bench.source->Ready(); }));
  CHECK(server.connections() == 1);
  bench.Read();
  CHECK(bench.Number("probe_success" + kLabels) == 1);
}

TEST_CASE("a probe with a longer interval of its own runs at some ticks only") {
  RawServer server([](int fd, const std::string&) {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  ProbeOptions options = To(server.Url("/"));
  options.interval = 1h;
  Bench bench({options}, 15s);
  bench.Round();
  bench.Round();
  CHECK(server.connections() == 1);
  CHECK(bench.Number("probe_success" + kLabels) == 1);
}

TEST_CASE("several probes at once") {
  RawServer server([](int fd, const std::string& path) {
    SendAll(fd, path == "/a" ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : "rubbish\r\n\r\n");
  });
  ProbeOptions a = To(server.Url("/a"));
  ProbeOptions b = To(server.Url("/b"));
  b.step = "nop";
  Bench bench({a, b});
  bench.Round();
  CHECK(bench.Number("probe_success" + kLabels) == 1);
  CHECK(bench.values.at(R"(haidang_probe_reason{journey="mot-cua",step="nop"})") ==
        Value(std::string("protocol")));
}
