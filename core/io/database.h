#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite as values and RAII: every failure is a Result, with file, statement and SQLite's words.
// One Database is used by one thread at a time.
namespace haidang {

struct DatabaseOptions {
  enum class Sync { kOff, kNormal, kFull };
  Sync synchronous = Sync::kFull;
  bool read_only = false;
  // No other connection, not even of this process, may open the file while this one has it. Then no
  // -shm file is needed, and a full disk can be read. With `read_only` nothing is locked either:
  // the caller knows that nobody writes.
  bool exclusive = false;
  int busy_timeout_ms = 1000;     // another connection of this process holds the lock
  int64_t cache_bytes = 2 << 20;  // page cache
  int wal_autocheckpoint = 1000;  // pages
  int page_size = 0;              // bytes, of a file that is made; 0: SQLite's default
  bool can_shrink = false;        // a file that is made takes PRAGMA incremental_vacuum
};

// Why the last call failed, where the caller acts differently upon it.
enum class DatabaseFault { kNone, kFull, kReadOnly, kCorrupt, kBusy, kOther };

class Database;

// Usage:  s.Bind(1, machine).Bind(2, number);  while (*s.Step()) use(s.Int(0));
// Step() returns true while there is a row, false at the end; then, and after an Error, the
// statement is reset and its parameters are all NULL again. Text and Blob views live until the next
// Step, Reset or Bind.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, uint64_t value);  // stored as the int64 with the same bits
  Statement& Bind(int index, int value) { return Bind(index, static_cast<int64_t>(value)); }
  Statement& Bind(int index, double value);
  Statement& Bind(int index, std::string_view text);       // copied
  Statement& BindBlob(int index, std::string_view bytes);  // must live until Step or Run returned
  Statement& BindNull(int index);

  Result<bool> Step();
  // Steps to the end and resets.
  Status Run();
  void Reset();

  bool IsNull(int column) const;
  int64_t Int(int column) const;
  uint64_t UInt(int column) const { return static_cast<uint64_t>(Int(column)); }
  double Real(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* stmt) : stmt_(stmt) {}
  sqlite3_stmt* stmt_ = nullptr;
  int bind_error_ = 0;
};

// A Statement that goes back, reset, to the Database that keeps it: which lives longer, and is not
// moved meanwhile.
class KeptStatement {
 public:
  KeptStatement(KeptStatement&& other) noexcept;
  KeptStatement& operator=(KeptStatement&&) = delete;
  ~KeptStatement();
  Statement* operator->() { return &*statement_; }
  Statement& operator*() { return *statement_; }

 private:
  friend class Database;
  KeptStatement(Database& db, std::string sql, Statement statement);
  Database* db_;
  std::string sql_;
  std::optional<Statement> statement_;
};

class Database {
 public:
  // Opens or makes `path` (mode 0600) in WAL mode. ":memory:" for tests. `fault`, where given, says
  // why it failed.
  static Result<Database> Open(const std::string& path, const DatabaseOptions& options,
                               DatabaseFault* fault = nullptr);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // One or more statements without parameters or rows.
  Status Exec(const char* sql);
  // Compiled once, used many times. The Statement must not outlive the Database.
  Result<Statement> Prepare(std::string_view sql);
  // The same, compiled at its first use only: questions that are asked again and again.
  Result<KeptStatement> Keep(std::string_view sql);

  int64_t last_insert_rowid() const;
  int changes() const;
  const std::string& path() const { return path_; }
  // Of the most recent call on this connection, statements included.
  DatabaseFault fault() const;
  sqlite3* native() const { return db_; }

 private:
  friend class KeptStatement;
  Database(sqlite3* db, std::string path);
  sqlite3* db_ = nullptr;
  std::string path_;
  std::map<std::string, Statement, std::less<>> idle_;  // that Keep compiled, by SQL
};

// BEGIN IMMEDIATE … COMMIT; rolls back when destroyed before Commit.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& db);
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status Commit();

 private:
  explicit Transaction(Database* db) : db_(db) {}
  Database* db_;
};

}  // namespace haidang
