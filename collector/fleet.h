#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/machine.h"
#include "collector/series_table.h"
#include "collector/store/store.h"
#include "core/result.h"
#include "core/sparkplug/birth.h"

namespace haidang::collector {

// Bounds on what the network can make the collector keep.
struct Limits {
  size_t machines = 20000;           // further ones are ignored, counted
  size_t series_per_machine = 5000;  // values of further ones are not read, counted
  size_t series = 4000000;           // of all machines together, likewise
  // Of what one machine may fill the journal with; it may use those of eight days at once, as after
  // an outage. What is beyond waits in its spool.
  size_t bytes_per_day = 128U << 20;
  size_t spools_per_machine = 1100;  // a birth tells of 1024 at most
  // A spool that its agent holds no more is forgotten after this.
  int64_t forget_spools_after_ms = 31LL * 24 * 3600 * 1000;
  size_t ranges_per_spool = 4096;  // a batch that would make more holes waits until they close
};

// What a birth did.
struct Learned {
  std::string refused;           // why nothing of it was taken; "" where it was
  size_t capped_series = 0;      // beyond the limits
  uint64_t gap_batches = 0;      // numbers that it closed as never to come
  uint64_t waiting_batches = 0;  // that it holds and that are not stored here
  std::vector<Spool*> held;      // what it holds, each to be answered
};

// All machines with their spools and series, and what of them is not on disk yet. Memory leads, the
// file follows: Flush puts it into the store's transaction, Saved() forgets it once that is
// committed. Loop thread only.
class Fleet {
 public:
  // `contents` is what the store holds; the aliases of spools in use are read.
  static Result<std::unique_ptr<Fleet>> Load(store::Store& store, store::Contents contents,
                                             const Limits& limits);

  Machine* Find(std::string_view name);
  Machine* ByRow(int64_t id);
  // Null where there are too many machines.
  Machine* FindOrAdd(std::string_view name);

  // Takes in a birth that names a spool id of ours.
  Learned Learn(store::Store& store, Machine& machine, const sparkplug::Birth& birth,
                int64_t wall_ms);

  // The aliases of a spool, read from the store on first use.
  Result<const AliasTable*> AliasesOf(store::Store& store, Machine& machine, Spool& spool);

  // A batch is staged: its number is taken, and fills its place in the gap ledger, or shows that
  // others are missing before it.
  struct Came {
    uint64_t number = 0;
    uint64_t crc = 0;
    int64_t time_ms = 0;
    int64_t now_ms = 0;  // wall clock
  };
  void Take(Spool& spool, const Came& batch);
  // Numbers that will never come: those of the range that did not come are settled as lost; how
  // many.
  struct Loss {
    store::NumberRange range;
    std::string reason;
    int64_t recorded_ms = 0;  // not later than this, as far as is known
    int64_t now_ms = 0;       // wall clock
  };
  uint64_t Lose(Spool& spool, const Loss& loss);

  // What is known of this boot's time changed.
  void ClockChanged(Machine& machine, uint64_t boot_id);

  // The state changed.
  void PresenceChanged(Machine& machine);
  void RowChanged(Machine& machine);

  bool unsaved() const;
  Status Flush(store::Store& store);
  void Saved();
  // The transaction was lost: batches that were taken in it are free again. Returns the machines
  // whose heads may hold what is not stored.
  std::vector<Machine*> Lost(store::Store& store);

  const std::vector<std::unique_ptr<Machine>>& machines() const { return machines_; }
  const SeriesTable& series() const { return series_; }
  size_t series_count() const { return series_count_; }
  const Limits& limits() const { return limits_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  using SlotIndex = std::unordered_map<uint32_t, uint32_t>;  // SeriesDef::identity → slot

  explicit Fleet(const Limits& limits) : limits_(limits) {}
  static SlotIndex IndexSlots(const Machine& machine);
  Status LoadSpools(store::Contents& contents);
  void LoadStates(const store::Contents& contents);
  static void LoadCommitted(Spool& spool, const std::vector<store::CommittedRow>& rows);
  Status LoadLayout(store::Store& store, Machine& machine, Layout& layout);

  // The layout that `birth` speaks, its new aliases added; null with `why` where it cannot be.
  Layout* LayoutOf(store::Store& store, Machine& machine, const sparkplug::Birth& birth,
                   std::string& why);
  bool Contradicts(const Machine& machine, const Layout& layout, const sparkplug::Birth& birth,
                   std::string& why) const;
  size_t AddAliases(Machine& machine, Layout& layout, const sparkplug::Birth& birth);
  uint32_t SlotFor(Machine& machine, SlotIndex& known, const sparkplug::BirthSeries& series);
  // Makes room where series came and went for years: those that `birth` does not declare lose their
  // slots, and all values are unknown until the full batch that follows each birth.
  void Reclaim(Machine& machine, Layout& layout, const sparkplug::Birth& birth);
  Spool* HoldSpool(Machine& machine, Layout& layout, const sparkplug::HeldSpool& held,
                   int64_t wall_ms, uint64_t& gap_batches);
  // Closes as gaps what the spool's floor says will never come; how many numbers.
  uint64_t CloseBelow(Spool& spool);
  Layout& NewLayout(Machine& machine);
  // Makes room for a new spool id; false where every one is in use.
  bool ForgetOldest(Machine& machine);
  // `all_told`: the birth named every spool that its agent holds.
  void ForgetSpools(Machine& machine, int64_t wall_ms, bool all_told);
  void LearnPlace(Machine& machine, const sparkplug::Birth& birth, int64_t wall_ms);
  void Settle(Spool& spool, uint64_t first, uint64_t last);
  void OpenHole(Spool& spool, store::NumberRange range, int64_t to_ms, int64_t now_ms);
  bool ContinueLoss(Spool& spool, const Loss& loss);
  void UpdateHoles(Spool& spool, store::NumberRange range, int64_t now_ms);
  void LoadHoles(Spool& spool, std::vector<store::HoleRow> rows);
  Status FlushHoles(store::Store& store, Spool& spool);
  void Queue(Machine& machine);
  void Queue(Spool& spool);
  Status FlushSpool(store::Store& store, Spool& spool);
  Status FlushMachine(store::Store& store, Machine& machine);

  Limits limits_;
  SeriesTable series_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::unordered_map<std::string, Machine*, Hash, std::equal_to<>> by_name_;
  std::unordered_map<int64_t, Machine*> by_row_;
  size_t series_count_ = 0;  // slots of all machines
  int64_t last_machine_ = 0;
  int64_t last_spool_ = 0;
  int64_t last_layout_ = 0;
  int64_t last_hole_ = 0;

  std::vector<Machine*> unsaved_machines_;
  std::vector<Spool*> unsaved_spools_;
  std::vector<store::AliasRow> unsaved_aliases_;
  std::vector<int64_t> forgotten_spools_;  // row ids
  std::vector<int64_t> forgotten_layouts_;
};

}  // namespace haidang::collector
