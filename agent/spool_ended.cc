#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/sqlite_spool.h"

// Spool ids of the past of which nothing is held any more.
namespace haidang::agent {
namespace {

// How long births name them: a backup of the collector's store that is younger misses nothing
// unsaid.
constexpr int64_t kNamedMs = std::chrono::milliseconds(std::chrono::hours(14 * 24)).count();
constexpr size_t kMaxEnded = 256;

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS ended(id INTEGER PRIMARY KEY, next INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL); DELETE FROM ended";

}  // namespace

// Nothing is held of it, and nothing is to be told but that it was.
bool SqliteSpool::IsLeft(Spools::const_iterator spool) const {
  if (std::next(spool) == books_.spools.end()) return false;
  const int64_t first = spool->first + 1;
  if (books_.held.Count(first, LastRow(spool)) > 0) return false;
  return books_.settled.Count(first, LastRow(spool)) + 1 == spool->second.next;
}

// When it ended is known once the collector told what time it is.
bool SqliteSpool::MayLeave(Spools::const_iterator spool) const {
  return IsLeft(spool) && (spool->second.next == 1 || heard_ms_ != 0);
}

bool SqliteSpool::MayLeaveAny() const {
  if (!books_.ended.empty() && BeyondBounds(books_.ended.front())) return true;
  for (auto spool = books_.spools.begin(); spool != books_.spools.end(); ++spool) {
    if (MayLeave(spool)) return true;
  }
  return false;
}

// An ended spool id is in every birth, or never again: what a collector may have forgotten is not
// named. So they give way to spool ids that are held, all of which a birth has room for.
bool SqliteSpool::BeyondBounds(const Ended& oldest) const {
  return books_.ended.size() > kMaxEnded ||
         books_.ended.size() + books_.spools.size() > sparkplug::kMaxHeldSpools ||
         heard_ms_ - oldest.ended_ms > kNamedMs;
}

// In a transaction.
Status SqliteSpool::LeaveSpools() {
  Result<Statement> remove = db_.Prepare("DELETE FROM spool WHERE id=?");
  if (!remove) return remove.error();
  for (auto spool = books_.spools.begin(); spool != books_.spools.end();) {
    const auto here = spool++;
    if (!MayLeave(here)) continue;
    if (Status s = remove->Bind(1, here->second.id).Run(); !s) return s;
    if (here->second.next > 1) {
      books_.ended.push_back({here->second.id, here->second.next, heard_ms_});
    }
    books_.settled.Remove(here->first + 1, LastRow(here));
    books_.spools.erase(here);
  }
  while (!books_.ended.empty() && BeyondBounds(books_.ended.front())) {
    books_.ended.erase(books_.ended.begin());
  }
  if (Status s = SaveEnded(); !s) return s;
  return SaveSettled();
}

Status SqliteSpool::LoadEnded() {
  Result<Statement> table = db_.Prepare("SELECT 1 FROM sqlite_schema WHERE name='ended'");
  if (!table) return table.error();
  Result<bool> row = table->Step();
  if (!row) return row.error();
  if (!*row) return {};
  table->Reset();
  Result<Statement> select = db_.Prepare("SELECT id, next, ended_ms FROM ended ORDER BY ended_ms");
  if (!select) return select.error();
  for (;;) {
    if (row = select->Step(); !row) return row.error();
    if (!*row) break;
    books_.ended.push_back({select->UInt(0), select->UInt(1), select->Int(2)});
  }
  books_.ended_saved = books_.ended;
  return {};
}

// In a transaction. Made with the first row: the file of an agent that never ended a spool id, and
// one of a program that did not know of them, has no such table.
Status SqliteSpool::SaveEnded() {
  if (books_.ended == books_.ended_saved) return {};
  if (Status s = db_.Exec(kTable); !s) return s;
  Result<Statement> insert = db_.Prepare("INSERT INTO ended VALUES(?,?,?)");
  if (!insert) return insert.error();
  for (const Ended& ended : books_.ended) {
    insert->Bind(1, ended.id).Bind(2, ended.next).Bind(3, ended.ended_ms);
    if (Status s = insert->Run(); !s) return s;
  }
  books_.ended_saved = books_.ended;
  return {};
}

// In a transaction. The spool ids of one that is given up, of which nothing waits.
Status SqliteSpool::TakeEnded(const SqliteSpool& other) {
  heard_ms_ = other.heard_ms_;
  const auto take = [&](const Ended& ended) {
    const bool known = std::any_of(books_.ended.begin(), books_.ended.end(),
                                   [&](const Ended& mine) { return mine.id == ended.id; });
    if (!known && FindSpool(ended.id) == books_.spools.end()) books_.ended.push_back(ended);
  };
  for (const Ended& ended : other.books_.ended) take(ended);
  for (const auto& [base, spool] : other.books_.spools) {
    if (spool.next > 1 && heard_ms_ != 0) take({spool.id, spool.next, heard_ms_});
  }
  return LeaveSpools();
}

}  // namespace haidang::agent
