#include <chrono>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"

namespace haidang::agent {

Status SqliteSpool::Prepare() {
  const auto prepare = [this](std::optional<Statement>& statement, const char* sql) -> Status {
    Result<Statement> prepared = db_.Prepare(sql);
    if (!prepared) return prepared.error();
    statement.emplace(std::move(prepared).value());
    return {};
  };
  const std::pair<std::optional<Statement>*, const char*> all[] = {
      {&insert_, "INSERT INTO batch VALUES(?,?,?)"},
      {&delete_, "DELETE FROM batch WHERE id BETWEEN ? AND ? RETURNING length(bytes)"},
      {&oldest_, "SELECT id, age_ms FROM batch ORDER BY id LIMIT 1"},
      {&min_row_, "SELECT min(id) FROM batch WHERE id BETWEEN ? AND ?"},
      {&find_, "SELECT bytes FROM batch WHERE id=?"},
      {&waiting_, "SELECT id, bytes FROM batch WHERE id<? ORDER BY id DESC LIMIT ?"},
      {&save_next_, "UPDATE spool SET next=?, reason=? WHERE id=?"},
  };
  for (const auto& [statement, sql] : all) {
    if (Status s = prepare(*statement, sql); !s) return s;
  }
  return {};
}

void SqliteSpool::Unprepare() {
  for (std::optional<Statement>* statement :
       {&insert_, &delete_, &oldest_, &min_row_, &find_, &waiting_, &save_next_}) {
    statement->reset();
  }
}

Status SqliteSpool::Load() {
  if (Status s = Prepare(); !s) return s;
  Result<Statement> totals = db_.Prepare(
      "SELECT count(*), coalesce(sum(length(bytes)),0), coalesce(max(age_ms),0),"
      " (SELECT value FROM meta WHERE key='age_ms'), (SELECT value FROM meta WHERE key='bd_seq'),"
      " (SELECT value FROM meta WHERE key='in_use') FROM batch");
  if (!totals) return totals.error();
  if (Result<bool> row = totals->Step(); !row) return row.error();
  books_.rows = static_cast<size_t>(totals->Int(0));
  books_.bytes = totals->Int(1) + totals->Int(0) * kRowOverhead;
  age_base_ms_ = std::max(totals->Int(2), totals->Int(3));
  bd_seq_ = static_cast<uint8_t>(totals->Int(4));
  const bool unclean = totals->Int(5) != 0;
  totals->Reset();
  if (Status s = LoadSpools(); !s) return s;
  if (Status s = FindOldest(); !s) return s;
  if (Status s = names_.Load(db_); !s) return s;
  no_room_ = false;
  const Status begun = InTransaction([&]() -> Status {
    if (books_.spools.empty() || unclean) {
      if (Status s = BeginSpool(); !s) return s;
    }
    return SaveInUse();
  });
  if (begun || !no_room_) return begun;
  // Numbers that the file could give again after a crash belong to an id that it does not know.
  AddSpool();
  start_unsaved_ = true;
  return {};
}

// In a transaction.
Status SqliteSpool::SaveInUse() {
  if (Status s = db_.Exec("UPDATE meta SET value=1 WHERE key='in_use'"); !s) return s;
  return LeaveSettledSpools();
}

Status SqliteSpool::LoadSpools() {
  Result<Statement> select = db_.Prepare(
      "SELECT id, base, next, reason, (SELECT max(b.id) FROM batch b WHERE b.id > s.base AND b.id "
      "< "
      "coalesce((SELECT min(t.base) + 1 FROM spool t WHERE t.base > s.base), 9e18)) FROM spool s");
  if (!select) return select.error();
  for (;;) {
    Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) return {};
    SpoolId held{select->UInt(0), select->UInt(2), std::string(select->Text(3))};
    // `next` is written only when batches are settled, and at a clean stop.
    if (!select->IsNull(4)) {
      books_.newest_rowid = std::max(books_.newest_rowid, select->Int(4));
      held.next = std::max(held.next, static_cast<uint64_t>(select->Int(4) - select->Int(1)) + 1);
    }
    books_.spools.emplace(select->Int(1), std::move(held));
  }
}

Status SqliteSpool::FindOldest() {
  books_.oldest_rowid.reset();
  Result<bool> row = oldest_->Step();
  if (!row) return row.error();
  if (*row) {
    books_.oldest_rowid = oldest_->Int(0);
    books_.oldest_age_ms = oldest_->Int(1);
  }
  oldest_->Reset();
  return {};
}

// A new spool id above everything that was ever stored in this file; in the books alone.
void SqliteSpool::AddSpool() {
  int64_t base = 0;
  if (!books_.spools.empty()) {
    const auto& [last_base, last] = *books_.spools.rbegin();
    base = last_base + static_cast<int64_t>(last.next);
  }
  SpoolId fresh;
  do {
    fresh.id = random64_();
  } while (fresh.id == 0);
  books_.spools.emplace(base, std::move(fresh));
}

// The current one, into the file.
Status SqliteSpool::SaveSpool() {
  Result<Statement> insert = db_.Prepare("INSERT INTO spool(id, base, next) VALUES(?,?,1)");
  if (!insert) return insert.error();
  return insert->Bind(1, current().id).Bind(2, books_.spools.rbegin()->first).Run();
}

// In a transaction.
Status SqliteSpool::BeginSpool() {
  AddSpool();
  return SaveSpool();
}

Result<uint8_t> SqliteSpool::NextBdSeq() {
  ++bd_seq_;
  // Where it cannot be written, counting goes on: Will and birth must agree, more is not needed.
  const Status saved = Guarded([&] { return SaveBdSeq(); });
  if (!saved) {
    if (bd_seq_unsaved_.Met()) spdlog::warn("bdSeq was not saved: {}", saved.error().message);
  } else if (const auto count = bd_seq_unsaved_.Over()) {
    spdlog::info("bdSeq is saved again; it was not {} times", *count);
  }
  return bd_seq_;
}

Status SqliteSpool::SaveBdSeq() {
  Result<Statement> update = db_.Prepare("UPDATE meta SET value=? WHERE key='bd_seq'");
  if (!update) return update.error();
  return update->Bind(1, static_cast<int64_t>(bd_seq_)).Run();
}

Result<StoredBatch> SqliteSpool::Store(sparkplug::Batch& batch) {
  batch.header.spool_id = current().id;
  batch.header.number = current().next;
  const int64_t rowid = books_.spools.rbegin()->first + static_cast<int64_t>(batch.header.number);
  InMemory fresh{rowid, AgeNow(), sparkplug::EncodeBatch(batch)};
  StoredBatch stored{rowid, batch.header.spool_id, batch.header.number, fresh.bytes};
  Status written = CatchUp();
  if (written) {
    written = Insert(rowid, fresh.age_ms, fresh.bytes);
    if (!written) NoteFault();
  }
  if (damaged_) return written.error();
  TellWritten(written);
  if (!written) Keep(std::move(fresh));
  ++current().next;
  EnforceBounds();
  if (damaged_) return Error{options_.path + ": damaged; what waited in it is lost"};
  return stored;
}

Status SqliteSpool::Insert(int64_t rowid, int64_t age_ms, const std::string& bytes) {
  if (Status s = insert_->Bind(1, rowid).Bind(2, age_ms).BindBlob(3, bytes).Run(); !s) return s;
  ++books_.rows;
  books_.newest_rowid = rowid;
  books_.bytes += static_cast<int64_t>(bytes.size()) + kRowOverhead;
  if (!books_.oldest_rowid) {
    books_.oldest_rowid = rowid;
    books_.oldest_age_ms = age_ms;
  }
  return {};
}

void SqliteSpool::Keep(InMemory batch) {
  memory_bytes_ += static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
  memory_.push_back(std::move(batch));
  while (memory_.size() > kMaxMemoryBatches ||
         memory_bytes_ > static_cast<int64_t>(kMaxMemoryBytes)) {
    SpoolOf(memory_.front().rowid)->second.reason = "full";
    memory_bytes_ -= static_cast<int64_t>(memory_.front().bytes.size()) + kRowOverhead;
    memory_.pop_front();
    ++books_.dropped;
  }
}

// Writes what could not be written before: the start's own mark, and batches.
Status SqliteSpool::CatchUp() {
  if (memory_.empty() && !start_unsaved_) return {};
  const Status written = InTransaction([&]() -> Status {
    if (Status s = SaveStart(); !s) return s;
    if (Status s = SaveBdSeq(); !s) return s;
    for (const InMemory& batch : memory_) {
      if (Status s = Insert(batch.rowid, batch.age_ms, batch.bytes); !s) return s;
    }
    return {};
  });
  if (!written) return written;
  start_unsaved_ = false;
  memory_.clear();
  memory_bytes_ = 0;
  return {};
}

// In a transaction.
Status SqliteSpool::SaveStart() {
  if (!start_unsaved_) return {};
  if (Status s = SaveSpool(); !s) return s;
  return SaveInUse();
}

void SqliteSpool::TellWritten(const Status& written) {
  if (!written) {
    if (unwritten_.Met()) {
      spdlog::error("{}; the newest batches are kept in memory", written.error().message);
    }
  } else if (const auto count = unwritten_.Over()) {
    spdlog::info("{}: there is room again; {} batches had to wait in memory", options_.path,
                 *count);
  }
}

// What remains beyond a bound, or could not be dropped, goes with the next batch.
void SqliteSpool::EnforceBounds() {
  if (damaged_ || Exceeded() == nullptr) return;
  if (const Status dropped = InTransaction([&] { return DropOldest(); }); !dropped) {
    spdlog::debug("{}", dropped.error().message);
  }
}

// The bound that the oldest row is beyond; null where there is none.
const char* SqliteSpool::Exceeded() const {
  if (!books_.oldest_rowid) return nullptr;
  if (books_.bytes > MaxBytes()) return "full";
  const int64_t max_age_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.max_age).count();
  return books_.oldest_age_ms < AgeNow() - max_age_ms ? "age" : nullptr;
}

Status SqliteSpool::DropOldest() {
  for (size_t i = 0; i < kMaxDroppedAtOnce; ++i) {
    const char* reason = Exceeded();
    if (reason == nullptr) break;
    const int64_t rowid = *books_.oldest_rowid;
    const auto spool = SpoolOf(rowid);
    spool->second.reason = reason;
    Result<size_t> deleted = Delete(rowid, rowid);
    if (!deleted) return deleted.error();
    books_.dropped += *deleted;
    if (Status s = SaveNext(spool); !s) return s;
  }
  return LeaveSettledSpools();
}

// Deletes rows and keeps the totals true.
Result<size_t> SqliteSpool::Delete(int64_t first, int64_t last) {
  size_t deleted = 0;
  delete_->Bind(1, first).Bind(2, last);
  for (;;) {
    Result<bool> row = delete_->Step();
    if (!row) return row.error();
    if (!*row) break;
    ++deleted;
    books_.bytes -= delete_->Int(0) + kRowOverhead;
  }
  books_.rows -= deleted;
  if (deleted == 0) return deleted;
  if (Status s = FindOldest(); !s) return s.error();
  return deleted;
}

Status SqliteSpool::SaveNext(Spools::const_iterator spool) {
  const SpoolId& held = spool->second;
  return save_next_->Bind(1, held.next).Bind(2, held.reason).Bind(3, held.id).Run();
}

// A spool id of the past of which nothing waits any more is of no interest to anybody.
Status SqliteSpool::LeaveSettledSpools() {
  for (auto spool = books_.spools.begin(); std::next(spool) != books_.spools.end();) {
    const auto following = std::next(spool);
    Result<std::optional<int64_t>> waits = FirstWaiting(spool->first + 1, following->first);
    if (!waits) return waits.error();
    if (!*waits) {
      Result<Statement> remove = db_.Prepare("DELETE FROM spool WHERE id=?");
      if (!remove) return remove.error();
      if (Status s = remove->Bind(1, spool->second.id).Run(); !s) return s;
      books_.spools.erase(spool);
    }
    spool = following;
  }
  return {};
}

// The lowest row that waits between the two, in the file or in memory.
Result<std::optional<int64_t>> SqliteSpool::FirstWaiting(int64_t first, int64_t last) {
  Result<bool> row = min_row_->Bind(1, first).Bind(2, last).Step();
  if (!row) return row.error();
  std::optional<int64_t> min;
  if (*row && !min_row_->IsNull(0)) min = min_row_->Int(0);
  min_row_->Reset();
  if (min) return min;  // rows are older than what is in memory
  const auto kept = std::find_if(memory_.begin(), memory_.end(),
                                 [&](const InMemory& batch) { return batch.rowid >= first; });
  if (kept != memory_.end() && kept->rowid <= last) min = kept->rowid;
  return min;
}

}  // namespace haidang::agent
