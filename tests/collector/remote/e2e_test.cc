#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <future>

#include "collector/told_labels.h"
#include "tests/collector/remote/receiver_process.h"
#include "tests/collector/remote/sender_run.h"

// Real receivers, killed and started again in the middle of a stream.
using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Samples = ReceiverProcess::Samples;

namespace {

constexpr int kMachines = 20, kTicks = 1500;

// What the fleet of this test says, tick by tick; the last machine's ticks come late.
struct Stream {
  int64_t begin_ms = SystemClock().WallMs() / 1000 * 1000 - 1600 * 1000;
  int64_t end_ms() const { return begin_ms + (kTicks - 1) * 1000; }

  static std::string Name(int machine) {
    return "stream_value{class=\"server\",instance=\"may-" + std::to_string(10 + machine) +
           "\",province=\"quang-ninh\",site=\"06652\",site_name=\"Phường Hồng Gai\"}";
  }
  // Decimal, with few digits: VictoriaMetrics keeps decimals.
  static double Value(int machine, int tick) { return machine * 1000 + tick * 0.25; }

  void Add(WriteRequests& to, int machine, int first, int count) const {
    std::vector<Sample> samples;
    for (int tick = first; tick < first + count; ++tick) {
      samples.push_back({begin_ms + tick * 1000, Value(machine, tick)});
    }
    const collector::Place place{"06652", "Phường Hồng Gai", "server"};
    to.Add("stream_value", collector::ToldLabels({}, "may-" + std::to_string(10 + machine), place),
           samples);
  }

  // Everything, as a feed does it: a row at a time while there is room. With `late`, what the last
  // machine said comes 300 ticks after the others' and in requests of its own.
  void Feed(SenderRun& run, bool late) const {
    WriteRequests requests(run.options.requests,
                           [&](Request&& request) { run.sender->Offer(std::move(request)); });
    for (int tick = 0; tick < kTicks; ++tick) {
      SenderRun::Await([&] { return run.sender->HasRoom(); }, 60s);
      for (int machine = 0; machine < kMachines - (late ? 1 : 0); ++machine) {
        Add(requests, machine, tick, 1);
      }
      requests.Mark(tick);
      if (!late || tick % 300 != 299) continue;
      requests.Flush();
      for (int at = tick - 299; at <= tick; at += 10) Add(requests, kMachines - 1, at, 10);
      requests.Flush();
    }
    requests.Flush();
  }
};

// Each sample once, with its value. `kept`: what the receiver says.
void CheckWhole(const Stream& stream, const Samples& kept) {
  REQUIRE(kept.size() == kMachines);
  for (int machine = 0; machine < kMachines; ++machine) {
    INFO(Stream::Name(machine));
    REQUIRE(kept.contains(Stream::Name(machine)));
    const auto& samples = kept.at(Stream::Name(machine));
    REQUIRE(samples.size() == kTicks);
    for (int tick = 0; tick < kTicks; ++tick) {
      const auto& [time, value] = samples[static_cast<size_t>(tick)];
      REQUIRE(time == stream.begin_ms + tick * 1000);
      REQUIRE(value == Stream::Value(machine, tick));
    }
  }
}

// Sends the stream, killing the receiver four times on the way.
void Run(SenderRun& run, ReceiverProcess& receiver, const Stream& stream, bool late) {
  run.options.requests.max_samples = 100;
  run.options.requests.external_labels = {{"province", "quang-ninh"}, {"site", "never"}};
  run.Start(receiver.WriteUrl());
  auto fed = std::async(std::launch::async, [&] { stream.Feed(run, late); });
  for (const double share : {0.15, 0.4, 0.6, 0.85}) {
    const auto settled = static_cast<size_t>(share * kTicks * kMachines / 100);
    SenderRun::Await([&] { return run.outcomes().size() >= settled; }, 60s);
    receiver.Kill();
    CHECK(run.counters->sent.Value() < kTicks * kMachines);
    const double before = run.counters->retried.Value();
    SenderRun::Await([&] { return run.counters->retried.Value() > before; }, 60s);
    receiver.Start();
  }
  fed.get();
  SenderRun::Await([&] { return run.counters->pending.Value() == 0; }, 60s);
}

// As long as the last of what was sent again may be on its way, and VictoriaMetrics may not have
// made it visible.
void AwaitWhole(const Stream& stream, const std::function<Samples()>& kept) {
  const auto complete = [&] {
    const Samples now = kept();
    return std::all_of(now.begin(), now.end(),
                       [](const auto& of) { return of.second.size() >= kTicks; }) &&
           now.size() == kMachines;
  };
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!complete() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(100ms);
  }
  CheckWhole(stream, kept());
}

}  // namespace

TEST_CASE("Prometheus with an out-of-order window, killed again and again: every sample once") {
  ReceiverProcess prometheus(Prometheus("1h"));
  SenderRun run;
  run.options.out_of_order = 1h;
  const Stream stream;
  Run(run, prometheus, stream, true);
  INFO(prometheus.log());
  AwaitWhole(stream, [&] { return prometheus.Query("stream_value[1h]", stream.end_ms()); });
  CHECK(run.counters->refused.Value() == 0);
  CHECK(run.counters->sent.Value() == kTicks * kMachines);
}

TEST_CASE("Prometheus that takes samples in order alone, killed again and again") {
  ReceiverProcess prometheus(Prometheus("0s"));
  SenderRun run;
  const Stream stream;
  Run(run, prometheus, stream, false);
  INFO(prometheus.log());
  AwaitWhole(stream, [&] { return prometheus.Query("stream_value[1h]", stream.end_ms()); });
}

TEST_CASE("VictoriaMetrics, killed again and again: every sample once") {
  ReceiverProcess victoria_metrics(VictoriaMetrics());
  SenderRun run;
  run.options.out_of_order = 720h;
  const Stream stream;
  Run(run, victoria_metrics, stream, true);
  INFO(victoria_metrics.log());
  AwaitWhole(stream, [&] { return Export(victoria_metrics, "stream_value"); });
  CHECK(run.counters->refused.Value() == 0);
}

TEST_CASE("what is out of order without a window is refused as a whole, and counted") {
  ReceiverProcess prometheus(Prometheus("0s"));
  SenderRun run;
  run.Start(prometheus.WriteUrl());
  run.Offer(0);  // the year 1970: older than anything
  const int64_t now_ms = SystemClock().WallMs();
  WriteRequests requests({}, [&](Request&& request) { run.sender->Offer(std::move(request)); });
  for (const int64_t time_ms : {now_ms, now_ms - 60000}) {
    const Sample sample{time_ms, 1};
    requests.Add("n", {}, std::span(&sample, 1));
    requests.Flush();
  }
  run.AwaitSettled(3);
  CHECK(run.outcomes()[1].accepted != run.outcomes()[2].accepted);
  CHECK(run.counters->refused.Value() >= 1);
}

namespace {

Histogram SomeHistogram() {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Observe(0.01 * i);
  return histogram;
}

}  // namespace

TEST_CASE("classic histograms, and the end of a series, as both receivers read them") {
  const bool at_prometheus = GENERATE(true, false);
  ReceiverProcess receiver(at_prometheus ? Prometheus("1h") : VictoriaMetrics());
  SenderRun run;
  run.Start(receiver.WriteUrl());
  WriteRequests requests({}, [&](Request&& request) { run.sender->Offer(std::move(request)); });
  const int64_t now_ms = SystemClock().WallMs() / 1000 * 1000 - 60000;
  const Histogram histogram = SomeHistogram();
  const std::vector<HistogramSample> samples = {{now_ms, &histogram}, {now_ms + 15000, nullptr}};
  requests.Add("latency_seconds", {{"instance", "may-1"}}, samples);
  const std::vector<Sample> load = {{now_ms, 0.5}, {now_ms + 15000, StaleMarker()}};
  requests.Add("node_load1", {{"instance", "may-1"}}, load);
  requests.Flush();
  run.AwaitSettled(1);
  REQUIRE(run.outcomes()[0].accepted);
  INFO(receiver.log());
  SenderRun::Await([&] { return !receiver.Query("node_load1", now_ms).empty(); });
  const auto one = [&](const std::string& expression) {
    const Samples found = receiver.Query(expression, now_ms + 1000);
    REQUIRE(found.size() == 1);
    return found.begin()->second.at(0).second;
  };
  CHECK(one("latency_seconds_count") == 100);
  CHECK(one("latency_seconds_sum") == Approx(50.5));
  CHECK(one("latency_seconds_bucket{le=\"0.5\"}") == 50);
  CHECK(one("latency_seconds_bucket{le=\"+Inf\"}") == 100);
  CHECK(one("histogram_quantile(0.5, latency_seconds_bucket)") == Approx(0.5).epsilon(0.19));
  CHECK(receiver.Query("node_load1", now_ms + 16000).empty());
  CHECK(receiver.Query("latency_seconds_count", now_ms + 16000).empty());
  CHECK(receiver.Query("latency_seconds_bucket", now_ms + 16000).empty());
}

TEST_CASE("native histograms, as Prometheus reads them") {
  ReceiverProcess prometheus(Prometheus("0s", true));
  SenderRun run;
  RequestOptions options;
  options.native_histograms = true;
  run.Start(prometheus.WriteUrl());
  WriteRequests requests(options,
                         [&](Request&& request) { run.sender->Offer(std::move(request)); });
  const int64_t now_ms = SystemClock().WallMs() / 1000 * 1000 - 60000;
  const Histogram histogram = SomeHistogram();
  Histogram more = histogram;
  more.Observe(0);
  more.Observe(1000);
  const std::vector<HistogramSample> samples = {
      {now_ms, &histogram}, {now_ms + 15000, &more}, {now_ms + 30000, nullptr}};
  requests.Add("latency_seconds", {{"instance", "may-1"}}, samples);
  requests.Flush();
  run.AwaitSettled(1);
  INFO(prometheus.log());
  REQUIRE(run.outcomes()[0].accepted);
  const auto one = [&](const std::string& expression, int64_t at_ms) {
    const Samples found = prometheus.Query(expression, at_ms);
    REQUIRE(found.size() == 1);
    return found.begin()->second.at(0).second;
  };
  CHECK(one("histogram_count(latency_seconds)", now_ms) == 100);
  CHECK(one("histogram_sum(latency_seconds)", now_ms) == Approx(50.5));
  CHECK(one("histogram_quantile(0.5, latency_seconds)", now_ms) ==
        Approx(histogram.Quantile(0.5)).epsilon(0.1));
  CHECK(one("histogram_count(latency_seconds)", now_ms + 15000) == 102);
  CHECK(one("histogram_quantile(1, latency_seconds)", now_ms + 15000) == Approx(1024));
  CHECK(prometheus.Query("latency_seconds", now_ms + 31000).empty());
}

TEST_CASE("native histograms wait where Prometheus has them not enabled") {
  const bool enabled = GENERATE(false, true);
  ReceiverProcess prometheus(Prometheus("0s", enabled));
  SenderRun run;
  RequestOptions options;
  options.native_histograms = true;
  run.Start(prometheus.WriteUrl());
  WriteRequests requests(options,
                         [&](Request&& request) { run.sender->Offer(std::move(request)); });
  const Histogram histogram = SomeHistogram();
  const HistogramSample sample{SystemClock().WallMs(), &histogram};
  requests.Add("latency_seconds", {}, std::span(&sample, 1));
  requests.Flush();
  SenderRun::Await([&] { return run.counters->retried.Value() >= 3 || !run.outcomes().empty(); });
  run.sender->Stop();
  CHECK(run.counters->sent.Value() == (enabled ? 1 : 0));
  CHECK(run.counters->refused.Value() == 0);
}
