#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/row_set.h"
#include "agent/spool.h"
#include "agent/spool_file.h"
#include "agent/spool_names.h"
#include "agent/spool_statements.h"
#include "core/trouble.h"

namespace haidang::agent {

// While the disk is full.
inline constexpr size_t kMaxMemoryBatches = 256;
inline constexpr int64_t kMaxMemoryBytes = 1 << 20;
// What a row costs beside its bytes.
inline constexpr int64_t kRowOverhead = 24;
// A larger batch would not fit into a message with all that is around it.
inline constexpr size_t kMaxBatchBytes = 4U << 20;
// Packs and batches that are given up at once: the loop waits for no more.
inline constexpr size_t kMaxDroppedAtOnce = 512;
inline constexpr size_t kMaxExpiredAtOnce = 8;
// A run is full once it has so many batches, or so many bytes and four times its first batch's:
// then the next batch had better be a full one.
inline constexpr size_t kMaxRunBatches = 64;
inline constexpr int64_t kMaxRunBytes = 64 << 10;
// How often a file is tried while a database in memory stands in for it.
inline constexpr int64_t kReturnEveryNs = 30'000'000'000;

// The Spool in a SQLite file (docs/spool-format.md). Whatever call meets damage returns its Error,
// and the next one finds a new, empty spool with another id: in a new file, or in memory where
// there can be none. What is in memory gives way to the file, under its spool id, as soon as that
// can be written, with what waits in memory where there was no file; else once nothing waits there.
// A file that can be read and not written is worked on all the same: its start is written with the
// first transaction that succeeds.
class SqliteSpool final : public Spool {
 public:
  SqliteSpool(SpoolOptions options, const Clock& clock, std::function<uint64_t()> random64,
              SpoolFile file)
      : options_(std::move(options)),
        clock_(clock),
        random64_(std::move(random64)),
        db_(std::move(file.db)),
        in_memory_(file.in_memory),
        opened_ns_(clock.MonotonicNs()),
        return_ns_(opened_ns_ + kReturnEveryNs),
        unwritten_(clock),
        bd_seq_unsaved_(clock) {}

  // To be called first, or LoadOnly where the file is only to be looked at.
  Status Start();
  Status LoadOnly();

  uint64_t id() const override { return current().id; }
  uint64_t next_number() const override { return current().next; }
  Result<uint8_t> NextBdSeq() override;
  Result<uint64_t> AliasOf(const SeriesId& series, DataType datatype, uint32_t group) override {
    return Guarded([&] { return names_.AliasOf(db_, series, datatype, group); });
  }
  Result<std::vector<KnownSeries>> Series() override {
    return Guarded([&] { return names_.Series(db_); });
  }
  Status Forget(uint64_t alias) override {
    return Guarded([&] { return names_.Forget(db_, alias); });
  }
  Result<uint32_t> GroupOf(const std::string& group) override {
    return Guarded([&] { return names_.GroupOf(db_, group); });
  }
  std::vector<std::string> Groups() const override { return names_.groups(); }
  Result<StoredBatch> Append(sparkplug::Batch batch) override {
    auto stored = Guarded([&] { return Store(batch); });
    if (in_memory_) ReturnToFile();
    return stored;
  }
  bool wants_full() const override;
  Result<Settlement> Settle(const sparkplug::Committed& committed) override {
    auto settled = Guarded([&] { return SettleNamed(committed); });
    if (in_memory_) ReturnToFile();
    return settled;
  }
  Result<std::vector<Parcel>> Waiting(size_t limit, std::optional<int64_t> below_row,
                                      const InFlight& in_flight) override {
    return Guarded([&] { return ReadWaiting(limit, below_row, in_flight); });
  }
  Result<std::vector<Parcel>> WaitingOf(uint64_t spool_id, uint64_t first, uint64_t last) override {
    return Guarded([&] { return ReadWaitingOf(spool_id, first, last); });
  }
  std::optional<int64_t> oldest_rowid() const override { return books_.held.First(); }
  Status GiveUpKept() override {
    return Guarded([&] { return DropKept(); });
  }
  Result<std::vector<sparkplug::HeldSpool>> Held() override { return DescribeHeld(); }
  size_t waiting_batches() const override { return WaitingRows().Count(); }
  int64_t waiting_bytes() const override;
  int64_t held_bytes() const override { return books_.bytes + memory_bytes_; }
  uint64_t dropped_batches() const override { return books_.dropped; }
  Result<SpoolReport> Report() override {
    return Guarded([&] { return MakeReport(); });
  }
  Status Close() override {
    return_ns_ = clock_.MonotonicNs();  // there may be room by now
    if (in_memory_) ReturnToFile();
    return Guarded([&] { return MarkClosed(); });
  }

 private:
  // One spool id; its batches have the rows base + 1 … base + next - 1. Keyed by base.
  struct SpoolId {
    uint64_t id = 0;
    uint64_t next = 1;
    std::string reason;
  };
  using Spools = std::map<int64_t, SpoolId>;
  // A spool id of the past of which nothing is held: the collector had said that it has all of it.
  // Births name it for a while, so that a collector that was restored sees what it lost.
  struct Ended {
    uint64_t id = 0;
    uint64_t next = 1;
    int64_t ended_ms = 0;  // the collector's clock
    bool operator==(const Ended&) const = default;
  };
  struct InMemory {
    int64_t rowid = 0;
    int64_t age_ms = 0;
    std::string bytes;
  };
  // A row of the table of batches or of packs.
  struct Item {
    int64_t first = 0;
    int64_t last = 0;
    int64_t age_ms = 0;
    int64_t bytes = 0;
    bool packed = false;
  };
  // What the file holds, as we know it: a transaction that fails leaves it as it was. A row that is
  // neither held nor settled was given up, and the collector does not know it yet.
  struct Books {
    Spools spools;                   // the last is the current one
    RowSet held;                     // batches that can be read, those in memory included
    RowSet settled;                  // rows that the collector settled, held or not
    RowSet saved;                    // `settled` as the file has it
    std::vector<Ended> ended;        // in that order
    std::vector<Ended> ended_saved;  // as the file has it
    bool begun = false;              // the current spool id and the mark of use are in the file
    int64_t bytes = 0;
    uint64_t dropped = 0;
  };
  // The batches since the last full one: a pack when the next run begins.
  struct Run {
    int64_t first = 0;  // row; older ones that stand alone may be packed
    size_t batches = 0;
    int64_t bytes = 0;
    int64_t first_bytes = 0;
  };

  // Runs a public call; where it, or anything within it, met damage, the file is replaced.
  template <typename Operation>
  auto Guarded(Operation&& operation) -> decltype(operation()) {
    auto result = operation();
    if (!result) NoteFault();
    if (damaged_) Replace();
    return result;
  }
  // All or nothing, in the file and in the books. Iterators into the books do not survive a
  // failure.
  template <typename Operation>
  Status InTransaction(Operation&& operation) {
    Books before = books_;
    names_written_ = false;
    const bool durable = MakeDurable();
    Result<Transaction> transaction = Transaction::Begin(db_);
    Status done = transaction ? operation() : Status(transaction.error());
    if (done) done = transaction->Commit();
    if (!done) {
      NoteFault();  // before the roll-back, which would be the most recent call
      books_ = std::move(before);
      return done;
    }
    if (names_written_) names_.Saved();
    if (durable) synced_ns_ = clock_.MonotonicNs();
    return done;
  }
  // To be called right after a failure.
  void NoteFault() {
    const DatabaseFault fault = db_.fault();
    damaged_ = damaged_ || fault == DatabaseFault::kCorrupt;
    // A quota, too, is an I/O error like others to SQLite.
    no_room_ = no_room_ || fault == DatabaseFault::kFull || fault == DatabaseFault::kOther;
  }
  bool MakeDurable();

  // spool_replace.cc
  void Replace();
  Status CarryOn(const Books& lost, uint64_t last_alias, uint8_t bd_seq);
  Status Use(Result<SpoolFile> file);
  void ReturnToFile();
  bool CopyToFile();
  void Adopt(SqliteSpool&& other);
  int64_t MaxBytes() const {
    return in_memory_ ? std::min(options_.max_bytes, kMaxMemoryBytes) : options_.max_bytes;
  }

  // spool.cc
  Status Load();
  Status LoadMeta();
  Status LoadSpools();
  Status LoadHeld();
  void AddSpool();
  Status BeginSpool();
  Status SaveStart();
  Status InsertSpool(int64_t base, const SpoolId& spool);
  Status SaveBdSeq();
  Result<StoredBatch> Store(sparkplug::Batch& batch);
  Status Insert(int64_t rowid, int64_t age_ms, const std::string& bytes);
  void Keep(InMemory batch);
  Status CatchUp();
  void TellWritten(const Status& written);
  void FollowRun(const StoredBatch& stored, bool full);
  Status SaveNext(Spools::const_iterator spool);
  Status SaveSettled();
  Status MarkClosed();

  // spool_room.cc
  void KeepHouse();
  Status MakeRoom(bool pack);
  Status PackOldestRun();
  Status Pack(std::vector<std::string>& batches, const Item& run);
  Status DropExpired();
  Status DropBeyondBounds();
  Status DropKept();
  Result<std::optional<Item>> OldestKept();
  Result<std::optional<Item>> ItemAt(int64_t row);
  Status DropItem(const Item& item, const char* reason);
  Status Delete(const Item& item);
  void Lose(int64_t first, int64_t last, const char* reason);
  void Shrink();

  // spool_ended.cc
  bool IsLeft(Spools::const_iterator spool) const;
  bool MayLeave(Spools::const_iterator spool) const;
  bool MayLeaveAny() const;
  bool BeyondBounds(const Ended& oldest) const;
  Status LeaveSpools();
  Status LoadEnded();
  Status SaveEnded();
  Status TakeEnded(const SqliteSpool& other);

  // spool_settle.cc
  Result<Settlement> SettleNamed(const sparkplug::Committed& committed);
  Settlement SettleRows(int64_t base, const RowSet& named, bool everything);
  Result<bool> IsAnothers(int64_t base, const sparkplug::Committed& committed);
  Result<Settlement> RolledBack(int64_t base, const sparkplug::Committed& committed);
  Status RecordAnew(int64_t base, const RowSet& rows);
  Status RecordItemAnew(const Item& item, const RowSet& rows, int64_t shift);

  // spool_read.cc
  Result<std::vector<Parcel>> ReadWaiting(size_t limit, std::optional<int64_t> below_row,
                                          const InFlight& in_flight);
  Result<std::vector<Parcel>> ReadWaitingOf(uint64_t spool_id, uint64_t first, uint64_t last);
  Status AddParcels(const Item& item, const RowSet& wanted, bool check, size_t limit,
                    std::vector<Parcel>& parcels);
  Result<std::string> ReadItem(const Item& item);
  Result<std::optional<std::vector<std::string>>> Unpack(const Item& item);
  Result<std::optional<std::string>> ReadBatch(int64_t row);
  Result<std::vector<sparkplug::HeldSpool>> DescribeHeld() const;
  sparkplug::HeldSpool Describe(Spools::const_iterator spool) const;
  Result<SpoolReport> MakeReport();
  void AddToReport(const Item& item, SpoolIdReport& report) const;
  Parcel ParcelOf(int64_t first, int64_t last, bool packed, std::string bytes) const;

  const InMemory* FindInMemory(int64_t row) const;
  RowSet WaitingRows() const { return books_.held.Minus(books_.settled); }
  int64_t AgeNow() const { return age_base_ms_ + (clock_.MonotonicNs() - opened_ns_) / 1000000; }
  Spools::const_iterator SpoolOf(int64_t rowid) const {
    return std::prev(books_.spools.lower_bound(rowid));
  }
  Spools::iterator SpoolOf(int64_t rowid) { return std::prev(books_.spools.lower_bound(rowid)); }
  Spools::iterator FindSpool(uint64_t id);
  static int64_t LastRow(Spools::const_iterator spool) {
    return spool->first + static_cast<int64_t>(spool->second.next) - 1;
  }
  const SpoolId& current() const { return books_.spools.rbegin()->second; }
  SpoolId& current() { return books_.spools.rbegin()->second; }
  int64_t current_base() const { return books_.spools.rbegin()->first; }

  SpoolOptions options_;
  const Clock& clock_;
  std::function<uint64_t()> random64_;
  Database db_;
  bool in_memory_;  // db_ is, for want of a file
  int64_t opened_ns_;
  int64_t age_base_ms_ = 0;
  int64_t return_ns_;                 // when the file is to be tried again, while in_memory_
  std::optional<int64_t> synced_ns_;  // when the last transaction that survives a power cut was
  bool full_sync_ = false;            // of db_

  std::optional<SpoolStatements> sql_;
  Books books_;
  Run run_;
  SpoolNames names_;
  bool names_written_ = false;  // in the transaction at work
  uint8_t bd_seq_ = 255;
  std::deque<InMemory> memory_;  // newer than all rows, in their order, while the disk is full
  int64_t memory_bytes_ = 0;
  int64_t heard_ms_ = 0;  // the collector's clock, as it told it last; 0: not since the start
  bool damaged_ = false;  // met, and the file is not yet replaced
  bool no_room_ = false;  // met: what could be read cannot be written now
  Trouble unwritten_;     // batches that were not written when they came
  Trouble bd_seq_unsaved_;
};

}  // namespace haidang::agent
