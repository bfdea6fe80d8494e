#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "agent/tick.h"
#include "core/result.h"
#include "core/sample.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"

namespace haidang::agent {

struct RecorderOptions {
  std::chrono::seconds full_every{600};  // unchanged values travel at least this often
  uint64_t boot_id = 0;                  // changes with each boot of the machine
  size_t max_series = 5000;              // further ones are refused, counted and told once
};

// Turns Ticks into batches in the spool, by exception: a value travels when it changed (NaN equals
// NaN), when its group was not in the batch before, and in every full batch. A failed group's
// series, and a series that its group no longer reads, are stated as null once. Loop thread only.
class Recorder {
 public:
  // `spool` must outlive the Recorder.
  Recorder(Spool& spool, RecorderOptions options);

  // Stores the tick as the next batch. After an Error the tick is lost and the next batch is full.
  Result<StoredBatch> Record(Tick&& tick,
                             sparkplug::AgentState state = sparkplug::AgentState::kRunning);

  // The next batch states every value.
  void RequestFull() { full_requested_ = true; }

  // A birth with timestamp, spool ids, groups, and all series that batches of this spool may use,
  // with their values now (Null where a series is not read). The caller adds seq, bdSeq and what it
  // knows of the machine.
  sparkplug::Birth MakeBirth(int64_t now_ms) const;

  // Grows whenever a birth would declare something new: a batch may be sent only after a birth of
  // its generation or a later one.
  uint64_t generation() const { return generation_; }

  size_t series() const { return read_; }               // with a value at the last tick
  uint64_t refused_series() const { return refused_; }  // readings left out because of max_series

 private:
  struct Entry {
    uint64_t alias = 0;
    DataType datatype = DataType::kDouble;
    uint32_t group = 0;
    Value value;             // as last stated
    uint64_t tick = 0;       // ordinal of the tick that last read it; 0: not read since start
    int64_t last_rowid = 0;  // no stored batch after this row uses it while it is not read
  };
  using Entries = std::map<SeriesId, Entry>;
  struct Group {
    uint32_t bit = 0;
    uint64_t tick = 0;                     // ordinal of the tick that last read it
    std::vector<Entries::iterator> order;  // as its source read them the last time
  };

  Group* FindGroup(const std::string& name);
  void RecordGroup(GroupReading&& reading, Group& group, bool full, sparkplug::Batch& batch);
  Entry* FindEntry(Reading& reading, Group& group, size_t position, sparkplug::Batch& batch);
  Entry* Introduce(Reading& reading, Group& group, sparkplug::Batch& batch);
  void StateMissing(const Tick& tick, sparkplug::Batch& batch);
  bool MakeRoom();

  Spool& spool_;
  RecorderOptions options_;
  Entries entries_;
  std::map<std::string, Group> groups_;
  uint64_t ordinal_ = 0;  // of the tick at work; 1 is the first
  int64_t next_full_ms_ = 0;
  bool full_requested_ = true;
  uint64_t generation_ = 1;
  size_t read_ = 0;
  uint64_t refused_ = 0;
  bool cap_told_ = false;
};

}  // namespace haidang::agent
