#include <algorithm>
#include <limits>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"

namespace haidang::agent {
namespace {

// Free pages beyond this are given back to the file system, a few at a time.
constexpr int64_t kMaxFreePages = 1024;

}  // namespace

Result<size_t> SqliteSpool::Settle(const sparkplug::Committed& committed) {
  const auto spool = std::find_if(spools_.begin(), spools_.end(), [&](const auto& entry) {
    return entry.second.id == committed.spool_id;
  });
  if (spool == spools_.end()) return size_t{0};
  std::vector<sparkplug::NumberRange> ranges = committed.ranges;
  if (committed.cumulative > 0) ranges.insert(ranges.begin(), {1, committed.cumulative});
  const uint64_t highest = ranges.empty() ? 0 : ranges.back().last;
  if (spool == current_ && highest >= spool->second.next) return RolledBack(highest);

  const size_t before = waiting_batches();
  Status done = SettleRanges(spool, ranges);
  if (!done) {
    Recount();
    return done.error();
  }
  Shrink();
  return before - waiting_batches();
}

Status SqliteSpool::SettleRanges(Spools::iterator spool,
                                 const std::vector<sparkplug::NumberRange>& ranges) {
  const int64_t base = spool->first;
  const uint64_t last_number = spool->second.next - 1;
  std::optional<Transaction> transaction;
  for (const auto& [first, last] : ranges) {
    if (first > last_number) continue;
    const int64_t low = std::max(base + static_cast<int64_t>(first), oldest_rowid_.value_or(0));
    const int64_t high = base + static_cast<int64_t>(std::min(last, last_number));
    std::erase_if(memory_, [&](const InMemory& batch) {
      if (batch.rowid < low || batch.rowid > high) return false;
      memory_bytes_ -= static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
      return true;
    });
    const int64_t stored = std::min(high, newest_rowid_);
    if (!oldest_rowid_ || low > stored) continue;
    if (!transaction) {
      Result<Transaction> begun = Transaction::Begin(db_);
      if (!begun) return begun.error();
      transaction.emplace(std::move(begun).value());
    }
    if (Result<size_t> deleted = Delete(low, stored); !deleted) return deleted.error();
  }
  if (!transaction) return {};
  if (Status s = SaveNext(spool); !s) return s;
  if (spool != current_) {
    if (Status s = LeaveSettledSpools(); !s) return s;
  }
  return transaction->Commit();
}

// The collector has numbers of ours that we never gave: this file is a copy of an older state.
Result<size_t> SqliteSpool::RolledBack(uint64_t highest) {
  spdlog::error(
      "{}: the collector has batch {} of this spool, we are only at {}: the file was rolled back "
      "(a "
      "snapshot, a copied disk); a new spool id begins",
      options_.path, highest, current_->second.next);
  if (Status s = SaveNext(current_); !s) return s.error();
  if (Status s = BeginSpool(); !s) return s.error();
  return size_t{0};
}

// After a failure: what was counted may have been rolled back.
void SqliteSpool::Recount() {
  Result<Statement> totals =
      db_.Prepare("SELECT count(*), coalesce(sum(length(bytes)),0), min(id) FROM batch");
  if (!totals) return;
  const Result<bool> row = totals->Step();
  if (!row || !*row) return;
  rows_ = static_cast<size_t>(totals->Int(0));
  bytes_ = totals->Int(1) + totals->Int(0) * kRowOverhead;
  oldest_rowid_.reset();
  if (!totals->IsNull(2)) oldest_rowid_ = totals->Int(2);
}

void SqliteSpool::Shrink() {
  if (rows_ > 0) return;
  Result<Statement> pages = db_.Prepare("PRAGMA freelist_count");
  if (!pages) return;
  const Result<bool> row = pages->Step();
  const bool many = row && *row && pages->Int(0) > kMaxFreePages;
  pages->Reset();
  // What cannot be given back now is used again later.
  if (many && !db_.Exec("PRAGMA incremental_vacuum(1024)")) {
    spdlog::debug("{}: free pages stay in the file", options_.path);
  }
}

StoredBatch SqliteSpool::Describe(int64_t rowid, std::string bytes) const {
  const auto spool = SpoolOf(rowid);
  return {rowid, spool->second.id, static_cast<uint64_t>(rowid - spool->first), std::move(bytes)};
}

Result<std::vector<StoredBatch>> SqliteSpool::Waiting(size_t limit,
                                                      std::optional<int64_t> below_rowid) {
  std::vector<StoredBatch> found;
  const int64_t below = below_rowid.value_or(std::numeric_limits<int64_t>::max());
  for (auto batch = memory_.rbegin(); batch != memory_.rend() && found.size() < limit; ++batch) {
    if (batch->rowid < below) found.push_back(Describe(batch->rowid, batch->bytes));
  }
  if (found.size() == limit) return found;
  waiting_->Bind(1, below).Bind(2, static_cast<int64_t>(limit - found.size()));
  for (;;) {
    Result<bool> row = waiting_->Step();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back(Describe(waiting_->Int(0), std::string(waiting_->Blob(1))));
  }
}

Result<std::optional<StoredBatch>> SqliteSpool::Find(uint64_t spool_id, uint64_t number) {
  for (const auto& [base, spool] : spools_) {
    if (spool.id != spool_id || number == 0 || number >= spool.next) continue;
    const int64_t rowid = base + static_cast<int64_t>(number);
    for (const InMemory& batch : memory_) {
      if (batch.rowid == rowid) return std::optional(Describe(rowid, batch.bytes));
    }
    Result<bool> row = find_->Bind(1, rowid).Step();
    if (!row) return row.error();
    if (!*row) break;
    std::optional<StoredBatch> found = Describe(rowid, std::string(find_->Blob(0)));
    find_->Reset();
    return found;
  }
  return std::optional<StoredBatch>();
}

std::optional<int64_t> SqliteSpool::oldest_rowid() const {
  if (oldest_rowid_) return oldest_rowid_;
  if (!memory_.empty()) return memory_.front().rowid;
  return std::nullopt;
}

Result<std::vector<sparkplug::HeldSpool>> SqliteSpool::Held() {
  std::vector<sparkplug::HeldSpool> all;
  for (auto spool = spools_.begin(); spool != spools_.end(); ++spool) {
    const auto& [base, held] = *spool;
    const int64_t end = base + static_cast<int64_t>(held.next);
    Result<std::optional<int64_t>> min = MinRow(base + 1, end - 1);
    if (!min) return min.error();
    int64_t first = min->value_or(end);
    if (spool == current_ && !memory_.empty()) first = std::min(first, memory_.front().rowid);
    all.push_back({held.id, static_cast<uint64_t>(first - base), held.next, held.reason});
  }
  return all;
}

Status SqliteSpool::Close() {
  if (!memory_.empty()) FlushMemory();
  Result<Transaction> transaction = Transaction::Begin(db_);
  if (!transaction) return transaction.error();
  if (Status s = SaveNext(current_); !s) return s;
  Result<Statement> update = db_.Prepare("UPDATE meta SET value=? WHERE key='age_ms'");
  if (!update) return update.error();
  if (Status s = update->Bind(1, AgeNow()).Run(); !s) return s;
  // What is still in memory is lost with us: its numbers must not be given to others.
  if (memory_.empty()) {
    if (Status s = db_.Exec("UPDATE meta SET value=0 WHERE key='in_use'"); !s) return s;
  }
  return transaction->Commit();
}

}  // namespace haidang::agent
