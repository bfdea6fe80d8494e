#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/io/database.h"
#include "core/result.h"
#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"

namespace haidang::agent {

struct SpoolOptions {
  std::string path;                 // spool.db; the agent is its only user
  int64_t max_bytes = 256LL << 20;  // all that is held; settled batches go first, then the oldest
  std::chrono::hours max_age{14 * 24};     // older ones that still wait are given up, counted
  std::chrono::hours keep_settled{48};     // where there is room, for a restored collector
  std::chrono::milliseconds sync{60'000};  // what a power cut may cost; 0: nothing
  std::string machine{};                   // whose batches these are; empty: anybody's
  // Called before the file is used: makes its directory ours. Where it fails, and later does not,
  // the file is used from then on.
  std::function<Status()> claim = [] { return Status(); };
};

// A batch that was recorded.
struct StoredBatch {
  int64_t rowid = 0;  // in order of recording, over all spool ids of the file
  uint64_t spool_id = 0;
  uint64_t number = 0;
  std::string encoded;  // EncodeBatch's bytes
};

// What goes to the collector in one message: a batch alone, or a pack of consecutive ones.
struct Parcel {
  uint64_t spool_id = 0;
  uint64_t first = 0;  // numbers
  uint64_t last = 0;
  int64_t first_row = 0;  // of `first`
  bool packed = false;
  std::string bytes;  // EncodeBatch's, or MakeEnvelopeBody's where packed

  size_t batches() const { return static_cast<size_t>(last - first + 1); }
};

// What a Committed changed.
struct Settlement {
  size_t settled = 0;  // batches that wait no more
  size_t again = 0;    // batches that wait again: the collector has them no more
};

// What a spool id holds; sizes of batches in a pack are their share of it.
struct SpoolIdReport {
  uint64_t spool_id = 0;
  bool current = false;  // new batches get it
  sparkplug::HeldSpool held;
  uint64_t waiting = 0;  // batches
  int64_t waiting_bytes = 0;
  int64_t oldest_ms = 0;  // age of the oldest that waits, in running time of the agent
  int64_t newest_ms = 0;
  uint64_t kept = 0;  // settled batches
  int64_t kept_bytes = 0;
};
struct SpoolReport {
  std::vector<SpoolIdReport> spools;  // oldest first
  int64_t max_bytes = 0;
  uint64_t in_memory = 0;  // of those that wait: for want of room on the disk
};

// A series that was given an alias in this file.
struct KnownSeries {
  uint64_t alias = 0;
  SeriesId series;
  DataType datatype = DataType::kDouble;
  uint32_t group = 0;  // its bit
};

// The agent's only memory on disk: immutable batches under (spool id, number), the table of aliases
// and groups that births declare, and bdSeq. An alias, once given, means its series for ever in
// this file. Every start begins a new spool id, so that no roll-back of the file gives a number a
// second content. Batches are written at once, so that kill -9 costs none; what the collector
// settled is remembered at once and written with the next batch. Settled batches are kept for a
// while: a collector that has them no more is offered them again. Loop thread only.
// A file that SQLite cannot read is moved aside and a new one begun: the call that met the damage
// returns an Error, and from then on id() is another one. A file that another machine began (this
// one was cloned from it) is moved aside as a whole, and nothing of it is sent.
// While the disk is full the newest batches are kept in memory (bounded) and written once there is
// room. Where it was full at the start and there is no file yet, or the file could not be written
// because the disk was read-only, all is in memory until it can: id() is another one from then on.
class Spool {
 public:
  // `random64` gives spool ids. An Error names a directory that cannot be written. Marks the spool
  // as in use: the next Open after one that was not Closed looks for damage.
  static Result<std::unique_ptr<Spool>> Open(SpoolOptions options, const Clock& clock,
                                             std::function<uint64_t()> random64);
  virtual ~Spool() = default;

  virtual uint64_t id() const = 0;
  virtual uint64_t next_number() const = 0;

  // Persisted: +1 for each CONNECT, wraps at 255.
  virtual Result<uint8_t> NextBdSeq() = 0;

  // The alias of a series, given on first sight. It goes to the file with the next batch: none that
  // uses it is there without it.
  // Another datatype of the same series is another alias.
  virtual Result<uint64_t> AliasOf(const SeriesId& series, DataType datatype, uint32_t group) = 0;
  // All series with an alias, in order of aliases.
  virtual Result<std::vector<KnownSeries>> Series() = 0;
  // Forgets an alias, which is not given again. Required: no batch that is held uses it.
  virtual Status Forget(uint64_t alias) = 0;
  // The bit of a source group, likewise; fails beyond sparkplug::kMaxGroups.
  virtual Result<uint32_t> GroupOf(const std::string& group) = 0;
  virtual std::vector<std::string> Groups() const = 0;

  // Encodes `batch` under the next number and stores it. Between two full batches stands what goes
  // in one envelope: a run.
  virtual Result<StoredBatch> Append(sparkplug::Batch batch) = 0;
  // The next batch should be full: the run has become long, or there is none yet.
  virtual bool wants_full() const = 0;

  // Takes `committed` as what the collector has of a spool id: settles what it names, and what was
  // settled and is not named waits again. Ignores spool ids that are not held. A number that was
  // never given, or that has another CRC there, means that this machine was rolled back while it
  // ran: nothing is settled, a new spool id begins, and what waits and was never acknowledged is
  // recorded anew under it.
  virtual Result<Settlement> Settle(const sparkplug::Committed& committed) = 0;

  // Whether a batch that waits is on its way.
  using InFlight = std::function<bool(uint64_t spool_id, uint64_t number)>;
  // What waits and is not in flight, newest first, below a row where given; at most `limit`
  // parcels. Nothing where nothing waits. A pack goes whole where that holds for more than half of
  // it.
  virtual Result<std::vector<Parcel>> Waiting(size_t limit, std::optional<int64_t> below_row,
                                              const InFlight& in_flight) = 0;
  // What still waits of these numbers, newest first. A damaged pack is found out, and given up.
  virtual Result<std::vector<Parcel>> WaitingOf(uint64_t spool_id, uint64_t first,
                                                uint64_t last) = 0;
  // The row of the oldest batch that is held, settled ones included; nothing where there is none.
  virtual std::optional<int64_t> oldest_rowid() const = 0;
  // Deletes the settled batches that are still kept.
  virtual Status GiveUpKept() = 0;

  // What a birth says of each spool id held.
  virtual Result<std::vector<sparkplug::HeldSpool>> Held() = 0;

  virtual size_t waiting_batches() const = 0;
  virtual int64_t waiting_bytes() const = 0;     // their share of held_bytes
  virtual int64_t held_bytes() const = 0;        // settled ones included
  virtual uint64_t dropped_batches() const = 0;  // since start, because of a bound or damage
  virtual Result<SpoolReport> Report() = 0;

  // The mark of a clean stop.
  virtual Status Close() = 0;
};

}  // namespace haidang::agent
