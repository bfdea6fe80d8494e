#include "agent/spool_statements.h"

#include <array>
#include <optional>
#include <utility>

namespace haidang::agent {

Result<SpoolStatements> SpoolStatements::Prepare(Database& db) {
  constexpr std::array kSql = {
      "INSERT INTO batch VALUES(?,?,?)",
      "DELETE FROM batch WHERE id BETWEEN ? AND ?",
      "SELECT min(id) FROM batch",
      "SELECT age_ms, length(bytes) FROM batch WHERE id=?",
      "SELECT bytes FROM batch WHERE id=?",
      "SELECT id, age_ms, bytes FROM batch WHERE id>=? AND id<? ORDER BY id",
      "INSERT INTO pack VALUES(?,?,?,?)",
      "DELETE FROM pack WHERE first=?",
      "SELECT first, last, age_ms, length(bytes) FROM pack WHERE first<=? ORDER BY first DESC"
      " LIMIT 1",
      "SELECT first, last, age_ms, length(bytes) FROM pack WHERE first>=? ORDER BY first LIMIT 1",
      "SELECT bytes FROM pack WHERE first=?",
      "UPDATE spool SET next=?, reason=? WHERE id=?",
      "INSERT OR REPLACE INTO settled VALUES(?,?)",
      "DELETE FROM settled WHERE first=?",
  };
  std::array<std::optional<Statement>, kSql.size()> all;
  for (size_t i = 0; i < kSql.size(); ++i) {
    Result<Statement> prepared = db.Prepare(kSql[i]);
    if (!prepared) return prepared.error();
    all[i].emplace(std::move(prepared).value());
  }
  size_t next = 0;
  const auto take = [&]() -> Statement { return std::move(*all[next++]); };
  // Braces evaluate in order.
  return SpoolStatements{take(), take(), take(), take(), take(), take(), take(),
                         take(), take(), take(), take(), take(), take(), take()};
}

}  // namespace haidang::agent
