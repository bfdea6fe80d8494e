#pragma once

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "collector/store/places.h"
#include "collector/store/reader.h"
#include "core/histogram.h"
#include "tests/collector/world.h"

namespace haidang::collector::testing {

// A store of some machines and hours with everything that makes reading hard: holes, nulls, groups
// that were not read, counters and histograms that began again, late batches, machines that moved,
// windows in blocks and in the journal. Beside it, what is known at each batch, found naively.
class RandomStore : public World {
 public:
  explicit RandomStore(uint64_t seed);

  struct Known {
    int64_t time_ms = 0;
    double number = 0;
    Histogram histogram;
  };
  struct Series {
    std::string machine;
    SeriesId id;
    bool histogram = false;
    std::vector<Known> known;      // only batches at which it is known, ascending
    std::vector<int64_t> batches;  // all of its machine, ascending
  };

  std::string path() const { return dir + "/telemetry.db"; }
  const std::vector<Series>& series() const { return series_; }
  int64_t begin_ms() const { return begin_ms_; }
  int64_t end_ms() const { return end_ms_; }
  // By the snapshot and what births told, looked up anew each time.
  store::Place PlaceOf(const std::string& machine, int64_t time_ms) const;

  // Roll-ups as they would be made of what is known, for the stretches that `covered` names.
  Result<store::RolledUp> ReadRollups(int64_t machine, store::RollupLevel level, int64_t from_ms,
                                      int64_t to_ms, const store::WantedRollups& wanted) const;
  std::map<store::RollupLevel, std::vector<store::Stretch>> covered;

  std::unique_ptr<store::Reader> Open();

 private:
  using Batches = std::map<uint64_t, TestAgent::Tick>;  // by number
  struct Filled {
    TestAgent agent;
    std::vector<uint64_t> aliases;
    double counter = 100;
    Histogram histogram{};
    uint64_t silent_until = 0;
    std::vector<TestAgent::Tick> late{};
    Batches batches{};  // what came of it in the end
  };
  Filled MakeMachine(int i);
  TestAgent::Tick MakeTick(Filled& machine, uint64_t number);
  void Give(Filled& machine, uint64_t number);
  void Compact();
  void Learn(const Filled& machine);
  void ReadRows();

  std::mt19937_64 random_;
  std::vector<Series> series_;
  int64_t begin_ms_ = 0, end_ms_ = 0;
  store::Places places_;
  struct Told {
    int64_t from_ms;
    std::string site, machine_class;
  };
  std::map<std::string, std::vector<Told>> told_;             // by machine
  std::map<std::string, int64_t> machine_rows_;               // by name
  std::map<std::pair<SeriesId, bool>, int64_t> series_rows_;  // whether histograms
};

}  // namespace haidang::collector::testing
