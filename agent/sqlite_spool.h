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

#include "agent/spool.h"
#include "agent/spool_file.h"
#include "agent/spool_names.h"
#include "core/trouble.h"

namespace haidang::agent {

// While the disk is full.
inline constexpr size_t kMaxMemoryBatches = 256;
inline constexpr int64_t kMaxMemoryBytes = 1 << 20;
// What a row costs beside its bytes.
inline constexpr int64_t kRowOverhead = 24;
// Rows that are given up at once because of a bound: the loop waits for no more.
inline constexpr size_t kMaxDroppedAtOnce = 512;
// How often a file is tried while a database in memory stands in for it.
inline constexpr int64_t kReturnEveryNs = 30'000'000'000;

// The Spool in a SQLite file (agent/spool_file.h). Whatever call meets damage returns its Error,
// and the next one finds a new, empty spool with another id: in a new file, or in memory where
// there can be none. What is in memory gives way to the file, under its spool id, as soon as that
// can be written, with what waits in memory where there was no file; else once nothing waits there.
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

  // To be called first.
  Status Start();

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
  Result<size_t> Settle(const sparkplug::Committed& committed) override {
    auto settled = Guarded([&] { return SettleNamed(committed); });
    if (in_memory_) ReturnToFile();
    return settled;
  }
  Result<std::vector<StoredBatch>> Waiting(size_t limit,
                                           std::optional<int64_t> below_rowid) override {
    return Guarded([&] { return ReadWaiting(limit, below_rowid); });
  }
  Result<std::optional<StoredBatch>> Find(uint64_t spool_id, uint64_t number) override {
    return Guarded([&] { return ReadOne(spool_id, number); });
  }
  std::optional<int64_t> oldest_rowid() const override;
  Result<std::vector<sparkplug::HeldSpool>> Held() override {
    return Guarded([&] { return DescribeHeld(); });
  }
  size_t waiting_batches() const override { return books_.rows + memory_.size(); }
  int64_t waiting_bytes() const override { return books_.bytes + memory_bytes_; }
  uint64_t dropped_batches() const override { return books_.dropped; }
  Status Close() override {
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
  struct InMemory {
    int64_t rowid = 0;
    int64_t age_ms = 0;
    std::string bytes;
  };
  // What the file holds, as we know it: a transaction that fails leaves it as it was.
  struct Books {
    Spools spools;  // the last is the current one
    size_t rows = 0;
    int64_t bytes = 0;
    std::optional<int64_t> oldest_rowid;
    int64_t oldest_age_ms = 0;
    int64_t newest_rowid = 0;  // ever in the file since start
    uint64_t dropped = 0;
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
    Result<Transaction> transaction = Transaction::Begin(db_);
    Status done = transaction ? operation() : Status(transaction.error());
    if (done) done = transaction->Commit();
    if (!done) {
      NoteFault();  // before the roll-back, which would be the most recent call
      books_ = std::move(before);
    }
    return done;
  }
  // To be called right after a failure.
  void NoteFault() {
    const DatabaseFault fault = db_.fault();
    damaged_ = damaged_ || fault == DatabaseFault::kCorrupt;
    // A quota, too, is an I/O error like others to SQLite.
    no_room_ = no_room_ || fault == DatabaseFault::kFull || fault == DatabaseFault::kOther;
  }
  void Replace();
  Status Use(Result<SpoolFile> file);
  void ReturnToFile();
  bool CopyToFile();
  void Adopt(SqliteSpool&& other);
  int64_t MaxBytes() const {
    return in_memory_ ? std::min(options_.max_bytes, kMaxMemoryBytes) : options_.max_bytes;
  }

  Status Load();
  Status Prepare();
  void Unprepare();
  Status LoadSpools();
  Status FindOldest();
  void AddSpool();
  Status SaveSpool();
  Status BeginSpool();
  Status SaveInUse();
  Status SaveStart();
  Status SaveBdSeq();
  Result<StoredBatch> Store(sparkplug::Batch& batch);
  Status Insert(int64_t rowid, int64_t age_ms, const std::string& bytes);
  void Keep(InMemory batch);
  Status CatchUp();
  void TellWritten(const Status& written);
  void EnforceBounds();
  const char* Exceeded() const;
  Status DropOldest();
  Result<size_t> Delete(int64_t first, int64_t last);
  Status SaveNext(Spools::const_iterator spool);
  Status LeaveSettledSpools();
  Result<size_t> SettleNamed(const sparkplug::Committed& committed);
  Status SettleRows(int64_t base, const std::vector<std::pair<int64_t, int64_t>>& rows);
  void SettleInMemory(int64_t first, int64_t last);
  Result<size_t> RolledBack(uint64_t highest);
  void Shrink();
  Result<std::vector<StoredBatch>> ReadWaiting(size_t limit, std::optional<int64_t> below_rowid);
  Result<std::optional<StoredBatch>> ReadOne(uint64_t spool_id, uint64_t number);
  Result<std::vector<sparkplug::HeldSpool>> DescribeHeld();
  Status MarkClosed();
  Result<std::optional<int64_t>> FirstWaiting(int64_t first, int64_t last);
  StoredBatch Describe(int64_t rowid, std::string bytes) const;
  int64_t AgeNow() const { return age_base_ms_ + (clock_.MonotonicNs() - opened_ns_) / 1000000; }
  Spools::const_iterator SpoolOf(int64_t rowid) const {
    return std::prev(books_.spools.lower_bound(rowid));
  }
  Spools::iterator SpoolOf(int64_t rowid) { return std::prev(books_.spools.lower_bound(rowid)); }
  const SpoolId& current() const { return books_.spools.rbegin()->second; }
  SpoolId& current() { return books_.spools.rbegin()->second; }

  SpoolOptions options_;
  const Clock& clock_;
  std::function<uint64_t()> random64_;
  Database db_;
  bool in_memory_;  // db_ is, for want of a file
  int64_t opened_ns_;
  int64_t age_base_ms_ = 0;
  int64_t return_ns_;  // when the file is to be tried again, while in_memory_

  std::optional<Statement> insert_, delete_, oldest_, min_row_, find_, waiting_, save_next_;
  Books books_;
  SpoolNames names_;
  uint8_t bd_seq_ = 255;
  std::deque<InMemory> memory_;  // newer than all rows, in their order, while the disk is full
  int64_t memory_bytes_ = 0;
  bool damaged_ = false;        // met, and the file is not yet replaced
  bool no_room_ = false;        // met: what could be read cannot be written now
  bool start_unsaved_ = false;  // the current spool id and the mark of use are not in the file
  Trouble unwritten_;           // batches that were not written when they came
  Trouble bd_seq_unsaved_;
};

}  // namespace haidang::agent
