#include "agent/spool_file.h"

#include <sys/stat.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "core/io/state_directory.h"
#include "core/log.h"

namespace haidang::agent {
namespace {

constexpr int64_t kSchemaVersion = 2;
constexpr int64_t kCacheBytes = 128 << 10;        // a tick touches a handful of pages
constexpr int64_t kMaxCheckedBytes = 32LL << 20;  // a larger file would delay the start
constexpr int kPageSize = 512;                    // of a new file: a batch changes few bytes
constexpr int kWalPages = 2048;                   // then a checkpoint
constexpr size_t kMaxKeptAside = 2;               // files of a kind
constexpr char kCorrupt[] = ".corrupt-";
constexpr char kOtherMachine[] = ".other-machine-";

// docs/spool-format.md says what stands where.
constexpr const char* kSchema = R"sql(
BEGIN;
CREATE TABLE batch(id INTEGER PRIMARY KEY, age_ms INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE pack(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, age_ms INTEGER NOT NULL,
                  bytes BLOB NOT NULL);
CREATE TABLE settled(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE spool(id INTEGER PRIMARY KEY, base INTEGER NOT NULL UNIQUE, next INTEGER NOT NULL,
                   reason TEXT NOT NULL DEFAULT '');
CREATE TABLE series(alias INTEGER PRIMARY KEY AUTOINCREMENT, metric TEXT NOT NULL,
                    labels BLOB NOT NULL, datatype INTEGER NOT NULL, grp INTEGER NOT NULL,
                    UNIQUE(metric, labels, datatype));
CREATE TABLE grp(bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('in_use', 0), ('bd_seq', 255), ('age_ms', 0);
INSERT INTO sqlite_sequence VALUES('series', 31);
PRAGMA user_version=2;
COMMIT;
)sql";

// Its batches go on to be sent; what schema 1 settled it deleted.
constexpr const char* kFromSchema1 = R"sql(
BEGIN;
CREATE TABLE pack(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, age_ms INTEGER NOT NULL,
                  bytes BLOB NOT NULL);
CREATE TABLE settled(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
PRAGMA user_version=2;
COMMIT;
)sql";

Result<int64_t> ReadNumber(Database& db, const char* sql) {
  Result<Statement> statement = db.Prepare(sql);
  if (!statement) return statement.error();
  Result<bool> row = statement->Step();
  if (!row) return row.error();
  return *row ? statement->Int(0) : 0;
}

// An Error with `fault` kCorrupt where SQLite finds damage.
Status Check(Database& db, const std::string& path, DatabaseFault& fault) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || status.st_size > kMaxCheckedBytes) return {};
  Result<Statement> check = db.Prepare("PRAGMA quick_check(1)");
  Result<bool> row = check ? check->Step() : Result<bool>(check.error());
  if (!row) {
    fault = db.fault();
    return row.error();
  }
  if (*row && check->Text(0) == "ok") return {};
  fault = DatabaseFault::kCorrupt;
  return Error{path + ": damaged: " + std::string(check->Text(0))};
}

// Who began the file; empty where nobody is named.
Result<std::string> MachineOf(Database& db) {
  Result<Statement> select = db.Prepare("SELECT value FROM meta WHERE key='machine'");
  if (!select) return select.error();
  Result<bool> row = select->Step();
  if (!row) return row.error();
  return *row ? std::string(select->Blob(0)) : std::string();
}

// An Error with `aside` where the file is to be moved there: it is damaged, or not `machine`'s.
Result<Database> OpenOnce(const std::string& path, const std::string& machine, DatabaseFault& fault,
                          const char*& aside) {
  DatabaseOptions options;
  options.synchronous = DatabaseOptions::Sync::kNormal;
  options.exclusive = true;
  options.cache_bytes = kCacheBytes;
  options.wal_autocheckpoint = kWalPages;
  options.page_size = kPageSize;
  Result<Database> db = Database::Open(path, options, &fault);
  if (!db) {
    if (fault == DatabaseFault::kCorrupt) aside = kCorrupt;
    return db;
  }
  const auto fail = [&](const Error& error) -> Result<Database> {
    if (fault == DatabaseFault::kNone) fault = db->fault();
    if (fault == DatabaseFault::kCorrupt) aside = kCorrupt;
    return error;
  };
  const Result<int64_t> version = ReadNumber(*db, "PRAGMA user_version");
  if (!version) return fail(version.error());
  if (*version > kSchemaVersion) {
    fault = DatabaseFault::kOther;
    return Error{path + ": made by a newer haidang-agent (schema " + std::to_string(*version) +
                 "): install that version, or move the file away and lose what waits in it"};
  }
  if (*version == 0) {
    if (Status made = db->Exec("PRAGMA auto_vacuum=INCREMENTAL; VACUUM"); !made) {
      return fail(made.error());
    }
    if (Status made = db->Exec(kSchema); !made) return fail(made.error());
    return db;
  }
  const Result<int64_t> in_use = ReadNumber(*db, "SELECT value FROM meta WHERE key='in_use'");
  if (!in_use) return fail(in_use.error());
  if (*in_use != 0) {
    if (Status whole = Check(*db, path, fault); !whole) return fail(whole.error());
  }
  const Result<std::string> owner = MachineOf(*db);
  if (!owner) return fail(owner.error());
  if (!machine.empty() && !owner->empty() && *owner != machine) {
    aside = kOtherMachine;
    return Error{path + ": its batches are machine " + *owner + "'s, and this is " + machine +
                 " (was this machine cloned, or named anew?): none of them is sent"};
  }
  if (*version == 1) {
    if (Status migrated = db->Exec(kFromSchema1); !migrated) return fail(migrated.error());
  }
  return db;
}

// Files that were moved aside earlier, but for the newest. `time` is of the one just moved, which
// stays whatever the clock says.
void DeleteOldAside(const std::string& path, const std::string& kind, int64_t time) {
  namespace fs = std::filesystem;
  const fs::path directory = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
  const std::string prefix = fs::path(path).filename().string() + kind;
  std::set<int64_t> others;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    int64_t of = 0;
    const char* name_end = name.data() + name.size();
    const auto [rest, wrong] = std::from_chars(name.data() + prefix.size(), name_end, of);
    if (wrong == std::errc() && of != time) others.insert(of);
  }
  for (; others.size() + 1 > kMaxKeptAside; others.erase(others.begin())) {
    const std::string old = path + kind + std::to_string(*others.begin());
    for (const char* suffix : {"", "-wal", "-shm"}) std::remove((old + suffix).c_str());
  }
}

// -wal and -shm belong to the file and go with it.
Result<std::string> MoveAside(const std::string& path, const std::string& kind,
                              const Clock& clock) {
  const int64_t time = clock.WallMs() / 1000;
  const std::string aside = path + kind + std::to_string(time);
  if (std::rename(path.c_str(), aside.c_str()) != 0) {
    return Error{path + (kind == kCorrupt ? ": damaged" : ": another machine's") +
                 ", and cannot be moved aside to " + aside +
                 ": check its directory's owner and mode"};
  }
  std::rename((path + "-wal").c_str(), (aside + "-wal").c_str());  // where there is one
  std::rename((path + "-shm").c_str(), (aside + "-shm").c_str());
  DeleteOldAside(path, kind, time);
  return aside;
}

}  // namespace

Result<SpoolFile> ReplaceSpoolFile(const std::string& path, const std::string& machine,
                                   const Clock& clock) {
  const Result<std::string> aside = MoveAside(path, kCorrupt, clock);
  if (!aside) return aside.error();
  spdlog::error("{}: damaged; it was moved to {} and a new spool begins", path, *aside);
  return OpenSpoolFile(path, machine, clock);
}

// A blob, because a name of digits would become a number.
Status NameSpoolMachine(Database& db, const std::string& machine) {
  if (machine.empty()) return {};
  Result<Statement> insert = db.Prepare("INSERT OR IGNORE INTO meta VALUES('machine', ?)");
  if (!insert) return insert.error();
  return insert->BindBlob(1, machine).Run();
}

Result<Database> OpenSpoolDatabase(const std::string& path, const std::string& machine,
                                   const Clock& clock, DatabaseFault& fault) {
  fault = DatabaseFault::kNone;
  const char* kind = nullptr;
  Result<Database> db = OpenOnce(path, machine, fault, kind);
  if (db || kind == nullptr) return db;
  const Error why = db.error();
  const Result<std::string> aside = MoveAside(path, kind, clock);
  if (!aside) return aside.error();
  spdlog::error("{}; it was moved to {} and a new spool begins", why.message, *aside);
  fault = DatabaseFault::kNone;
  return OpenOnce(path, machine, fault, kind);
}

Result<SpoolFile> OpenSpoolFile(const std::string& path, const std::string& machine,
                                const Clock& clock) {
  DatabaseFault fault = DatabaseFault::kNone;
  Result<Database> db = OpenSpoolDatabase(path, machine, clock, fault);
  if (db) return SpoolFile{std::move(db).value(), false};
  const std::string directory = std::filesystem::path(path).parent_path();
  if (fault != DatabaseFault::kFull && !DiskTakesNothing(directory)) return db.error();
  return OpenSpoolInMemory(db.error());
}

Result<SpoolFile> OpenSpoolInMemory(const Error& why) {
  spdlog::error("{}; batches are kept in memory only, until the file can be used", why.message);
  DatabaseFault fault = DatabaseFault::kNone;
  const char* aside = nullptr;
  Result<Database> memory = OpenOnce(":memory:", "", fault, aside);
  if (!memory) return memory.error();
  return SpoolFile{std::move(memory).value(), true};
}

}  // namespace haidang::agent
