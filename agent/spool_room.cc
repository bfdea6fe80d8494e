#include <limits>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"
#include "core/sparkplug/batch.h"

// Packing, and making room: what is given up, and when.
namespace haidang::agent {
namespace {

// Free pages beyond this are given back to the file system, as many at a time.
constexpr int64_t kMaxFreePages = 1024;

int64_t Ms(std::chrono::hours age) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

}  // namespace

// After each batch. What cannot be done now is done with a later one.
void SqliteSpool::KeepHouse() {
  if (damaged_) return;
  Result<bool> row = sql_->first_batch.Step();
  const bool pack =
      row && *row && !sql_->first_batch.IsNull(0) && sql_->first_batch.Int(0) < run_.first;
  sql_->first_batch.Reset();
  if (!row) return NoteFault();
  if (const Status done = MakeRoom(pack); !done) {
    NoteFault();
    spdlog::debug("{}", done.error().message);
  }
}

Status SqliteSpool::MakeRoom(bool pack) {
  if (pack) {
    if (Status s = InTransaction([&] { return PackOldestRun(); }); !s) return s;
  }
  if (Status s = DropExpired(); !s) return s;
  if (Status s = DropBeyondBounds(); !s) return s;
  if (!MayLeaveAny()) return {};
  return InTransaction([&] { return LeaveSpools(); });
}

// ---- packs ----

// In a transaction. A run ends before the next full batch, before a hole, and before it is too
// long.
Status SqliteSpool::PackOldestRun() {
  sparkplug::BatchDecoder decoder;
  std::vector<std::string> batches;
  Item run;
  sql_->run.Bind(1, std::numeric_limits<int64_t>::min()).Bind(2, run_.first);
  for (;;) {
    Result<bool> row = sql_->run.Step();
    if (!row) return row.error();
    if (!*row) break;
    const int64_t rowid = sql_->run.Int(0);
    std::string bytes(sql_->run.Blob(2));
    const auto decoded = decoder.Decode(bytes);
    const bool sound = decoded && decoded->batches.size() == 1 && decoded->batches[0].crc_matches;
    const bool ends =
        !batches.empty() &&
        (!sound || rowid != run.last + 1 || decoded->batches[0].header.full ||
         batches.size() >= kMaxRunBatches ||
         run.bytes >= std::max(kMaxRunBytes, 4 * static_cast<int64_t>(batches[0].size())));
    if (ends) {
      sql_->run.Reset();
      break;
    }
    if (!sound) {
      const Item damaged{rowid, rowid, 0, static_cast<int64_t>(bytes.size()), false};
      sql_->run.Reset();
      spdlog::error("{}: batch {} of spool {:016x} is damaged, and given up", options_.path,
                    rowid - SpoolOf(rowid)->first, SpoolOf(rowid)->second.id);
      return DropItem(damaged, "corrupt");
    }
    if (batches.empty()) run.first = rowid;
    run.last = rowid;
    run.age_ms = sql_->run.Int(1);
    run.bytes += static_cast<int64_t>(bytes.size());
    batches.push_back(std::move(bytes));
  }
  return batches.empty() ? Status() : Pack(batches, run);
}

Status SqliteSpool::Pack(std::vector<std::string>& batches, const Item& run) {
  const std::string body = sparkplug::MakeEnvelopeBody(batches);
  Status done = sql_->delete_batches.Bind(1, run.first).Bind(2, run.last).Run();
  if (!done) return done;
  sql_->insert_pack.Bind(1, run.first).Bind(2, run.last).Bind(3, run.age_ms).BindBlob(4, body);
  if (done = sql_->insert_pack.Run(); !done) return done;
  books_.bytes -= run.bytes + static_cast<int64_t>(batches.size()) * kRowOverhead;
  books_.bytes += static_cast<int64_t>(body.size()) + kRowOverhead;
  return SaveNext(SpoolOf(run.first));
}

// ---- what is given up ----

// Settled packs that were kept long enough.
Status SqliteSpool::DropExpired() {
  const auto next = [&]() -> Result<std::optional<Item>> {
    Result<std::optional<Item>> oldest = OldestKept();
    if (oldest && *oldest && (*oldest)->age_ms > AgeNow() - Ms(options_.keep_settled)) {
      return std::optional<Item>();
    }
    return oldest;
  };
  Result<std::optional<Item>> item = next();
  if (!item) return item.error();
  if (!*item) return {};
  const Status dropped = InTransaction([&]() -> Status {
    for (size_t i = 0; i < kMaxExpiredAtOnce && *item; ++i) {
      if (Status s = DropItem(**item, ""); !s) return s;
      if (item = next(); !item) return item.error();
    }
    return SaveSettled();
  });
  Shrink();
  return dropped;
}

// The bounds of size and age: settled ones go first, then the oldest.
Status SqliteSpool::DropBeyondBounds() {
  const char* reason = nullptr;
  const auto next = [&]() -> Result<std::optional<Item>> {
    const auto oldest = books_.held.First();
    if (!oldest || *oldest == LastRow(std::prev(books_.spools.end()))) return std::optional<Item>();
    if (books_.bytes > MaxBytes()) {
      reason = "full";
      Result<std::optional<Item>> kept = OldestKept();
      return kept && !*kept ? ItemAt(*oldest) : kept;
    }
    const auto waiting = WaitingRows().First();
    if (!waiting) return std::optional<Item>();
    reason = "age";
    Result<std::optional<Item>> item = ItemAt(*waiting);
    if (item && *item && (*item)->age_ms >= AgeNow() - Ms(options_.max_age)) item->reset();
    return item;
  };
  Result<std::optional<Item>> item = next();
  if (!item) return item.error();
  if (!*item) return {};
  const Status dropped = InTransaction([&]() -> Status {
    for (size_t i = 0; i < kMaxDroppedAtOnce && *item; ++i) {
      if (Status s = DropItem(**item, reason); !s) return s;
      if (item = next(); !item) return item.error();
    }
    return SaveSettled();
  });
  Shrink();
  return dropped;
}

Status SqliteSpool::DropKept() {
  return InTransaction([&]() -> Status {
    const RowSet kept = books_.held.Minus(WaitingRows());
    for (const auto& [first, last] : kept.ranges()) {
      for (std::optional<int64_t> row = first; row && *row <= last;) {
        Result<std::optional<Item>> item = ItemAt(*row);
        if (!item) return item.error();
        if (!*item) break;  // in memory, and newer than all that is not
        row = books_.held.FirstFrom((*item)->last + 1);
        if (!books_.settled.ContainsAll((*item)->first, (*item)->last)) continue;
        if (Status s = DropItem(**item, ""); !s) return s;
      }
    }
    return SaveSettled();
  });
}

// The oldest pack that is settled as a whole.
Result<std::optional<SqliteSpool::Item>> SqliteSpool::OldestKept() {
  const auto oldest = books_.held.First();
  if (!oldest) return std::optional<Item>();
  const RowSet kept = books_.settled.Within(*oldest, std::numeric_limits<int64_t>::max());
  for (const auto& [first, last] : kept.ranges()) {
    Statement& at = sql_->pack_from;
    Result<bool> row = at.Bind(1, first).Step();
    if (!row) return row.error();
    if (!*row) break;
    const Item item{at.Int(0), at.Int(1), at.Int(2), at.Int(3), true};
    at.Reset();
    if (item.last <= last) return std::optional(item);
  }
  return std::optional<Item>();
}

// Where the row stands in the file; nothing where it does not.
Result<std::optional<SqliteSpool::Item>> SqliteSpool::ItemAt(int64_t row) {
  Statement& alone = sql_->batch_size;
  Result<bool> found = alone.Bind(1, row).Step();
  if (!found) return found.error();
  if (*found) {
    const Item item{row, row, alone.Int(0), alone.Int(1), false};
    alone.Reset();
    return std::optional(item);
  }
  Statement& packed = sql_->pack_at;
  if (found = packed.Bind(1, row).Step(); !found) return found.error();
  if (!*found) return std::optional<Item>();
  const Item item{packed.Int(0), packed.Int(1), packed.Int(2), packed.Int(3), true};
  packed.Reset();
  return item.last >= row ? std::optional(item) : std::nullopt;
}

// In a transaction. Where nothing of it waits, there is no reason to tell.
Status SqliteSpool::DropItem(const Item& item, const char* reason) {
  if (Status s = Delete(item); !s) return s;
  Lose(item.first, item.last, reason);
  return SaveNext(SpoolOf(item.first));
}

Status SqliteSpool::Delete(const Item& item) {
  books_.bytes -= item.bytes + kRowOverhead;
  if (item.packed) return sql_->delete_pack.Bind(1, item.first).Run();
  return sql_->delete_batches.Bind(1, item.first).Bind(2, item.last).Run();
}

void SqliteSpool::Lose(int64_t first, int64_t last, const char* reason) {
  const size_t lost = WaitingRows().Count(first, last);
  books_.held.Remove(first, last);
  if (lost == 0) return;
  books_.dropped += lost;
  SpoolOf(first)->second.reason = reason;
}

// After much was given up. What cannot be given back now is used again later.
void SqliteSpool::Shrink() {
  Result<Statement> pages = db_.Prepare("PRAGMA freelist_count");
  if (!pages) return;
  const Result<bool> row = pages->Step();
  const bool many = row && *row && pages->Int(0) > kMaxFreePages;
  pages->Reset();
  if (many && !db_.Exec("PRAGMA incremental_vacuum(1024)")) NoteFault();
}

}  // namespace haidang::agent
