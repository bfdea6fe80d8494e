#include "core/io/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace haidang {
namespace {

#ifdef _WIN32
constexpr char kWithoutLocks[] = "win32-none";
#else
constexpr char kWithoutLocks[] = "unix-none";
#endif

DatabaseFault FaultOf(int code, int system_error) {
  if (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG)
    return DatabaseFault::kFull;
  if (system_error == EROFS || system_error == EACCES) return DatabaseFault::kReadOnly;
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return DatabaseFault::kNone;
    case SQLITE_FULL:
      return DatabaseFault::kFull;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return DatabaseFault::kReadOnly;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DatabaseFault::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return DatabaseFault::kBusy;
    default:
      return DatabaseFault::kOther;
  }
}

DatabaseFault FaultOf(sqlite3* db) {
  const int code = sqlite3_extended_errcode(db);
  // The system's error outlives the call that met it: it counts only where SQLite blames I/O.
  const int kind = code & 0xff;
  const bool io = kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN || kind == SQLITE_FULL;
  return FaultOf(code, io ? sqlite3_system_errno(db) : 0);
}

std::string_view Advice(DatabaseFault fault) {
  switch (fault) {
    case DatabaseFault::kFull:
      return "the disk is full: free space on its file system";
    case DatabaseFault::kReadOnly:
      return "the file or its directory cannot be written: check that it exists, its owner and "
             "mode, and that the file system is not mounted read-only";
    case DatabaseFault::kCorrupt:
      return "the file is damaged or no database: move it aside or restore a backup";
    case DatabaseFault::kBusy:
      return "another process holds the file: it must be used by one program alone";
    case DatabaseFault::kNone:
    case DatabaseFault::kOther:
      return "";
  }
  return "";
}

Error MakeError(sqlite3* db, std::string_view path, std::string_view doing) {
  constexpr size_t kMaxStatement = 120;
  std::string message(path);
  message += ": cannot ";
  message += doing.substr(0, kMaxStatement);
  message += ": ";
  message += sqlite3_errmsg(db);
  if (const std::string_view advice = Advice(FaultOf(db)); !advice.empty()) {
    message += " (";
    message += advice;
    message += ')';
  }
  return Error{std::move(message)};
}

Error MakeError(sqlite3_stmt* stmt) {
  sqlite3* db = sqlite3_db_handle(stmt);
  const char* path = sqlite3_db_filename(db, "main");
  return MakeError(db, path == nullptr || *path == '\0' ? ":memory:" : path,
                   std::string("run \"") + sqlite3_sql(stmt) + '"');
}

// Made by us, because SQLite would make it readable for everybody. -wal and -shm take its mode.
void MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);  // where it failed, SQLite says why
}

std::string Pragmas(const DatabaseOptions& options) {
  // First of all: once the WAL was read otherwise, there is a -shm file.
  std::string sql = options.exclusive ? "PRAGMA locking_mode=EXCLUSIVE;" : "";
  sql += "PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024) + ";";
  if (options.read_only) return sql;
  // Before the file is in WAL mode, or never.
  if (options.page_size > 0) sql += "PRAGMA page_size=" + std::to_string(options.page_size) + ";";
  if (options.can_shrink) sql += "PRAGMA auto_vacuum=INCREMENTAL;";
  sql += "PRAGMA journal_mode=WAL;PRAGMA wal_autocheckpoint=";
  sql += std::to_string(options.wal_autocheckpoint);
  // The WAL file shrinks to this at a checkpoint, after a long transaction blew it up.
  sql += ";PRAGMA journal_size_limit=4194304;PRAGMA synchronous=";
  switch (options.synchronous) {
    case DatabaseOptions::Sync::kOff:
      return sql + "OFF";
    case DatabaseOptions::Sync::kNormal:
      return sql + "NORMAL";
    case DatabaseOptions::Sync::kFull:
      return sql + "FULL";
  }
  return sql;
}

}  // namespace

Database::Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      path_(std::move(other.path_)),
      idle_(std::move(other.idle_)) {}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    idle_ = std::move(other.idle_);
    sqlite3_close_v2(db_);
    db_ = std::exchange(other.db_, nullptr);
    path_ = std::move(other.path_);
  }
  return *this;
}

Database::~Database() {
  idle_.clear();
  sqlite3_close_v2(db_);
}

Result<Database> Database::Open(const std::string& path, const DatabaseOptions& options,
                                DatabaseFault* fault) {
  int flags = SQLITE_OPEN_NOMUTEX;
  flags |= options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (!options.read_only && path != ":memory:") MakePrivateFile(path);
  sqlite3* raw = nullptr;
  // A reader cannot lock others out; it takes no locks at all, then.
  const char* vfs = options.read_only && options.exclusive ? kWithoutLocks : nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &raw, flags, vfs);
  Database db(raw, path);
  sqlite3_extended_result_codes(raw, 1);
  const auto fail = [&]() -> Result<Database> {
    if (fault != nullptr) *fault = FaultOf(raw);
    return MakeError(raw, path, "open the database");
  };
  if (rc != SQLITE_OK) return fail();
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  if (sqlite3_exec(raw, Pragmas(options).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail();
  }
  if (fault != nullptr) *fault = DatabaseFault::kNone;
  return db;
}

DatabaseFault Database::fault() const { return FaultOf(db_); }

Status Database::Exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return MakeError(db_, path_, std::string("run \"") + sql + '"');
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  const int rc = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  if (rc == SQLITE_OK) return Statement(stmt);
  return MakeError(db_, path_, "prepare \"" + std::string(sql) + '"');
}

int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
int Database::changes() const { return sqlite3_changes(db_); }

Result<KeptStatement> Database::Keep(std::string_view sql) {
  if (const auto idle = idle_.find(sql); idle != idle_.end()) {
    auto node = idle_.extract(idle);
    return KeptStatement(*this, std::move(node.key()), std::move(node.mapped()));
  }
  auto statement = Prepare(sql);
  if (!statement) return statement.error();
  return KeptStatement(*this, std::string(sql), std::move(*statement));
}

KeptStatement::KeptStatement(Database& db, std::string sql, Statement statement)
    : db_(&db), sql_(std::move(sql)), statement_(std::move(statement)) {}

KeptStatement::KeptStatement(KeptStatement&& other) noexcept
    : db_(other.db_),
      sql_(std::move(other.sql_)),
      statement_(std::exchange(other.statement_, std::nullopt)) {}

// Of two of the same that were in use at once one goes.
KeptStatement::~KeptStatement() {
  if (!statement_) return;
  statement_->Reset();
  db_->idle_.try_emplace(std::move(sql_), std::move(*statement_));
}

Statement::Statement(Statement&& other) noexcept
    : stmt_(std::exchange(other.stmt_, nullptr)), bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(stmt_);
    stmt_ = std::exchange(other.stmt_, nullptr);
    bind_error_ = other.bind_error_;
  }
  return *this;
}

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::Bind(int index, int64_t value) {
  bind_error_ |= sqlite3_bind_int64(stmt_, index, value);
  return *this;
}

Statement& Statement::Bind(int index, uint64_t value) {
  return Bind(index, static_cast<int64_t>(value));
}

Statement& Statement::Bind(int index, double value) {
  bind_error_ |= sqlite3_bind_double(stmt_, index, value);
  return *this;
}

Statement& Statement::Bind(int index, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();  // a null pointer would mean NULL
  bind_error_ |=
      sqlite3_bind_text64(stmt_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  const char* data = bytes.empty() ? "" : bytes.data();
  bind_error_ |= sqlite3_bind_blob64(stmt_, index, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::BindNull(int index) {
  bind_error_ |= sqlite3_bind_null(stmt_, index);
  return *this;
}

Result<bool> Statement::Step() {
  int rc = bind_error_;
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    Reset();
    return false;
  }
  Error error = MakeError(stmt_);
  Reset();
  return error;
}

Status Statement::Run() {
  for (;;) {
    Result<bool> row = Step();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
  bind_error_ = 0;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(stmt_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(stmt_, column); }

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::string_view Statement::Blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

Result<Transaction> Transaction::Begin(Database& db) {
  if (Status begun = db.Exec("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(&db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full).
  if (db_ != nullptr && sqlite3_get_autocommit(db_->native()) == 0) {
    sqlite3_exec(db_->native(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Status Transaction::Commit() {
  if (Status committed = db_->Exec("COMMIT"); !committed) return committed;
  db_ = nullptr;
  return {};
}

}  // namespace haidang
