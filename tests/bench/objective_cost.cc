// What following an objective costs: `haidang-objective-cost DIRECTORY` makes a store with 30 days
// of roll-ups of 54 machines that walk a journey of five steps once a minute, and reads from it, as
// the collector does, the runs of all steps together: the whole 30 days, and the newest ten minutes
// alone. Prints the medians of seven.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "collector/slo/burn.h"
#include "collector/slo/read_runs.h"
#include "collector/store/reader.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "collector/store/store.h"
#include "collector/store/window.h"

namespace {

using namespace haidang;

constexpr int64_t kMachines = 54;
constexpr int64_t kSteps = 5;
constexpr int64_t kDays = 31;
constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kEndMs = 1'795'366'800'000 / store::kDayPieceMs * store::kDayPieceMs;
constexpr size_t kRepeats = 7;

[[noreturn]] void Die(const Error& why) {
  std::fprintf(stderr, "haidang-objective-cost: %s\n", why.message.c_str());
  std::exit(1);
}
void Must(const Status& status) {
  if (!status) Die(status.error());
}

struct Metric {
  const char* name;
  DataType datatype;
  MetricType type;
};
constexpr std::array<Metric, 3> kMetrics{
    {{"haidang_probe_runs_total", DataType::kUInt64, MetricType::kCounter},
     {"haidang_probe_failures_total", DataType::kUInt64, MetricType::kCounter},
     {"haidang_probe_latency_seconds", DataType::kBytes, MetricType::kHistogram}}};
int64_t SeriesRowOf(int64_t step, size_t metric) {
  return step * static_cast<int64_t>(kMetrics.size()) + static_cast<int64_t>(metric) + 1;
}

void Describe(store::Store& store) {
  const int64_t begin_ms = kEndMs - kDays * store::kDayPieceMs;
  for (int64_t step = 0; step < kSteps; ++step) {
    const Labels labels{{"journey", "mot-cua"}, {"step", "buoc-" + std::to_string(step)}};
    for (size_t i = 0; i < kMetrics.size(); ++i) {
      const Metric& metric = kMetrics[i];
      Must(store.Put(store::SeriesRow{
          SeriesRowOf(step, i), {metric.name, labels}, metric.datatype, metric.type, ""}));
    }
  }
  for (int64_t id = 1; id <= kMachines; ++id) {
    Must(store.Put(
        store::MachineRow{id, "may-" + std::to_string(id), "linux", "0.1.0", 15000, {}, id}));
    Must(store.Put(store::SpoolRow{id, id, static_cast<uint64_t>(id), id, begin_ms}));
    Must(store.Put(store::InfoRow{id, begin_ms, "site-" + std::to_string(id), "server"}));
    for (int64_t row = 1; row <= kSteps * static_cast<int64_t>(kMetrics.size()); ++row) {
      Must(store.Put(store::AliasRow{id, static_cast<uint64_t>(100 + row), row, 2}));
    }
  }
  Must(store.Commit());
}

// A day of a machine: a run a minute, of 0.4 to 3.4 s, and one failure in 200.
std::string MakeDay(const store::PieceGrid& grid) {
  store::PieceMaker maker(grid);
  for (int64_t step = 0; step < kSteps; ++step) {
    store::NumberSummer runs(grid.begin_ms, true), failures(grid.begin_ms, true);
    store::HistogramRollup latency;
    Histogram times;
    for (int64_t minute = 0; minute * kMinuteMs < grid.length_ms; ++minute) {
      const int64_t at_ms = grid.begin_ms + minute * kMinuteMs;
      runs.See(at_ms, static_cast<double>(minute));
      failures.See(at_ms, static_cast<double>(minute / 200));
      times.Observe(0.4 + 0.03 * static_cast<double>(minute * 37 % 100));
      if (minute % 5 != 4) continue;
      latency.begins_ms.push_back(at_ms - 4 * kMinuteMs);
      latency.increase.Append(std::exchange(times, {}));
    }
    maker.Add(SeriesRowOf(step, 0), runs.rollup());
    maker.Add(SeriesRowOf(step, 1), failures.rollup());
    maker.Add(SeriesRowOf(step, 2), latency);
  }
  return maker.Finish();
}

void PutRollups(store::Store& store) {
  for (int64_t day = kEndMs - kDays * store::kDayPieceMs; day < kEndMs; day += store::kDayPieceMs) {
    const store::PieceGrid grid{store::RollupLevel::kFiveMinutes, day, store::kDayPieceMs};
    const std::string piece = MakeDay(grid);
    for (int64_t id = 1; id <= kMachines; ++id) {
      store::RollupChange change;
      change.made.push_back({id, grid.level, grid.begin_ms, grid.length_ms, piece});
      Must(store.Put(change));
    }
    Must(store.Commit());
  }
}

// Seconds of the median of kRepeats.
template <typename Work>
double Median(Work work) {
  std::array<double, kRepeats> took{};
  for (double& seconds : took) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  std::nth_element(took.begin(), took.begin() + kRepeats / 2, took.end());
  return took[kRepeats / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) Die({"usage: haidang-objective-cost DIRECTORY"});
  store::StoreOptions options;
  options.path = std::string(argv[1]) + "/telemetry.db";
  {
    auto store = store::Store::Open(options, [] { return uint64_t{7}; });
    if (!store) Die(store.error());
    Describe(**store);
    PutRollups(**store);
  }
  auto reader = store::OpenReader(options.path, {.rollups = store::ReadRollups});
  if (!reader) Die(reader.error());
  slo::Target target;
  target.journey = "mot-cua";
  target.share = 0.95;
  target.seconds = 3;
  slo::RunCounts counts;
  const int64_t now_ms = kEndMs - 1;
  counts.Advance(now_ms);
  const auto read = [&](int64_t from_ms) {
    Must(slo::ReadRuns(**reader, target, from_ms, now_ms, {}, counts));
  };
  const double whole = Median([&] { read(counts.oldest_ms()); });
  const double recent = Median([&] { read(now_ms - 2 * slo::kBucketMs); });
  slo::Standing standing;
  const double judged = Median([&] { standing = slo::Stand(counts, WorkingTime(), target.share); });
  // 54 machines, 5 steps, a run a minute, of which those within 3 s are 87 of 100.
  const double all = 30. * 24 * 60 * kMachines * kSteps;
  const slo::Runs newest = counts.At(counts.newest_ms());
  if (!standing.good_ratio || !(newest.all > 0)) Die({"nothing was read"});
  std::printf(
      "{\"whole_seconds\": %.4f, \"recent_seconds\": %.4f, \"judged_seconds\": %.5f, "
      "\"runs\": %.0f, \"good_ratio\": %.4f}\n",
      whole, recent, judged, all, *standing.good_ratio);
}
