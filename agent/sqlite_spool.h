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

namespace haidang::agent {

// While the disk is full.
inline constexpr size_t kMaxMemoryBatches = 256;
inline constexpr int64_t kMaxMemoryBytes = 1 << 20;
// What a row costs beside its bytes.
inline constexpr int64_t kRowOverhead = 24;

// The Spool in a SQLite file (agent/spool_file.h).
class SqliteSpool final : public Spool {
 public:
  SqliteSpool(SpoolOptions options, const Clock& clock, std::function<uint64_t()> random64,
              SpoolFile file)
      : options_(std::move(options)),
        clock_(clock),
        random64_(std::move(random64)),
        db_(std::move(file.db)),
        opened_ns_(clock.MonotonicNs()) {
    if (file.in_memory) {
      options_.max_bytes = std::min<int64_t>(options_.max_bytes, kMaxMemoryBytes);
    }
  }

  Status Load();

  uint64_t id() const override { return current_->second.id; }
  uint64_t next_number() const override { return current_->second.next; }
  Result<uint8_t> NextBdSeq() override;
  Result<uint64_t> AliasOf(const SeriesId& series, DataType datatype, uint32_t group) override {
    return names_.AliasOf(db_, series, datatype, group);
  }
  Result<std::vector<KnownSeries>> Series() override { return names_.Series(db_); }
  Status Forget(uint64_t alias) override { return names_.Forget(db_, alias); }
  Result<uint32_t> GroupOf(const std::string& group) override { return names_.GroupOf(db_, group); }
  std::vector<std::string> Groups() const override { return names_.groups(); }
  Result<StoredBatch> Append(sparkplug::Batch batch) override;
  Result<size_t> Settle(const sparkplug::Committed& committed) override;
  Result<std::vector<StoredBatch>> Waiting(size_t limit,
                                           std::optional<int64_t> below_rowid) override;
  Result<std::optional<StoredBatch>> Find(uint64_t spool_id, uint64_t number) override;
  std::optional<int64_t> oldest_rowid() const override;
  Result<std::vector<sparkplug::HeldSpool>> Held() override;
  size_t waiting_batches() const override { return rows_ + memory_.size(); }
  int64_t waiting_bytes() const override { return bytes_ + memory_bytes_; }
  uint64_t dropped_batches() const override { return dropped_; }
  Status Close() override;

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

  Status Prepare();
  Status LoadSpools();
  Status BeginSpool();
  Status Insert(int64_t rowid, int64_t age_ms, const std::string& bytes);
  void Keep(InMemory batch);
  void FlushMemory();
  void EnforceBounds();
  Status DropOldest(int64_t rowid, const char* reason);
  Result<size_t> Delete(int64_t first, int64_t last);
  Status SaveNext(Spools::const_iterator spool);
  Status LeaveSettledSpools();
  Status SettleRanges(Spools::iterator spool, const std::vector<sparkplug::NumberRange>& ranges);
  Result<size_t> RolledBack(uint64_t highest);
  Error Replaced(const Error& damage);
  Status Replace();
  void Recount();
  void Shrink();
  Result<std::optional<int64_t>> MinRow(int64_t first, int64_t last);
  StoredBatch Describe(int64_t rowid, std::string bytes) const;
  int64_t AgeNow() const { return age_base_ms_ + (clock_.MonotonicNs() - opened_ns_) / 1000000; }
  Spools::const_iterator SpoolOf(int64_t rowid) const {
    return std::prev(spools_.lower_bound(rowid));
  }

  SpoolOptions options_;
  const Clock& clock_;
  std::function<uint64_t()> random64_;
  Database db_;
  const int64_t opened_ns_;
  int64_t age_base_ms_ = 0;

  std::optional<Statement> insert_, delete_, oldest_, min_row_, find_, waiting_, save_next_;
  Spools spools_;
  Spools::iterator current_;
  SpoolNames names_;
  uint8_t bd_seq_ = 255;
  size_t rows_ = 0;
  int64_t bytes_ = 0;
  std::optional<int64_t> oldest_rowid_;  // on disk
  int64_t oldest_age_ms_ = 0;
  int64_t newest_rowid_ = 0;  // ever on disk since start
  std::deque<InMemory> memory_;  // newer than all rows, while the disk is full
  int64_t memory_bytes_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace haidang::agent
