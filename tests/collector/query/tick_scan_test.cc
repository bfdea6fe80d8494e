#include "collector/store/query/tick_scan.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "collector/store/scan.h"
#include "tests/collector/query/random_store.h"

using namespace haidang;
using namespace haidang::collector::testing;
using namespace haidang::store;

namespace {

// What is known at each batch: numbers, and histograms as they are encoded.
struct KnownThen {
  std::vector<int64_t> times;
  std::vector<std::vector<double>> numbers;
  std::vector<std::vector<std::string>> histograms;
};

double OrNaN(std::optional<double> number) {
  return number.value_or(std::numeric_limits<double>::quiet_NaN());
}

struct MachineReading {
  Database db;
  TickQuestion ticks;
  ScanQuestion scan;

  // Of one machine: every series that is no text, a slot each.
  MachineReading(const std::string& path, int64_t machine, int64_t from_ms, int64_t to_ms)
      : db(std::move(*Database::Open(path, {.read_only = true}))) {
    ticks.machine = scan.machine = machine;
    ticks.from_ms = scan.from_ms = from_ms;
    ticks.to_ms = scan.to_ms = to_ms;
    auto series = db.Prepare("SELECT id, datatype FROM series ORDER BY id");
    REQUIRE(series);
    while (*series->Step()) {
      const auto slot = static_cast<uint32_t>(ticks.histograms.size());
      ticks.slots[series->Int(0)] = scan.slots[series->Int(0)] = slot;
      ticks.histograms.push_back(series->Int(1) == static_cast<int64_t>(DataType::kBytes));
    }
    auto aliases = db.Prepare(
        "SELECT p.id, a.alias, a.series, a.source_group, s.datatype FROM spool p JOIN alias a"
        " ON a.layout = p.layout JOIN series s ON s.id = a.series WHERE p.machine = ?1");
    REQUIRE(aliases);
    aliases->Bind(1, machine);
    while (*aliases->Step()) {
      scan.speakers[aliases->Int(0)].Set(
          aliases->UInt(1), {scan.slots.at(aliases->Int(2)), static_cast<uint8_t>(aliases->Int(3)),
                             static_cast<DataType>(aliases->Int(4))});
    }
  }

  KnownThen ByHeads() {
    KnownThen read;
    read.numbers.resize(ticks.histograms.size());
    read.histograms.resize(ticks.histograms.size());
    REQUIRE(Scan(db, scan).Run([&](const TickRow& row, const Head& head) {
      read.times.push_back(row.time_ms);
      for (uint32_t slot = 0; slot < ticks.histograms.size(); ++slot) {
        if (ticks.histograms[slot]) {
          read.histograms[slot].emplace_back(head.Text(slot).value_or(""));
        } else {
          read.numbers[slot].push_back(OrNaN(head.Number(slot)));
        }
      }
      return true;
    }));
    return read;
  }

  KnownThen ByColumns() {
    KnownThen read;
    read.numbers.resize(ticks.histograms.size());
    read.histograms.resize(ticks.histograms.size());
    const QueryControl control;
    Budget budget(control, nullptr);
    TickScan columns(db, ticks, budget);
    for (;;) {
      const auto more = columns.Next();
      REQUIRE(more);
      if (!*more) return read;
      read.times.insert(read.times.end(), columns.times().begin(), columns.times().end());
      for (uint32_t slot = 0; slot < ticks.histograms.size(); ++slot) {
        if (ticks.histograms[slot]) {
          const auto texts = columns.Histograms(slot);
          read.histograms[slot].insert(read.histograms[slot].end(), texts.begin(), texts.end());
        } else {
          const auto numbers = columns.Numbers(slot);
          read.numbers[slot].insert(read.numbers[slot].end(), numbers.begin(), numbers.end());
        }
      }
    }
  }
};

bool Same(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

TEST_CASE("columns say of each batch what heads say that the batches are applied to") {
  for (uint64_t seed = 11; seed < 21; ++seed) {
    INFO("seed " << seed);
    RandomStore store(seed);
    std::mt19937_64 random(seed);
    const auto length = static_cast<uint64_t>(store.end_ms() - store.begin_ms());
    for (int64_t machine = 1; machine <= 4; ++machine) {
      for (int i = 0; i < 6; ++i) {
        const int64_t from = store.begin_ms() + static_cast<int64_t>(random() % length) * (i > 0);
        const int64_t to = i == 0 ? store.end_ms() : from + static_cast<int64_t>(random() % length);
        MachineReading reading(store.path(), machine, from, to);
        const KnownThen heads = reading.ByHeads(), columns = reading.ByColumns();
        CHECK(columns.times == heads.times);
        CHECK(columns.histograms == heads.histograms);
        for (size_t slot = 0; slot < heads.numbers.size(); ++slot) {
          CHECK(Same(columns.numbers[slot], heads.numbers[slot]));
        }
      }
    }
  }
}
