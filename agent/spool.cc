#include "agent/spool.h"

#include <chrono>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"

// What is loaded at the start, and how batches are written.
namespace haidang::agent {

Status SqliteSpool::LoadOnly() {
  Result<SpoolStatements> statements = SpoolStatements::Prepare(db_);
  if (!statements) return statements.error();
  sql_.emplace(std::move(statements).value());
  if (Status s = LoadSpools(); !s) return s;
  if (Status s = LoadHeld(); !s) return s;
  if (Status s = LoadEnded(); !s) return s;
  return LoadMeta();
}

Status SqliteSpool::Load() {
  if (Status s = LoadOnly(); !s) return s;
  if (Status s = names_.Load(db_); !s) return s;
  // Where it cannot be written now, it is later: numbers are given under an id that no file knows.
  AddSpool();
  no_room_ = false;
  const Status begun = InTransaction([&] { return SaveStart(); });
  return no_room_ ? Status() : begun;
}

// In a transaction. Comes before all that is written under the current spool id: without it, what
// the file says of these rows would be said of the next start's.
Status SqliteSpool::SaveStart() {
  if (books_.begun) return {};
  books_.begun = true;
  if (Status s = LeaveSpools(); !s) return s;
  if (Status s = InsertSpool(current_base(), current()); !s) return s;
  if (Status s = NameSpoolMachine(db_, options_.machine); !s) return s;
  return db_.Exec("UPDATE meta SET value=1 WHERE key='in_use'");
}

Status SqliteSpool::LoadMeta() {
  Result<Statement> meta = db_.Prepare(
      "SELECT (SELECT value FROM meta WHERE key='age_ms'),"
      " (SELECT value FROM meta WHERE key='bd_seq'),"
      " (SELECT age_ms FROM batch ORDER BY id DESC LIMIT 1),"
      " (SELECT age_ms FROM pack ORDER BY first DESC LIMIT 1)");
  if (!meta) return meta.error();
  if (Result<bool> row = meta->Step(); !row) return row.error();
  age_base_ms_ = std::max({meta->Int(0), meta->Int(2), meta->Int(3)});
  bd_seq_ = static_cast<uint8_t>(meta->Int(1));
  // Not that of a Will of a process before us, which may come late.
  if (in_memory_) bd_seq_ = static_cast<uint8_t>(clock_.WallMs() / 1000);
  return {};
}

Status SqliteSpool::LoadSpools() {
  Result<Statement> select = db_.Prepare("SELECT id, base, next, reason FROM spool");
  if (!select) return select.error();
  for (;;) {
    Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) return {};
    books_.spools.emplace(select->Int(1),
                          SpoolId{select->UInt(0), select->UInt(2), std::string(select->Text(3))});
  }
}

Status SqliteSpool::LoadHeld() {
  const auto load = [&](const char* sql, auto&& take) -> Status {
    Result<Statement> select = db_.Prepare(sql);
    if (!select) return select.error();
    for (;;) {
      Result<bool> row = select->Step();
      if (!row) return row.error();
      if (!*row) return {};
      take(*select);
    }
  };
  const auto hold = [&](const Statement& row) {
    books_.held.Add(row.Int(0), row.Int(1));
    books_.bytes += row.Int(2) + kRowOverhead;
  };
  if (Status s = load("SELECT first, last, length(bytes) FROM pack ORDER BY first", hold); !s)
    return s;
  if (Status s = load("SELECT id, id, length(bytes) FROM batch ORDER BY id", hold); !s) return s;
  const Status settled =
      load("SELECT first, last FROM settled ORDER BY first", [&](const auto& row) {
        books_.settled.Add(row.Int(0), row.Int(1));
        books_.saved.Add(row.Int(0), row.Int(1));
      });
  if (!settled) return settled;
  // `next` is written now and then only: the rows know better. A row belongs to a spool id.
  RowSet owned;
  for (auto spool = books_.spools.begin(); spool != books_.spools.end(); ++spool) {
    const auto following = std::next(spool);
    const int64_t end =
        following == books_.spools.end() ? std::numeric_limits<int64_t>::max() : following->first;
    if (const auto last = books_.held.LastTo(end); last && *last > LastRow(spool)) {
      spool->second.next = static_cast<uint64_t>(*last - spool->first) + 1;
    }
    owned.Add(spool->first + 1, LastRow(spool));
  }
  const RowSet nobodys = books_.held.Minus(owned);
  for (const auto& [first, last] : nobodys.ranges()) books_.held.Remove(first, last);
  return {};
}

// A new spool id above everything that was ever stored in this file; in the books alone.
void SqliteSpool::AddSpool() {
  const int64_t base = books_.spools.empty() ? 0 : LastRow(std::prev(books_.spools.end())) + 1;
  SpoolId fresh;
  do {
    fresh.id = random64_();
  } while (fresh.id == 0);
  books_.spools.emplace(base, std::move(fresh));
  run_ = {base + 1, 0, 0, 0};
}

// In a transaction.
Status SqliteSpool::BeginSpool() {
  if (Status s = SaveStart(); !s) return s;
  AddSpool();
  return InsertSpool(current_base(), current());
}

Status SqliteSpool::InsertSpool(int64_t base, const SpoolId& spool) {
  Result<Statement> insert =
      db_.Prepare("INSERT INTO spool(id, base, next, reason) VALUES(?,?,?,?)");
  if (!insert) return insert.error();
  insert->Bind(1, spool.id).Bind(2, base).Bind(3, spool.next).Bind(4, spool.reason);
  return insert->Run();
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

// Whether the transaction that follows survives a power cut, and all before it.
bool SqliteSpool::MakeDurable() {
  const int64_t sync_ns = std::chrono::nanoseconds(options_.sync).count();
  const bool due = !synced_ns_ || clock_.MonotonicNs() - *synced_ns_ >= sync_ns;
  if (due == full_sync_) return due;
  if (!db_.Exec(due ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL")) return false;
  full_sync_ = due;
  return due;
}

Result<StoredBatch> SqliteSpool::Store(sparkplug::Batch& batch) {
  batch.header.spool_id = current().id;
  batch.header.number = current().next;
  const int64_t rowid = current_base() + static_cast<int64_t>(batch.header.number);
  InMemory fresh{rowid, AgeNow(), sparkplug::EncodeBatch(batch)};
  if (fresh.bytes.size() > kMaxBatchBytes) {
    return Error{"what was read at one tick takes " + std::to_string(fresh.bytes.size()) +
                 " bytes; at most " + std::to_string(kMaxBatchBytes) + " can be sent at once"};
  }
  StoredBatch stored{rowid, batch.header.spool_id, batch.header.number, fresh.bytes};
  Status written = CatchUp();
  if (written) {
    written = InTransaction([&]() -> Status {
      if (Status s = Insert(rowid, fresh.age_ms, fresh.bytes); !s) return s;
      return SaveSettled();
    });
  }
  if (damaged_) return written.error();
  TellWritten(written);
  if (!written) Keep(std::move(fresh));
  ++current().next;
  FollowRun(stored, batch.header.full);
  KeepHouse();
  if (damaged_) return Error{options_.path + ": damaged; what waited in it is lost"};
  return stored;
}

Status SqliteSpool::Insert(int64_t rowid, int64_t age_ms, const std::string& bytes) {
  Status s = sql_->insert_batch.Bind(1, rowid).Bind(2, age_ms).BindBlob(3, bytes).Run();
  if (!s) return s;
  books_.held.Add(rowid, rowid);
  books_.bytes += static_cast<int64_t>(bytes.size()) + kRowOverhead;
  return {};
}

void SqliteSpool::Keep(InMemory batch) {
  memory_bytes_ += static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
  books_.held.Add(batch.rowid, batch.rowid);
  memory_.push_back(std::move(batch));
  while (memory_.size() > kMaxMemoryBatches ||
         memory_bytes_ > static_cast<int64_t>(kMaxMemoryBytes)) {
    const InMemory& oldest = memory_.front();
    memory_bytes_ -= static_cast<int64_t>(oldest.bytes.size()) + kRowOverhead;
    Lose(oldest.rowid, oldest.rowid, "full");
    memory_.pop_front();
  }
}

// Writes what could not be written before: the start's own mark, and batches.
Status SqliteSpool::CatchUp() {
  if (memory_.empty() && books_.begun) return {};
  const Status written = InTransaction([&]() -> Status {
    if (Status s = SaveStart(); !s) return s;
    if (Status s = SaveBdSeq(); !s) return s;
    for (const InMemory& batch : memory_) {
      if (Status s = Insert(batch.rowid, batch.age_ms, batch.bytes); !s) return s;
    }
    return SaveSettled();
  });
  if (!written) return written;
  memory_.clear();
  memory_bytes_ = 0;
  return {};
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

void SqliteSpool::FollowRun(const StoredBatch& stored, bool full) {
  if (full || wants_full()) run_ = {stored.rowid, 0, 0, 0};
  ++run_.batches;
  run_.bytes += static_cast<int64_t>(stored.encoded.size());
  if (run_.batches == 1) run_.first_bytes = run_.bytes;
}

bool SqliteSpool::wants_full() const {
  return run_.batches == 0 || run_.batches >= kMaxRunBatches ||
         run_.bytes >= std::max(kMaxRunBytes, 4 * run_.first_bytes);
}

Status SqliteSpool::SaveNext(Spools::const_iterator spool) {
  const SpoolId& held = spool->second;
  return sql_->save_next.Bind(1, held.next).Bind(2, held.reason).Bind(3, held.id).Run();
}

// In a transaction: all that the file is yet to learn, but for batches. Of what is settled it is
// nearly always one range that became longer.
Status SqliteSpool::SaveSettled() {
  if (Status s = SaveStart(); !s) return s;
  if (!names_written_) {
    if (Status s = names_.Save(db_); !s) return s;
    names_written_ = true;
  }
  if (books_.saved == books_.settled) return {};
  const RowSet::Ranges& now = books_.settled.ranges();
  const RowSet::Ranges& before = books_.saved.ranges();
  for (const auto& [first, last] : before) {
    if (now.contains(first)) continue;
    if (Status s = sql_->drop_settled.Bind(1, first).Run(); !s) return s;
  }
  for (const auto& [first, last] : now) {
    const auto old = before.find(first);
    if (old != before.end() && old->second == last) continue;
    if (Status s = sql_->put_settled.Bind(1, first).Bind(2, last).Run(); !s) return s;
  }
  books_.saved = books_.settled;
  return {};
}

Status SqliteSpool::MarkClosed() {
  const Status caught_up = CatchUp();
  synced_ns_.reset();  // what was recorded survives whatever comes
  const Status marked = InTransaction([&]() -> Status {
    if (Status s = SaveSettled(); !s) return s;
    if (Status s = SaveNext(std::prev(books_.spools.end())); !s) return s;
    Result<Statement> update = db_.Prepare("UPDATE meta SET value=? WHERE key='age_ms'");
    if (!update) return update.error();
    if (Status s = update->Bind(1, AgeNow()).Run(); !s) return s;
    return db_.Exec("UPDATE meta SET value=0 WHERE key='in_use'");
  });
  const size_t unwritten = in_memory_ ? waiting_batches() : memory_.size();
  if (unwritten == 0) return marked;
  return Error{
      (caught_up ? options_.path + ": the disk takes nothing" : caught_up.error().message) + "; " +
      std::to_string(unwritten) +
      " batches were in memory only: what of them has not reached the collector is lost, "
      "and its gap ledger will say so; free the disk"};
}

}  // namespace haidang::agent
