#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/machine_clock.h"
#include "collector/presence.h"
#include "collector/roles.h"
#include "collector/series_table.h"
#include "collector/store/head.h"
#include "collector/store/range_set.h"
#include "collector/store/rows.h"

namespace haidang::collector {

using store::AliasEntry;
using store::AliasTable;
using store::Head;

// Aliases that the spools of one agent file share.
struct Layout {
  int64_t id = 0;
  bool loaded = false;  // `aliases` is what the table holds
  AliasTable aliases;
};

// An open entry of the gap ledger, and whether the table knows of it, and of its last change.
struct Hole {
  store::HoleRow row;
  bool stored = false;
  bool changed = true;
};

// One spool id of one machine.
struct Spool {
  store::SpoolRow row;
  Layout* layout = nullptr;
  store::RangeSet committed;  // what is staged included
  uint64_t newest = 0;        // the batch received last, and when; for the acknowledgement
  int64_t newest_received_ms = 0;
  // Of the batch with the highest number, where it is stored: its CRC and its time.
  std::optional<uint64_t> highest_crc;
  std::optional<int64_t> highest_time_ms;
  // Its open entries of the gap ledger, by number.
  std::vector<Hole> holes;
  // The entry that ends with the highest number, where all of it is lost: it goes on with the next.
  std::unique_ptr<store::HoleRow> last_lost;
  bool ack_due = false;   // something is to be acknowledged
  bool named = false;     // by the machine's last birth
  bool settled = false;   // `row.touched_ms` is the time of the first birth that names it no more
  size_t ack_cursor = 0;  // where the next acknowledgement begins among too many ranges

  // Numbers up to `last` that did not come will never come, says its agent's last birth; 0: none.
  struct Floor {
    uint64_t last = 0;
    std::string reason;
    int64_t recorded_ms = 0;  // not later than this
    int64_t told_ms = 0;
  };
  Floor floor;

  // What is not on disk yet.
  bool row_unsaved = false;
  bool queued = false;  // in Fleet's list of spools to be saved
  std::vector<uint64_t> changed_ranges;
  std::vector<uint64_t> removed_ranges;
  std::vector<store::GapRow> gaps;
  std::vector<store::HoleRow> closed_holes;
  std::vector<int64_t> removed_holes;  // ids of entries not worth telling
};

// How much of its share of the journal a machine has used: it fills as bytes are taken and drains
// with time.
class Share {
 public:
  static constexpr double kDays = 8;  // that may be used at once

  // False where there is no room for so many bytes now.
  bool Take(size_t bytes, size_t bytes_per_day, int64_t mono_ms);

 private:
  double used_ = 0;  // bytes
  int64_t at_ms_ = 0;
};

// One machine, as the collector knows it. Loop thread only.
struct Machine {
  store::MachineRow row;
  bool registered = false;  // a birth of it is known; until then it is nobody
  std::string site;         // as its births told
  std::string machine_class;

  std::vector<std::unique_ptr<Layout>> layouts;
  std::vector<std::unique_ptr<Spool>> spools;
  Spool* live = nullptr;  // where new batches come from

  std::vector<const SeriesDef*> slots;
  Roles roles;
  uint32_t slots_version = 0;  // counts the changes of `slots`
  Head head;
  CpuMeter cpu;
  bool head_stale = false;                 // a hole was filled: rebuild it after the commit
  std::optional<int64_t> rebuilt_mono_ms;  // when that was done last

  Share share;
  MachineClock clock;
  Presence presence;
  int64_t received_ms = 0;                  // of its newest stored batch, wall clock; 0: never
  std::optional<int64_t> received_mono_ms;  // of the batch that the head ends with
  std::optional<uint8_t> seq;               // of its last message

  std::optional<int64_t> acked_mono_ms;
  bool ack_queued = false;
  bool ack_at_once = false;

  // What is not on disk yet.
  bool row_unsaved = false;
  bool presence_unsaved = false;
  bool queued = false;  // in Fleet's list of machines to be saved
  std::optional<store::InfoRow> info_unsaved;
  std::optional<store::BootRow> boot_unsaved;

  Spool* FindSpool(uint64_t spool_id) const;
  Spool* SpoolByRow(int64_t id) const;
  Layout* FindLayout(int64_t id) const;

  // Call after each change of `slots`.
  void SeriesChanged();

  // Its values may be shown as now: it is online, and its newest batch is not old. Over a broker
  // that is away nobody becomes silent, but nothing stays fresh either.
  bool Fresh(Moment now) const;
};

}  // namespace haidang::collector
