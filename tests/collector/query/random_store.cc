#include "tests/collector/query/random_store.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "collector/store/compactor.h"
#include "collector/store/json.h"
#include "collector/store/query/step_grid.h"
#include "collector/store/window.h"

namespace haidang::collector::testing {
namespace {

constexpr uint64_t kTicks = 1700;  // seven hours
constexpr uint64_t kFullEvery = 40;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

template <typename T>
T Must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void Must(Status status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// What of `stretches` lies in [from_ms, to_ms).
std::vector<store::Stretch> Within(const std::vector<store::Stretch>& stretches, int64_t from_ms,
                                   int64_t to_ms) {
  std::vector<store::Stretch> within;
  for (const auto& stretch : stretches) {
    const store::Stretch cut{std::max(stretch.from_ms, from_ms), std::min(stretch.to_ms, to_ms)};
    if (cut.from_ms < cut.to_ms) within.push_back(cut);
  }
  return within;
}

bool Fell(const Histogram& before, const Histogram& after) {
  if (after.zero_count() < before.zero_count()) return true;
  return std::any_of(before.buckets().begin(), before.buckets().end(), [&](const auto& bucket) {
    const auto it = after.buckets().find(bucket.first);
    return it == after.buckets().end() || it->second < bucket.second;
  });
}

}  // namespace

RandomStore::RandomStore(uint64_t seed) : random_(seed) {
  std::vector<Filled> machines;
  for (int i = 1; i <= 4; ++i) {
    machines.push_back(MakeMachine(i));
    Receive(machines.back().agent.Birth());
  }
  begin_ms_ = machines.front().agent.TimeOf(1);
  end_ms_ = machines.back().agent.TimeOf(kTicks);
  const int64_t middle_ms = begin_ms_ + (end_ms_ - begin_ms_) / 2 + 7000;
  query::Snapshot snapshot;
  snapshot.version = static_cast<int64_t>(seed);
  snapshot.sites = {{"A", "Phường A", "commune", "", 0, middle_ms - 3600 * 1000},
                    {"A", "Phường A mới", "commune", "", middle_ms - 3600 * 1000, {}},
                    {"B", "Phường B", "commune", "", 0, {}}};
  // Away for an hour and back again.
  snapshot.placements = {{"pc-2", "B", "", middle_ms, middle_ms + 3600 * 1000 + 100}};
  places_ = store::Places(snapshot);
  for (uint64_t number = 1; number <= kTicks; ++number) {
    for (Filled& machine : machines) Give(machine, number);
    if (number == kTicks / 3) Compact();
  }
  if (random_() % 2 == 0) Compact();
  for (Filled& machine : machines) {
    for (const TestAgent::Tick& tick : machine.late) Receive(machine.agent.Historical(tick));
  }
  if (random_() % 2 == 0) Compact();
  Must(ingest->Commit());
  Must(store->Put(snapshot));
  Must(store->Commit());
  for (const Filled& machine : machines) Learn(machine);
  ReadRows();
}

RandomStore::Filled RandomStore::MakeMachine(int i) {
  TestAgent agent("pc-" + std::to_string(i), 0xA0 + static_cast<uint64_t>(i));
  agent.site = i <= 2 ? "A" : "B";
  agent.machine_class = i % 2 == 0 ? "server" : "desktop";
  agent.epoch_ms += i * 1000;
  const std::vector<uint64_t> aliases{
      agent.Declare({"gauge", {{"disk", "/"}}}),
      agent.Declare({"gauge", {{"disk", "/data"}}}, DataType::kInt64, 1),
      agent.Declare({"counter", {{"site", "own"}}}, DataType::kUInt64, 1, MetricType::kCounter),
      agent.Declare({"histogram", {}}, DataType::kBytes, 2)};
  return {.agent = std::move(agent), .aliases = aliases};
}

TestAgent::Tick RandomStore::MakeTick(Filled& machine, uint64_t number) {
  const auto& aliases = machine.aliases;
  TestAgent::Tick tick;
  tick.number = number;
  tick.full = number % kFullEvery == 1;
  const auto now = [&](uint64_t one_in) { return tick.full || random_() % one_in == 0; };
  if (now(3)) tick.values[aliases[0]] = static_cast<double>(random_() % 1000) / 8;
  if (now(9)) tick.values[aliases[1]] = static_cast<int64_t>(random_() % 100) - 50;
  if (random_() % 300 == 0) machine.counter = 0;
  if (random_() % 4 == 0) machine.counter += static_cast<double>(random_() % 100);
  if (now(2)) tick.values[aliases[2]] = static_cast<uint64_t>(machine.counter);
  if (random_() % 400 == 0) machine.histogram = {};
  for (uint64_t n = random_() % 3; n > 0; --n) {
    const auto seconds = static_cast<double>(random_() % 5000 + 1) / 1000;
    machine.histogram.Observe(random_() % 5 == 0 ? 0 : seconds);
  }
  if (now(4)) tick.values[aliases[3]] = Bytes{machine.histogram.Encode()};
  if (random_() % 60 == 0) tick.values[aliases[random_() % aliases.size()]] = Null{};
  if (random_() % 50 == 0) tick.groups = random_() % 8;
  constexpr uint64_t kGroups[] = {0, 1, 1, 2};
  for (size_t i = 0; i < aliases.size(); ++i) {  // what was not read is not stated
    if ((tick.groups >> kGroups[i] & 1) == 0) tick.values.erase(aliases[i]);
  }
  return tick;
}

void RandomStore::Give(Filled& machine, uint64_t number) {
  const TestAgent::Tick tick = MakeTick(machine, number);
  if (random_() % 150 == 0) machine.silent_until = number + random_() % 6;
  if (random_() % 400 == 0) machine.silent_until = number + 15 + random_() % 60;
  if (number == kTicks / 2 && machine.agent.machine() == "pc-3") {
    machine.agent.site = "A";
    machine.agent.machine_class = "kiosk";
    Receive(machine.agent.Birth(number));
  }
  if (number < machine.silent_until) return;
  machine.batches[number] = tick;
  if (random_() % 15 == 0) {
    machine.late.push_back(tick);
  } else {
    Receive(machine.agent.Live(tick));
  }
}

void RandomStore::Compact() {
  Must(ingest->Commit());
  auto compactor = Must(store::Compactor::Open(path()));
  std::set<std::pair<int64_t, int64_t>> windows;
  Must(store->ForEachUncovered([&](int64_t machine, int64_t time_ms, int64_t) {
    windows.emplace(machine, store::WindowOf(time_ms));
  }));
  for (const auto& [machine, window] : windows) {
    if (random_() % 4 == 0) continue;
    Must(store->Put(Must(compactor->Make({machine, window})).row));
    Must(store->Commit());
  }
}

// What is known of each series at each batch: docs/store-format.md, "What a value means".
void RandomStore::Learn(const Filled& machine) {
  const auto& [agent, aliases] = std::tie(machine.agent, machine.aliases);
  const auto birth = agent.birth();
  for (size_t i = 0; i < aliases.size(); ++i) {
    const auto& declared = birth.series[i];
    Series series{agent.machine(), declared.series, declared.datatype == DataType::kBytes, {}, {}};
    haidang::Value value;
    uint64_t before = 0;
    for (const auto& [number, tick] : machine.batches) {
      const bool read = (tick.groups >> declared.group & 1) != 0;
      if (number != before + 1 || tick.full || !read) value = Null{};
      if (const auto stated = tick.values.find(aliases[i]); stated != tick.values.end()) {
        value = stated->second;
      }
      before = number;
      series.batches.push_back(agent.TimeOf(number));
      if (std::holds_alternative<Null>(value)) continue;
      Known known{agent.TimeOf(number), AsNumber(value), {}};
      if (series.histogram) known.histogram = Must(Histogram::Decode(std::get<Bytes>(value).data));
      series.known.push_back(std::move(known));
    }
    series_.push_back(std::move(series));
  }
}

void RandomStore::ReadRows() {
  auto db = Must(Database::Open(path(), {.read_only = true}));
  const auto each = [&](const char* sql, auto&& visit) {
    auto rows = Must(db.Prepare(sql));
    while (Must(rows.Step())) visit(rows);
  };
  each("SELECT name, id FROM machine",
       [&](Statement& row) { machine_rows_[std::string(row.Text(0))] = row.Int(1); });
  each("SELECT metric, labels, datatype, id FROM series", [&](Statement& row) {
    const bool histogram = row.Int(2) == static_cast<int64_t>(DataType::kBytes);
    series_rows_[{{std::string(row.Text(0)), store::DecodeLabels(row.Text(1))}, histogram}] =
        row.Int(3);
  });
  each(
      "SELECT name, valid_from_ms, site, class FROM machine_info JOIN machine ON id = machine"
      " ORDER BY 1, 2",
      [&](Statement& row) {
        told_[std::string(row.Text(0))].push_back(
            {row.Int(1), std::string(row.Text(2)), std::string(row.Text(3))});
      });
}

store::Place RandomStore::PlaceOf(const std::string& machine, int64_t time_ms) const {
  const auto& told = told_.at(machine);
  const Told* now = &told.front();
  for (const Told& row : told) {
    if (row.from_ms <= time_ms) now = &row;
  }
  return places_.Of(machine, now->site, now->machine_class, time_ms);
}

Result<store::RolledUp> RandomStore::ReadRollups(int64_t machine, store::RollupLevel level,
                                                 int64_t from_ms, int64_t to_ms,
                                                 const store::WantedRollups& wanted) const {
  store::RolledUp out;
  const auto stretches = covered.find(level);
  if (stretches == covered.end()) return out;
  out.covered = Within(stretches->second, from_ms, to_ms);
  const auto told = [&](int64_t time_ms) {
    return !Within(out.covered, time_ms, time_ms + 1).empty();
  };
  for (const Series& series : series_) {
    const int64_t row = series_rows_.at({series.id, series.histogram});
    if (machine_rows_.at(series.machine) != machine || !wanted.series.contains(row)) continue;
    store::NumberRollup& numbers = out.numbers[row];
    store::HistogramRollup& histograms = out.histograms[row];
    std::map<int64_t, Histogram> gained;
    const Known* before = nullptr;
    for (const Known& known : series.known) {
      const bool bridged = before != nullptr && known.time_ms - before->time_ms <= store::kBridgeMs;
      const int64_t bucket = store::StepGrid::Floor(known.time_ms, store::BucketMs(level));
      if (!told(known.time_ms)) {
      } else if (series.histogram) {
        if (bridged) {
          const auto more = [&](const Histogram& a, const Histogram& b) {
            // a - b, by its parts.
            std::map<int, uint64_t> counts = a.buckets();
            for (const auto& [index, count] : b.buckets()) counts[index] -= count;
            Histogram gain;
            for (const auto& [index, count] : counts) {
              for (uint64_t n = 0; n < count; ++n) {
                gain.Observe(Histogram::UpperBound(index) * 0.95);
              }
            }
            for (uint64_t n = b.zero_count(); n < a.zero_count(); ++n) gain.Observe(0);
            return gain;
          };
          const bool fell = Fell(before->histogram, known.histogram);
          gained[bucket].Merge(more(known.histogram, fell ? Histogram() : before->histogram));
        }
      } else {
        if (numbers.begins_ms.empty() || numbers.begins_ms.back() != bucket) {
          numbers.begins_ms.push_back(bucket);
          for (auto* column : {&numbers.count, &numbers.sum}) column->push_back(0);
          for (auto* column : {&numbers.min, &numbers.max, &numbers.first}) {
            column->push_back(known.number);
          }
          numbers.last.push_back(0);
          numbers.increase.push_back(kUnknown);
        }
        numbers.count.back() += 1;
        numbers.sum.back() += known.number;
        numbers.min.back() = std::min(numbers.min.back(), known.number);
        numbers.max.back() = std::max(numbers.max.back(), known.number);
        numbers.last.back() = known.number;
        if (bridged) {
          const bool fell = known.number < before->number;
          const double gain = fell ? known.number : known.number - before->number;
          double& total = numbers.increase.back();
          total = std::isnan(total) ? gain : total + gain;
        }
      }
      before = &known;
    }
    for (const auto& [begin, histogram] : gained) {
      histograms.begins_ms.push_back(begin);
      histograms.increase.Append(histogram);
    }
    if (series.histogram) {
      out.numbers.erase(row);
    } else {
      out.histograms.erase(row);
    }
  }
  return out;
}

std::unique_ptr<store::Reader> RandomStore::Open() {
  store::ReaderOptions reader;
  reader.rollups = [this](Database&, int64_t machine, store::RollupLevel level, int64_t from_ms,
                          int64_t to_ms, const store::WantedRollups& wanted) {
    return ReadRollups(machine, level, from_ms, to_ms, wanted);
  };
  return Must(store::OpenReader(path(), std::move(reader)));
}

}  // namespace haidang::collector::testing
