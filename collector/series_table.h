#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/store/rows.h"

namespace haidang::collector {

// What a number means for the overview.
enum class Role : uint8_t {
  kNone,
  kLoad1,
  kCpuIdle,
  kCpuOther,
  kMemoryTotal,
  kMemoryAvailable,
  kDiskSize,
  kDiskAvailable,
  kDiskReadOnly,
  kBootTime,
  kClockOffset,
  kClockError,
  kProbeSuccess,
  kProbeDuration,
  kProbeReason,
  kProbeRuns,
  kProbeRequests,
  kJourneyShared,
  kJourneyLeased,
  kJourneyInterval,
  kJourneyRuns,
  kCheckState,
  kCheckOutput,
  kCheckRuns,
};

// A series as all machines share it. Never changes and never dies before the table, so that other
// threads may read it through a pointer that the loop thread gave them.
struct SeriesDef {
  store::SeriesRow row;
  uint32_t metric = 0;    // equal for series of one metric
  uint32_t identity = 0;  // equal for series that differ in nothing but the datatype
  Role role = Role::kNone;
};

// Every series that any machine has, once. Loop thread only, but for reading a SeriesDef.
class SeriesTable {
 public:
  // Takes what is on disk; `rows` ascend by id.
  explicit SeriesTable(std::vector<store::SeriesRow> rows = {});

  // Null where no machine has told it yet.
  const SeriesDef* Find(const SeriesId& series, DataType datatype) const;
  // The series with this identity and datatype, made on first sight. Null where the table is full.
  const SeriesDef* Intern(const SeriesId& series, DataType datatype, MetricType type,
                          const std::string& unit);
  const SeriesDef* ById(int64_t id) const;

  size_t size() const { return defs_.size(); }
  // Those that are not on disk yet.
  std::vector<const SeriesDef*> Unsaved() const;
  void Saved() { saved_ = defs_.size(); }

  static constexpr size_t kMax = 1000000;

 private:
  const SeriesDef* Add(store::SeriesRow row);

  std::deque<SeriesDef> defs_;
  std::unordered_map<std::string, const SeriesDef*> by_key_;
  std::unordered_map<int64_t, const SeriesDef*> by_id_;
  std::unordered_map<std::string, uint32_t> metrics_;
  std::unordered_map<std::string, uint32_t> identities_;
  int64_t last_id_ = 0;
  size_t saved_ = 0;
};

}  // namespace haidang::collector
