// Makes a store to ask: `haidang-store-maker DIRECTORY MACHINES DAYS` writes telemetry.db with so
// many days of batches, in blocks, of haidang-fleet's machines (60 series, 15 s, a quarter of which
// change at each tick), roll-ups of the 30 days before, and of the machines of two sites hours of
// more than a year; prints how many samples the blocks hold. Roll-ups also hold a histogram of
// response times: in site-0 of one machine at a time, as where the site's machines take turns, in
// site-1 of each. Roll-ups of before are the same for all machines, so that they are made quickly.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "collector/store/block/block.h"
#include "collector/store/rollup/piece.h"
#include "collector/store/rollup/summary.h"
#include "collector/store/store.h"
#include "collector/store/window.h"
#include "core/clock.h"
#include "tests/support/fleet/simulated_agent.h"

namespace {

using namespace haidang;

constexpr size_t kSeries = 60;
constexpr int64_t kIntervalMs = 15000;
constexpr uint64_t kTicksAWindow = store::kWindowMs / kIntervalMs;
constexpr uint64_t kFullEvery = 40;  // ticks
constexpr uint64_t kChange = 4;      // one of so many ticks
constexpr size_t kMachinesASite = 18;
constexpr int64_t kBlocksACommit = 500;
constexpr int64_t kDaysBefore = 30;          // of roll-ups
constexpr int64_t kLongPieces = 12;          // of 32 days, before these
constexpr int64_t kHistogram = kSeries + 1;  // row of that series

[[noreturn]] void Die(const Error& why) {
  std::fprintf(stderr, "haidang-store-maker: %s\n", why.message.c_str());
  std::exit(1);
}
void Must(const Status& status) {
  if (!status) Die(status.error());
}

// SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t x = state_ += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

 private:
  uint64_t state_;
};

// What one machine's series have from tick to tick.
class Values {
 public:
  Values(uint64_t seed, const std::vector<sparkplug::BirthSeries>& series)
      : random_(seed), series_(series), now_(series.size()) {
    for (double& value : now_) value = static_cast<double>(random_.Next() % 100'000) / 100;
  }
  // Which ones change now.
  void Tick(std::vector<bool>& changed) {
    for (size_t i = 0; i < now_.size(); ++i) {
      changed[i] = random_.Next() % kChange == 0;
      if (!changed[i]) continue;
      const auto step = static_cast<double>(random_.Next() % 1000) / 100;
      const bool counter = series_[i].type == MetricType::kCounter;
      now_[i] = counter ? now_[i] + step : now_[i] + step - 4.99;
      if (!counter && now_[i] < 0) now_[i] += 10;
    }
  }
  sparkplug::WireValue At(size_t i) const {
    using Kind = sparkplug::WireValue::Kind;
    if (series_[i].datatype == DataType::kUInt64) {
      return {Kind::kInt, static_cast<uint64_t>(now_[i] * 100), {}};
    }
    return {Kind::kDouble, std::bit_cast<uint64_t>(now_[i]), {}};
  }

 private:
  Random random_;
  const std::vector<sparkplug::BirthSeries>& series_;
  std::vector<double> now_;
};

void Describe(store::Store& store, const std::vector<sparkplug::BirthSeries>& series,
              size_t machines, int64_t begin_ms) {
  for (size_t i = 0; i < series.size(); ++i) {
    Must(store.Put(store::SeriesRow{static_cast<int64_t>(i + 1), series[i].series,
                                    series[i].datatype, series[i].type, series[i].unit}));
  }
  Must(store.Put(store::SeriesRow{kHistogram,
                                  {"haidang_probe_latency_seconds", {{"step", "sign-in"}}},
                                  DataType::kBytes,
                                  MetricType::kHistogram,
                                  "seconds"}));
  for (size_t i = 0; i < machines; ++i) {
    const auto id = static_cast<int64_t>(i + 1);
    Must(store.Put(
        store::MachineRow{id, "may-" + std::to_string(i), "linux", "0.1.0", kIntervalMs, {}, id}));
    Must(store.Put(store::SpoolRow{id, id, static_cast<uint64_t>(id), id, begin_ms}));
    const std::string site = "site-" + std::to_string(i / kMachinesASite);
    Must(store.Put(store::InfoRow{id, begin_ms, site, "server"}));
    for (size_t k = 0; k < series.size(); ++k) {
      Must(store.Put(
          store::AliasRow{id, series[k].alias, static_cast<int64_t>(k + 1), series[k].group}));
    }
  }
  Must(store.Commit());
}

store::BlockRow MakeBlock(int64_t machine, int64_t window_ms, uint64_t first_number,
                          const std::vector<sparkplug::BirthSeries>& series, Values& values) {
  store::BlockMaker maker;
  store::BlockRow row{machine, window_ms, 0, 0, kTicksAWindow, {}, {}};
  std::vector<size_t> columns;
  for (size_t i = 0; i < series.size(); ++i) {
    const auto id = static_cast<int64_t>(i + 1);
    columns.push_back(
        *maker.ColumnOf({id, static_cast<uint8_t>(series[i].group), series[i].datatype}));
    row.series.push_back(id);
  }
  row.series.push_back(kHistogram);  // of which only roll-ups are left
  std::vector<bool> changed(series.size());
  for (uint64_t tick = 0; tick < kTicksAWindow; ++tick) {
    const uint64_t number = first_number + tick;
    const bool full = number % kFullEvery == 1;
    const int64_t time_ms = window_ms + static_cast<int64_t>(tick) * kIntervalMs;
    maker.Add({time_ms, 0, time_ms + 100, machine, number, full ? store::kFlagFull : 0, 15});
    values.Tick(changed);
    for (size_t i = 0; i < series.size(); ++i) {
      if (full || changed[i]) maker.State(columns[i], values.At(i));
    }
  }
  row.bytes = maker.Finish();
  return row;
}

// Some sixty response times an hour, most of them about a second.
Histogram ResponseTimes(Random& random, int64_t bucket_ms) {
  Histogram times;
  for (int64_t i = 0; i < bucket_ms / 60000; ++i) {
    times.Observe(0.4 + 0.01 * static_cast<double>(random.Next() % 100) +
                  (random.Next() % 20 == 0 ? 3.0 : 0.0));
  }
  return times;
}

// What all series did in a stretch of time.
std::string MakePiece(const store::PieceGrid& grid,
                      const std::vector<sparkplug::BirthSeries>& series, bool probes) {
  const int64_t bucket_ms = store::BucketMs(grid.level);
  store::PieceMaker maker(grid);
  Random random(static_cast<uint64_t>(grid.begin_ms));
  for (size_t i = 0; i < series.size(); ++i) {
    store::NumberSummer summer(grid.begin_ms, series[i].type == MetricType::kCounter);
    double value = static_cast<double>(random.Next() % 100'000) / 100;
    // Two values in each five minutes are enough to tell them apart.
    constexpr int64_t kEveryMs = 150'000;
    for (int64_t at = 0; at < grid.length_ms; at += kEveryMs) {
      summer.See(grid.begin_ms + at, value);
      value += static_cast<double>(random.Next() % 1000) / 100;
    }
    const bool hours = grid.level == store::RollupLevel::kHour;
    maker.Add(static_cast<int64_t>(i + 1), hours ? ByHour(summer.rollup()) : summer.rollup());
  }
  if (!probes) return maker.Finish();
  store::HistogramRollup times;
  for (size_t i = 0; i < grid.buckets(); ++i) {
    times.begins_ms.push_back(grid.begin_ms + static_cast<int64_t>(i) * bucket_ms);
    times.increase.Append(ResponseTimes(random, bucket_ms));
  }
  maker.Add(kHistogram, times);
  return maker.Finish();
}

// Whether a machine asks the portal in that piece.
bool Probes(size_t machine, const store::PieceGrid& grid) {
  const auto turn = static_cast<size_t>(grid.begin_ms / grid.length_ms) % kMachinesASite;
  const size_t site = machine / kMachinesASite;
  return site == 1 || (site == 0 && machine == turn);
}

// One piece for those of the first `machines` that ask the portal, one for the others.
void PutPiece(store::Store& store, const store::PieceGrid& grid, size_t machines,
              const std::vector<sparkplug::BirthSeries>& series) {
  const std::string with = MakePiece(grid, series, true);
  const std::string without = MakePiece(grid, series, false);
  for (size_t i = 0; i < machines; ++i) {
    store::RollupChange change;
    change.made.push_back({static_cast<int64_t>(i + 1), grid.level, grid.begin_ms, grid.length_ms,
                           Probes(i, grid) ? with : without});
    Must(store.Put(change));
  }
  Must(store.Commit());
}

void PutRollups(store::Store& store, const std::vector<sparkplug::BirthSeries>& series,
                size_t machines, int64_t before_ms) {
  using enum store::RollupLevel;
  const size_t of_sites = std::min(machines, 2 * kMachinesASite);
  const int64_t end_ms = store::BeginOf(before_ms, store::kDayPieceMs);
  const int64_t begin_ms = end_ms - kDaysBefore * store::kDayPieceMs;
  for (int64_t day = begin_ms; day < end_ms; day += store::kDayPieceMs) {
    PutPiece(store, {kFiveMinutes, day, store::kDayPieceMs}, machines, series);
    PutPiece(store, {kHour, day, store::kDayPieceMs}, machines, series);
  }
  const int64_t long_end_ms = store::BeginOf(begin_ms, store::kLongPieceMs);
  for (int64_t day = long_end_ms; day < begin_ms; day += store::kDayPieceMs) {
    PutPiece(store, {kHour, day, store::kDayPieceMs}, of_sites, series);
  }
  for (int64_t i = 1; i <= kLongPieces; ++i) {
    const int64_t at_ms = long_end_ms - i * store::kLongPieceMs;
    PutPiece(store, {kHour, at_ms, store::kLongPieceMs}, of_sites, series);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) Die({"usage: haidang-store-maker DIRECTORY MACHINES DAYS"});
  const size_t machines = std::strtoul(argv[2], nullptr, 10);
  const int64_t days = std::strtol(argv[3], nullptr, 10);
  if (machines == 0 || days <= 0) Die({"at least one machine and one day"});
  store::StoreOptions options;
  options.path = std::string(argv[1]) + "/telemetry.db";
  auto opened = store::Store::Open(options, [] { return uint64_t{7}; });
  if (!opened) Die(opened.error());
  store::Store& store = **opened;
  const std::vector<sparkplug::BirthSeries> series = fleet::MakeSeries(kSeries);
  const int64_t end_ms = store::WindowOf(SystemClock().WallMs());
  const int64_t windows = days * 12;
  const int64_t begin_ms = end_ms - windows * store::kWindowMs;
  Describe(store, series, machines, begin_ms);
  PutRollups(store, series, machines, begin_ms);
  int64_t blocks = 0;
  for (size_t i = 0; i < machines; ++i) {
    const auto machine = static_cast<int64_t>(i + 1);
    Values values(i, series);
    for (int64_t w = 0; w < windows; ++w) {
      const int64_t window_ms = begin_ms + w * store::kWindowMs;
      const uint64_t first = static_cast<uint64_t>(w) * kTicksAWindow + 1;
      Must(store.Put(MakeBlock(machine, window_ms, first, series, values)));
      if (++blocks % kBlocksACommit == 0) Must(store.Commit());
    }
    const store::NumberRange all{1, static_cast<uint64_t>(windows) * kTicksAWindow};
    Must(store.PutRange(machine, {all, {}}));
  }
  Must(store.Commit());
  std::printf("{\"samples\": %lld}\n",
              static_cast<long long>(blocks) * static_cast<long long>(kTicksAWindow * kSeries));
}
