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

Result<size_t> SqliteSpool::SettleNamed(const sparkplug::Committed& committed) {
  const auto spool =
      std::find_if(books_.spools.begin(), books_.spools.end(),
                   [&](const auto& entry) { return entry.second.id == committed.spool_id; });
  if (spool == books_.spools.end()) return size_t{0};
  std::vector<sparkplug::NumberRange> ranges = committed.ranges;
  if (committed.cumulative > 0) ranges.insert(ranges.begin(), {1, committed.cumulative});
  const uint64_t highest = ranges.empty() ? 0 : ranges.back().last;
  const bool is_current = std::next(spool) == books_.spools.end();
  if (is_current && highest >= spool->second.next) return RolledBack(highest);

  const size_t before = waiting_batches();
  const int64_t base = spool->first;
  const uint64_t last_number = spool->second.next - 1;
  std::vector<std::pair<int64_t, int64_t>> rows;  // in the file
  for (const auto& [first, last] : ranges) {
    if (first > last_number) continue;
    const int64_t low = base + static_cast<int64_t>(first);
    const int64_t high = base + static_cast<int64_t>(std::min(last, last_number));
    SettleInMemory(low, high);  // first: what no file holds needs no room on a disk
    const int64_t oldest = std::max(low, books_.oldest_rowid.value_or(0));
    const int64_t newest = std::min(high, books_.newest_rowid);
    if (books_.oldest_rowid && oldest <= newest) rows.emplace_back(oldest, newest);
  }
  if (!rows.empty() || !is_current) {
    const Status settled = InTransaction([&] { return SettleRows(base, rows); });
    if (!settled) return settled.error();
  }
  if (!rows.empty()) Shrink();
  return before - waiting_batches();
}

// In a transaction.
Status SqliteSpool::SettleRows(int64_t base, const std::vector<std::pair<int64_t, int64_t>>& rows) {
  for (const auto& [first, last] : rows) {
    if (Result<size_t> deleted = Delete(first, last); !deleted) return deleted.error();
  }
  if (Status s = SaveNext(books_.spools.find(base)); !s) return s;
  return LeaveSettledSpools();
}

void SqliteSpool::SettleInMemory(int64_t first, int64_t last) {
  std::erase_if(memory_, [&](const InMemory& batch) {
    if (batch.rowid < first || batch.rowid > last) return false;
    memory_bytes_ -= static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
    return true;
  });
}

// The collector has numbers of ours that we never gave: this file is a copy of an older state.
Result<size_t> SqliteSpool::RolledBack(uint64_t highest) {
  spdlog::error(
      "{}: the collector has batch {} of this spool, we are only at {}: the file was rolled back "
      "(a snapshot, a copied disk); a new spool id begins",
      options_.path, highest, current().next);
  const Status begun = InTransaction([&]() -> Status {
    if (Status s = SaveStart(); !s) return s;
    if (Status s = SaveNext(std::prev(books_.spools.end())); !s) return s;
    return BeginSpool();
  });
  if (!begun) return begun.error();
  start_unsaved_ = false;
  return size_t{0};
}

void SqliteSpool::Shrink() {
  if (books_.rows > 0) return;
  Result<Statement> pages = db_.Prepare("PRAGMA freelist_count");
  if (!pages) return;
  const Result<bool> row = pages->Step();
  const bool many = row && *row && pages->Int(0) > kMaxFreePages;
  pages->Reset();
  // What cannot be given back now is used again later.
  if (many && !db_.Exec("PRAGMA incremental_vacuum(1024)")) {
    NoteFault();
    spdlog::debug("{}: free pages stay in the file", options_.path);
  }
}

StoredBatch SqliteSpool::Describe(int64_t rowid, std::string bytes) const {
  const auto spool = SpoolOf(rowid);
  return {rowid, spool->second.id, static_cast<uint64_t>(rowid - spool->first), std::move(bytes)};
}

Result<std::vector<StoredBatch>> SqliteSpool::ReadWaiting(size_t limit,
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

Result<std::optional<StoredBatch>> SqliteSpool::ReadOne(uint64_t spool_id, uint64_t number) {
  for (const auto& [base, spool] : books_.spools) {
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
  if (books_.oldest_rowid) return books_.oldest_rowid;
  if (!memory_.empty()) return memory_.front().rowid;
  return std::nullopt;
}

Result<std::vector<sparkplug::HeldSpool>> SqliteSpool::DescribeHeld() {
  std::vector<sparkplug::HeldSpool> all;
  for (const auto& [base, held] : books_.spools) {
    const int64_t end = base + static_cast<int64_t>(held.next);
    Result<std::optional<int64_t>> first = FirstWaiting(base + 1, end - 1);
    if (!first) return first.error();
    const auto number = static_cast<uint64_t>(first->value_or(end) - base);
    all.push_back({held.id, number, held.next, held.reason});
  }
  return all;
}

Status SqliteSpool::MarkClosed() {
  const Status caught_up = CatchUp();
  const Status marked = InTransaction([&]() -> Status {
    if (Status s = SaveNext(std::prev(books_.spools.end())); !s) return s;
    Result<Statement> update = db_.Prepare("UPDATE meta SET value=? WHERE key='age_ms'");
    if (!update) return update.error();
    if (Status s = update->Bind(1, AgeNow()).Run(); !s) return s;
    // What is still in memory is lost with us: its numbers must not be given to others.
    if (!memory_.empty()) return {};
    return db_.Exec("UPDATE meta SET value=0 WHERE key='in_use'");
  });
  if (memory_.empty()) return marked;
  return Error{caught_up.error().message + "; " + std::to_string(memory_.size()) +
               " batches were in memory only and are lost"};
}

}  // namespace haidang::agent
