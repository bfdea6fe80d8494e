#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/rollup/change.h"
#include "collector/store/rows.h"
#include "core/clock.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

struct StoreOptions {
  std::string path;                     // telemetry.db; the collector is its only user
  int64_t cache_bytes = 32LL << 20;     // pages of the writing connection
  int wal_pages = 4000;                 // checkpointed when the WAL has so many
  int64_t quarantine_bytes = 64 << 20;  // kept for a look, all machines together
  int64_t spare_pages = 2048;           // free ones that the file may have at least
};

// How long what is kept is kept.
struct Retention {
  std::chrono::milliseconds raw = std::chrono::hours(24 * 30);            // batches and events
  std::chrono::milliseconds five_minutes = std::chrono::hours(24 * 396);  // roll-ups; ≥ raw
  std::chrono::milliseconds hour = std::chrono::hours(24 * 1830);         // ≥ five_minutes
  std::chrono::milliseconds findings = std::chrono::hours(24 * 1830);     // since they were closed
};

// What is known when the collector starts; the journal is not read.
struct Contents {
  std::vector<MachineRow> machines;
  std::vector<SpoolRow> spools;
  std::vector<std::pair<int64_t, std::vector<CommittedRow>>> committed;  // by spool, ascending
  std::vector<HoleRow> open_holes;                                       // by spool and number
  int64_t last_hole_id = 0;
  std::vector<SeriesRow> series;
  std::vector<PresenceRow> presence;
  std::vector<BootRow> boots;
  std::vector<InfoRow> info;  // the one that is valid now, of each machine
  std::vector<query::Finding> open_findings;
  int64_t last_finding_id = 0;
  int64_t last_layout = 0;
  int64_t journal_rows = 0;  // estimated from the first and the last
  query::Snapshot snapshot;
};

// The writing side of telemetry.db. What is put stands in one transaction that the first Put begins
// and Commit makes durable. After any Error of a Put or of Commit nothing of that transaction is
// kept, and the caller puts again what it still wants. Loop thread only.
class Store {
 public:
  // Makes the file where it does not exist and migrates it where it is old. `random64` gives the
  // store id of a new file.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options,
                                             const std::function<uint64_t()>& random64);

  uint64_t id() const { return id_; }
  const std::string& path() const { return db_.path(); }

  Result<Contents> Load();
  // The youngest 65 536 at most, youngest first.
  Result<std::vector<AliasRow>> Aliases(int64_t layout);
  Result<std::vector<CommittedRow>> Ranges(int64_t spool);
  // The spool's entries of the gap ledger that are open, by number.
  Result<std::vector<HoleRow>> OpenHoles(int64_t spool);
  // A machine's batches from the newest device time back, until `visit` says false. Views live
  // during the call only.
  Status Recent(int64_t machine, int64_t from_ms,
                const std::function<bool(const JournalRow&)>& visit);
  // The machine's batches in the journal about that time which are not of `spool`.
  Status OfOtherSpools(int64_t machine, int64_t spool, int64_t time_ms,
                       const std::function<void(std::string_view payload)>& visit);
  // When the machine's newest batch that is in a block was received; 0 where there is none.
  Result<int64_t> LastReceivedInBlocks(int64_t machine);
  // The rows of the journal that are in no block, in any order.
  Status ForEachUncovered(
      const std::function<void(int64_t machine, int64_t time_ms, int64_t id)>& visit);
  // By URL.
  Result<std::vector<RemoteRow>> Remotes();
  // About a thousand rows of the journal, in order, the first and the last among them: `bytes` are
  // those of the payloads of the row and, as if they were alike, of those up to the next one.
  Status SampleJournal(
      const std::function<void(int64_t id, int64_t received_ms, int64_t bytes)>& visit);
  // Whether a batch whose number is taken is another one than the stored one: another CRC at the
  // same time, or another time. Numbers that were closed as gaps, and batches older
  // than the journal goes back, conflict with nothing.
  Result<bool> IsConflict(const JournalRow& key, uint64_t crc, int64_t journal_from_ms);

  // The id that it gets, in order of arrival.
  Result<int64_t> Append(const JournalRow& row);
  Status AppendEvent(const JournalRow& batch, const Event& event);
  Status Put(const MachineRow& row);
  Status Put(const SpoolRow& row);
  Status Put(const SeriesRow& row);
  Status Put(const AliasRow& row);
  Status Put(const BootRow& row);
  Status Put(const PresenceRow& row);
  Status Put(const InfoRow& row);  // closes the row that was valid before
  Status Put(const GapRow& row);
  Status Put(const HoleRow& row);
  Status RemoveHole(int64_t id);
  // In place of the part that was there. What roll-ups say of the window, and of the one after it,
  // is due.
  Status Put(const BlockRow& row);
  // Rows of the journal before `first_needed` are in blocks that were committed.
  Status NoteCovered(int64_t first_needed);
  Status Put(const RollupChange& change);
  Status Put(const QuarantineRow& row);
  Status Put(const RemoteRow& row);
  Status RemoveRemote(const std::string& url);
  Status Put(const query::Finding& finding);
  Status Put(const query::Snapshot& snapshot);
  Status PutRange(int64_t spool, const CommittedRow& row);
  Status RemoveRange(int64_t spool, uint64_t first);
  // A spool of which the journal holds nothing any more; a layout that no spool speaks.
  Status ForgetSpool(int64_t spool);
  Status ForgetLayout(int64_t layout);
  // By the clock of then; nothing where the journal has no row, or cannot be read.
  std::optional<int64_t> NewestReceivedMs();
  // Deletes at most `limit` rows of the journal that are in blocks and no more looked at, or too
  // old; as many events and closed findings that are too old, and some blocks; how many rows of the
  // journal it deleted. `needed`: the first row that is in no block. What came more than a day
  // after `now_ms` came now.
  Result<int64_t> Expire(const Retention& retention, int64_t needed, int64_t now_ms, int64_t limit);

  // Gives pages that are free back to the file system, where there are many, for `budget` at most.
  Status Shrink(const Clock& clock, std::chrono::microseconds budget);

  bool staged() const { return transaction_.has_value(); }
  Status Commit();
  void Rollback();

 private:
  struct Statements;
  Store(Database db, const StoreOptions& options) : db_(std::move(db)), options_(options) {}
  void MakeShrinkable();
  Status PrepareAll();
  Status Prepare(std::optional<Statement> Statements::*member, const char* sql);
  Status PrepareRollups();
  Status MarkDue(int64_t machine, int64_t window_ms);
  Status ExpireRollups(const Retention& retention, int64_t now_ms);
  Status ReadId(const std::function<uint64_t()>& random64);
  Status Begin();
  Status Run(Statement& statement);
  Result<bool> HasInBlocks(const JournalRow& key);
  Status LoadMachines(Contents& contents);
  Status LoadSeries(Contents& contents);
  Status LoadFindings(Contents& contents);
  Status LoadSnapshot(Contents& contents);

  Database db_;
  StoreOptions options_;
  uint64_t id_ = 0;
  int64_t quarantine_bytes_ = 0;
  std::shared_ptr<Statements> statements_;  // dies before db_
  std::optional<Transaction> transaction_;
};

}  // namespace haidang::store
