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

Status SqliteSpool::Load() {
  if (Status s = Prepare(); !s) return s;
  Result<Statement> totals = db_.Prepare(
      "SELECT count(*), coalesce(sum(length(bytes)),0), coalesce(max(age_ms),0),"
      " (SELECT value FROM meta WHERE key='age_ms'), (SELECT value FROM meta WHERE key='bd_seq'),"
      " (SELECT value FROM meta WHERE key='in_use') FROM batch");
  if (!totals) return totals.error();
  if (Result<bool> row = totals->Step(); !row) return row.error();
  rows_ = static_cast<size_t>(totals->Int(0));
  bytes_ = totals->Int(1) + totals->Int(0) * kRowOverhead;
  age_base_ms_ = std::max(totals->Int(2), totals->Int(3));
  bd_seq_ = static_cast<uint8_t>(totals->Int(4));
  const bool unclean = totals->Int(5) != 0;
  totals->Reset();
  if (Status s = LoadSpools(); !s) return s;
  if (Status s = names_.Load(db_); !s) return s;

  Result<Transaction> transaction = Transaction::Begin(db_);
  if (!transaction) return transaction.error();
  if (spools_.empty() || unclean) {
    if (Status s = BeginSpool(); !s) return s;
  }
  current_ = std::prev(spools_.end());
  if (Status s = db_.Exec("UPDATE meta SET value=1 WHERE key='in_use'"); !s) return s;
  if (Status s = LeaveSettledSpools(); !s) return s;
  return transaction->Commit();
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
    if (!*row) break;
    SpoolId held{select->UInt(0), select->UInt(2), std::string(select->Text(3))};
    // `next` is written only when batches are settled, and at a clean stop.
    if (!select->IsNull(4)) {
      newest_rowid_ = std::max(newest_rowid_, select->Int(4));
      held.next = std::max(held.next, static_cast<uint64_t>(select->Int(4) - select->Int(1)) + 1);
    }
    spools_.emplace(select->Int(1), std::move(held));
  }
  if (Result<bool> row = oldest_->Step(); row.ok() && *row) {
    oldest_rowid_ = oldest_->Int(0);
    oldest_age_ms_ = oldest_->Int(1);
  }
  oldest_->Reset();
  return {};
}

// A new spool id above everything that was ever stored in this file.
Status SqliteSpool::BeginSpool() {
  int64_t base = 0;
  if (!spools_.empty()) {
    const auto& [last_base, last] = *spools_.rbegin();
    base = last_base + static_cast<int64_t>(last.next);
  }
  SpoolId fresh;
  do {
    fresh.id = random64_();
  } while (fresh.id == 0);
  Result<Statement> insert = db_.Prepare("INSERT INTO spool(id, base, next) VALUES(?,?,1)");
  if (!insert) return insert.error();
  if (Status s = insert->Bind(1, fresh.id).Bind(2, base).Run(); !s) return s;
  current_ = spools_.emplace(base, std::move(fresh)).first;
  return {};
}

Result<uint8_t> SqliteSpool::NextBdSeq() {
  ++bd_seq_;
  Result<Statement> update = db_.Prepare("UPDATE meta SET value=? WHERE key='bd_seq'");
  // Where it cannot be written, counting goes on: Will and birth must agree, more is not needed.
  const Status saved =
      update ? update->Bind(1, static_cast<int64_t>(bd_seq_)).Run() : Status(update.error());
  if (!saved) spdlog::warn("bdSeq was not saved: {}", saved.error().message);
  return bd_seq_;
}

Result<StoredBatch> SqliteSpool::Append(sparkplug::Batch batch) {
  SpoolId& spool = current_->second;
  batch.header.spool_id = spool.id;
  batch.header.number = spool.next;
  const int64_t rowid = current_->first + static_cast<int64_t>(spool.next);
  InMemory fresh{rowid, AgeNow(), sparkplug::EncodeBatch(batch)};
  StoredBatch stored{rowid, spool.id, spool.next, fresh.bytes};
  if (!memory_.empty()) FlushMemory();
  const Status inserted = memory_.empty() ? Insert(rowid, fresh.age_ms, fresh.bytes)
                                          : Status(Error{"after a full disk"});
  if (!inserted) {
    if (memory_.empty()) {
      if (db_.fault() == DatabaseFault::kCorrupt) return Replaced(inserted.error());
      spdlog::error("{}; the newest batches are kept in memory", inserted.error().message);
    }
    Keep(std::move(fresh));
  }
  ++spool.next;
  EnforceBounds();
  return stored;
}

Error SqliteSpool::Replaced(const Error& damage) {
  const Status replaced = Replace();
  return replaced ? damage : replaced.error();
}

// The file turned out to be damaged while we used it.
Status SqliteSpool::Replace() {
  for (std::optional<Statement>* statement :
       {&insert_, &delete_, &oldest_, &min_row_, &find_, &waiting_, &save_next_}) {
    statement->reset();
  }
  Result<Database> nothing = Database::Open(":memory:", {});
  if (!nothing) return nothing.error();
  db_ = std::move(nothing).value();  // closes the file
  Result<SpoolFile> file = ReplaceSpoolFile(options_.path, clock_);
  if (!file) return file.error();
  db_ = std::move(file->db);
  spools_.clear();
  oldest_rowid_.reset();
  dropped_ += rows_;
  const uint8_t bd_seq = bd_seq_;
  if (Status loaded = Load(); !loaded) return loaded;
  bd_seq_ = bd_seq;
  current_->second.reason = "corrupt";
  return SaveNext(current_);
}

Status SqliteSpool::Insert(int64_t rowid, int64_t age_ms, const std::string& bytes) {
  if (Status s = insert_->Bind(1, rowid).Bind(2, age_ms).BindBlob(3, bytes).Run(); !s) return s;
  ++rows_;
  newest_rowid_ = rowid;
  bytes_ += static_cast<int64_t>(bytes.size()) + kRowOverhead;
  if (!oldest_rowid_) {
    oldest_rowid_ = rowid;
    oldest_age_ms_ = age_ms;
  }
  return {};
}

void SqliteSpool::Keep(InMemory batch) {
  memory_bytes_ += static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
  memory_.push_back(std::move(batch));
  while (memory_.size() > kMaxMemoryBatches ||
         memory_bytes_ > static_cast<int64_t>(kMaxMemoryBytes)) {
    memory_bytes_ -= static_cast<int64_t>(memory_.front().bytes.size()) + kRowOverhead;
    memory_.pop_front();
    ++dropped_;
    current_->second.reason = "full";
  }
}

void SqliteSpool::FlushMemory() {
  Result<Transaction> transaction = Transaction::Begin(db_);
  if (!transaction) return;
  const auto rows = rows_;
  const auto bytes = bytes_;
  const auto oldest = oldest_rowid_;
  const auto newest = newest_rowid_;
  bool ok = true;
  for (const InMemory& batch : memory_) {
    ok = ok && Insert(batch.rowid, batch.age_ms, batch.bytes).ok();
  }
  if (!ok || !transaction->Commit()) {
    rows_ = rows;
    bytes_ = bytes;
    oldest_rowid_ = oldest;
    newest_rowid_ = newest;
    return;
  }
  spdlog::info("{}: there is room again; {} batches were written from memory", options_.path,
               memory_.size());
  memory_.clear();
  memory_bytes_ = 0;
}

void SqliteSpool::EnforceBounds() {
  const int64_t too_old =
      AgeNow() - std::chrono::duration_cast<std::chrono::milliseconds>(options_.max_age).count();
  while (oldest_rowid_ && (bytes_ > options_.max_bytes || oldest_age_ms_ < too_old)) {
    const char* reason = bytes_ > options_.max_bytes ? "full" : "age";
    if (!DropOldest(*oldest_rowid_, reason)) return Recount();  // tried again with the next batch
  }
}

Status SqliteSpool::DropOldest(int64_t rowid, const char* reason) {
  const auto spool = spools_.find(SpoolOf(rowid)->first);
  spool->second.reason = reason;
  Result<Transaction> transaction = Transaction::Begin(db_);
  if (!transaction) return transaction.error();
  Result<size_t> deleted = Delete(rowid, rowid);
  if (!deleted) return deleted.error();
  if (Status s = SaveNext(spool); !s) return s;
  dropped_ += *deleted;
  if (Status s = LeaveSettledSpools(); !s) return s;
  return transaction->Commit();
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
    bytes_ -= delete_->Int(0) + kRowOverhead;
  }
  rows_ -= deleted;
  if (deleted == 0) return deleted;
  oldest_rowid_.reset();
  Result<bool> row = oldest_->Step();
  if (!row) return row.error();
  if (*row) {
    oldest_rowid_ = oldest_->Int(0);
    oldest_age_ms_ = oldest_->Int(1);
  }
  oldest_->Reset();
  return deleted;
}

Status SqliteSpool::SaveNext(Spools::const_iterator spool) {
  const SpoolId& held = spool->second;
  return save_next_->Bind(1, held.next).Bind(2, held.reason).Bind(3, held.id).Run();
}

// A spool id of the past of which nothing waits any more is of no interest to anybody.
Status SqliteSpool::LeaveSettledSpools() {
  for (auto spool = spools_.begin(); spool != current_;) {
    const auto following = std::next(spool);
    Result<std::optional<int64_t>> min = MinRow(spool->first + 1, following->first);
    if (!min) return min.error();
    if (!*min) {
      Result<Statement> remove = db_.Prepare("DELETE FROM spool WHERE id=?");
      if (!remove) return remove.error();
      if (Status s = remove->Bind(1, spool->second.id).Run(); !s) return s;
      spools_.erase(spool);
    }
    spool = following;
  }
  return {};
}

Result<std::optional<int64_t>> SqliteSpool::MinRow(int64_t first, int64_t last) {
  Result<bool> row = min_row_->Bind(1, first).Bind(2, last).Step();
  if (!row) return row.error();
  std::optional<int64_t> min;
  if (*row && !min_row_->IsNull(0)) min = min_row_->Int(0);
  min_row_->Reset();
  return min;
}

Result<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options, const Clock& clock,
                                           std::function<uint64_t()> random64) {
  Result<SpoolFile> file = OpenSpoolFile(options.path, clock);
  if (!file) return file.error();
  auto spool = std::make_unique<SqliteSpool>(std::move(options), clock, std::move(random64),
                                             std::move(file).value());
  if (Status loaded = spool->Load(); !loaded) return loaded.error();
  return std::unique_ptr<Spool>(std::move(spool));
}

}  // namespace haidang::agent
