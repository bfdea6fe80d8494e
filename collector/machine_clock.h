#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace haidang::collector {

// What a machine's clock says against the collector's. Its wall clock may be wrong and may step;
// the time since its boot runs evenly, and when that boot was is learned from two things: that no
// batch comes before it was sent, and, better, the machine's own measurement of its clock's offset
// (from the times in acknowledgements, as NTP does). Pure: times are milliseconds, the collector's
// wall clock where nothing else is said.
class MachineClock {
 public:
  static constexpr int64_t kTolerance = 2000;  // a clock that is off by less is right
  static constexpr int64_t kDelay =
      int64_t{5} * 60000;  // a live batch may have been under way so long
  static constexpr int64_t kAhead = int64_t{5} * 60000;  // later than now by more is no time
  static constexpr int64_t kEarliest = 1577836800000;    // nothing is older than 2020
  static constexpr size_t kMaxBoots = 16;

  // When one boot of the machine was.
  struct Boot {
    uint64_t boot_id = 0;
    int64_t started_ms = 0;  // not later than this, and earlier by the network's delay
    bool measured = false;   // `started_ms` is right to kTolerance
    int64_t seen_ms = 0;     // when something live of it came last
  };
  struct Corrected {
    int64_t time_ms = 0;    // when it was
    int64_t offset_ms = 0;  // how far the machine's clock was ahead of that
  };

  // As it was stored; the oldest of too many are left out.
  void Load(std::vector<Boot> boots);

  // Something live came `since_boot_ms` after the boot. Whether what is known of the boot changed
  // so that it is worth storing: a new one, or a time that moved by a tenth of a second.
  bool See(uint64_t boot_id, int64_t since_boot_ms, int64_t received_ms);
  // The machine measured that `since_boot_ms` after its boot it was `time_ms`. Likewise. Required:
  // See was told of that boot.
  bool Measure(uint64_t boot_id, int64_t since_boot_ms, int64_t time_ms);

  // When that was which the machine's clock calls `wall_ms`: its own word as long as nothing
  // contradicts it, else the time since that boot. Nothing where neither makes sense.
  std::optional<Corrected> Correct(uint64_t boot_id, int64_t since_boot_ms, int64_t wall_ms,
                                   int64_t now_ms) const;

  // Null where it is not known.
  const Boot* Find(uint64_t boot_id) const;

 private:
  struct Known {
    Boot boot;
    int64_t stored_ms = 0;  // started_ms as it was stored
  };
  Known* FindKnown(uint64_t boot_id);
  static bool Moved(Known& known);

  std::map<uint64_t, Known> boots_;
};

}  // namespace haidang::collector
