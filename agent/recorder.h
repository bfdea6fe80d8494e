#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/series_bound.h"
#include "agent/spool.h"
#include "agent/tick.h"
#include "core/clock.h"
#include "core/result.h"
#include "core/sample.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/trouble.h"

namespace haidang::agent {

class TestLedger;

struct RecorderOptions {
  std::chrono::seconds full_every{600};  // unchanged values travel at least this often
  uint64_t boot_id = 0;                  // changes with each boot of the machine
  size_t max_series = kMaxSeries;        // further ones are left out, counted and told once
  TestLedger* ledger = nullptr;          // told what each batch states; only in tests
};

// Turns Ticks into batches in the spool, by exception: a value travels when it changed (NaN equals
// NaN), when its group was not read the tick before, and in every full batch. A failed group's
// series, and a series that its group no longer reads, are stated as null once. Loop thread only.
class Recorder {
 public:
  // `spool` and `clock` must outlive the Recorder.
  Recorder(Spool& spool, const Clock& clock, RecorderOptions options);

  // Stores the tick as the next batch. After an Error the tick is lost and the next batch is full.
  Result<StoredBatch> Record(Tick&& tick,
                             sparkplug::AgentState state = sparkplug::AgentState::kRunning);

  // The next batch states every value.
  void RequestFull() { full_requested_ = true; }

  // A tick was recorded in the spool as it is now: a birth would declare what this machine has.
  bool ready() const { return recorded_ && !replaced(); }

  // A birth with timestamp, spool ids, groups, and all series that batches of this spool may use,
  // with their values now (Null where a series is not read). The caller adds seq, bdSeq and what it
  // knows of the machine. An Error while the spool is another one than at the last tick.
  Result<sparkplug::Birth> MakeBirth(int64_t now_ms) const;

  // Grows whenever a birth would declare something new: a batch may be sent only after a birth of
  // its generation or a later one.
  uint64_t generation() const { return generation_; }

  size_t series() const { return read_; }               // read at the last tick
  uint64_t refused_series() const { return refused_; }  // readings left out because of max_series

 private:
  struct Entry {
    uint64_t alias = 0;
    DataType datatype = DataType::kDouble;
    uint32_t group = 0;      // its bit
    bool stated = false;     // `value` is what the batches so far say
    Value value;             // Null where it is not read
    uint64_t tick = 0;       // ordinal of the tick that last read it; 0: not since start
    int64_t last_rowid = 0;  // of the last batch that states it
  };
  using Entries = std::map<SeriesId, Entry>;
  struct Group {
    uint32_t bit = 0;
    uint64_t present = 0;                  // ordinal of the tick that last held it, read or failed
    uint64_t read = 0;                     // ordinal of the tick that last read it
    std::vector<Entries::iterator> order;  // as its source read them the last time
  };

  // The aliases and bits here are not those of the spool.
  bool replaced() const { return spool_.id() != spool_id_; }
  void LoadKnown();
  Group* FindGroup(const std::string& name);
  void RecordGroup(GroupReading&& reading, bool full, sparkplug::Batch& batch);
  Entry* FindEntry(const Reading& reading, Group& group, size_t position);
  Entry* Introduce(const Reading& reading, Group& group, size_t position);
  bool FitDatatype(const SeriesId& series, Entry& entry, const Value& value,
                   sparkplug::Batch& batch);
  void StateAbsent(sparkplug::Batch& batch);
  Result<StoredBatch> Append(sparkplug::Batch&& batch);
  std::string LedgerLines(const sparkplug::Batch& batch) const;
  static void Remember(Group& group, size_t position, Entries::iterator entry);
  void MakeRoom();
  void NoteUnnamed(const std::string& what, const Error& why);
  void TellUnnamed();

  Spool& spool_;
  const RecorderOptions options_;
  uint64_t spool_id_ = 0;
  Entries entries_;
  std::map<uint64_t, sparkplug::BirthSeries> retired_;  // aliases of another datatype, by alias
  std::map<std::string, Group> groups_;
  uint64_t ordinal_ = 0;      // of the tick at work; 1 is the first
  int64_t next_full_ms_ = 0;  // since boot
  bool full_requested_ = true;
  bool recorded_ = false;  // since what is known was loaded
  uint64_t generation_ = 0;
  size_t read_ = 0;
  uint64_t refused_ = 0;
  uint64_t room_made_ = 0;  // ordinal of the tick that last looked for room
  bool cap_told_ = false;
  Trouble unnamed_;           // series and sources that the spool gives no alias or bit
  bool met_unnamed_ = false;  // in the tick at work
};

}  // namespace haidang::agent
