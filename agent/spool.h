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
  int64_t max_bytes = 256LL << 20;  // waiting batches; then the oldest go, counted
  std::chrono::hours max_age{14 * 24};
};

// A batch that waits for the collector's word.
struct StoredBatch {
  int64_t rowid = 0;  // in order of recording, over all spool ids of the file
  uint64_t spool_id = 0;
  uint64_t number = 0;
  std::string encoded;  // EncodeBatch's bytes
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
// this file. Loop thread only. A file that SQLite cannot read is moved aside and a new one begun:
// the call that met the damage returns an Error, and from then on id() is another one.
// While the disk is full the newest batches are kept in memory (bounded) and written once there is
// room. Where it was full at the start and there is no file yet, all is in memory until there can
// be one: id() is another one from then on.
class Spool {
 public:
  // `random64` gives spool ids. An Error names a directory that cannot be written. Marks the spool
  // as in use: the next Open after one that was not Closed begins a new spool id.
  static Result<std::unique_ptr<Spool>> Open(SpoolOptions options, const Clock& clock,
                                             std::function<uint64_t()> random64);
  virtual ~Spool() = default;

  virtual uint64_t id() const = 0;
  virtual uint64_t next_number() const = 0;

  // Persisted: +1 for each CONNECT, wraps at 255.
  virtual Result<uint8_t> NextBdSeq() = 0;

  // The alias of a series, given on first sight and persisted before it is returned.
  // Another datatype of the same series is another alias.
  virtual Result<uint64_t> AliasOf(const SeriesId& series, DataType datatype, uint32_t group) = 0;
  // All series with an alias, in order of aliases.
  virtual Result<std::vector<KnownSeries>> Series() = 0;
  // Forgets an alias, which is not given again. Required: no waiting batch uses it.
  virtual Status Forget(uint64_t alias) = 0;
  // The bit of a source group, likewise; fails beyond sparkplug::kMaxGroups.
  virtual Result<uint32_t> GroupOf(const std::string& group) = 0;
  virtual std::vector<std::string> Groups() const = 0;

  // Encodes `batch` under the next number and stores it.
  virtual Result<StoredBatch> Append(sparkplug::Batch batch) = 0;

  // Settles what `committed` names; ignores spool ids that are not held. Returns how many batches
  // it settled. A number that was never given means a rolled-back file: a new spool id begins.
  virtual Result<size_t> Settle(const sparkplug::Committed& committed) = 0;

  // Unsettled batches, newest first, at most `limit`, below a row where given.
  virtual Result<std::vector<StoredBatch>> Waiting(size_t limit,
                                                   std::optional<int64_t> below_rowid) = 0;
  // Nothing where it is settled or was given up.
  virtual Result<std::optional<StoredBatch>> Find(uint64_t spool_id, uint64_t number) = 0;
  // The row of the oldest waiting batch; nothing where none waits.
  virtual std::optional<int64_t> oldest_rowid() const = 0;

  // What a birth says of each spool id held.
  virtual Result<std::vector<sparkplug::HeldSpool>> Held() = 0;

  virtual size_t waiting_batches() const = 0;
  virtual int64_t waiting_bytes() const = 0;
  virtual uint64_t dropped_batches() const = 0;  // since start, because of a bound

  // The mark of a clean stop.
  virtual Status Close() = 0;
};

}  // namespace haidang::agent
