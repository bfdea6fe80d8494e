#include "core/io/database_copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "core/io/files.h"

namespace haidang {
namespace {

constexpr int64_t kStepBytes = 1 << 20;
// Written back so often: at the end nothing much is left to wait for, and the source's commits
// never wait behind more than this.
constexpr int64_t kSyncBytes = 8 << 20;
// SQLite's file format, 1.3.3: both are 1 in a file without WAL, 2 in one with.
constexpr off_t kVersionsAt = 18;
constexpr char kRollback[] = {1, 1};

Error SystemError(const std::string& path, const char* doing) {
  const int failure = errno;
  return Error{path + ": cannot be " + doing + ": " + std::strerror(failure) +
               (failure == ENOSPC || failure == EDQUOT || failure == EFBIG
                    ? "; make room there, or name another place"
                    : "")};
}

// A file that goes with this object, unless it is kept.
class NewFile {
 public:
  static Result<NewFile> Make(const std::string& path, mode_t mode) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return SystemError(path, "made");
    return NewFile(path, fd);
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(path_.c_str());
  }

  int fd() const { return fd_; }
  void Keep() { ::close(std::exchange(fd_, -1)); }

 private:
  NewFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

using Connection = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

// Nobody else knows the file, and it is thrown away where something fails: no journal, no locks.
Result<Connection> OpenTarget(const std::string& path) {
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection db(raw, sqlite3_close_v2);
  constexpr char kPragmas[] =
      "PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;"
      "PRAGMA cache_size=-1024";
  if (opened != SQLITE_OK || sqlite3_exec(raw, kPragmas, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Error{path + ": cannot be opened: " + sqlite3_errmsg(raw)};
  }
  return db;
}

Result<int64_t> Number(Database& db, const char* sql) {
  auto s = db.Prepare(sql);
  if (!s) return s.error();
  auto row = s->Step();
  if (!row) return row.error();
  return *row ? s->Int(0) : 0;
}

class Copy {
 public:
  Copy(Database& from, const std::string& path, const CopyOptions& options)
      : from_(from), path_(path), options_(options) {}

  Status Run() {
    auto file = ReadSource();
    if (!file) return file.error();
    if (options_.read) options_.read();
    for (auto step : {&Copy::EndInRollbackMode, &Copy::Check}) {
      if (Status done = (this->*step)(file->fd()); !done) return done;
    }
    file->Keep();
    return {};
  }

 private:
  bool Stopped() const { return options_.stop != nullptr && options_.stop->stopped(); }
  Error Given() const { return Error{path_ + ": was given up, because it was ended"}; }
  Status Between() const {
    if (Stopped()) return Given();
    return options_.between ? options_.between(copied_, bytes_) : Status();
  }

  // In one view of the source: SQLite would begin anew whenever somebody wrote.
  Result<NewFile> ReadSource() {
    if (auto begun = from_.Exec("BEGIN"); !begun) return begun.error();
    auto file = MakeFile();
    const Status copied = file ? CopyPages(file->fd()) : Status();
    const Status ended = from_.Exec("COMMIT");
    if (!copied) return copied.error();
    if (!ended) return ended.error();
    return file;
  }

  Result<NewFile> MakeFile() {
    const auto page_size = Number(from_, "PRAGMA page_size");
    if (!page_size) return page_size.error();
    page_size_ = *page_size;
    const auto pages = Number(from_, "PRAGMA page_count");
    if (!pages) return pages.error();
    bytes_ = *pages * page_size_;
    if (const Status room = CheckRoom(path_, bytes_); !room) return room.error();
    return NewFile::Make(path_, options_.mode);
  }

  Status CopyPages(int fd) {
    auto to = OpenTarget(path_);
    if (!to) return to.error();
    sqlite3_backup* backup = sqlite3_backup_init(to->get(), "main", from_.native(), "main");
    if (backup == nullptr) return Error{path_ + ": " + sqlite3_errmsg(to->get())};
    int64_t synced = 0;
    Status stopped;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && stopped) {
      rc = sqlite3_backup_step(backup, static_cast<int>(kStepBytes / page_size_));
      const int64_t left = sqlite3_backup_remaining(backup);
      bytes_ = sqlite3_backup_pagecount(backup) * page_size_;
      copied_ = bytes_ - left * page_size_;
      if (copied_ - synced >= kSyncBytes && ::fdatasync(fd) == 0) synced = copied_;
      stopped = Between();
    }
    const int ended = sqlite3_backup_finish(backup);
    if (!stopped) return stopped;
    if (rc == SQLITE_DONE && ended == SQLITE_OK) return {};
    return Failed(rc == SQLITE_DONE ? ended : rc, to->get());
  }

  Error Failed(int rc, sqlite3* to) {
    const int kind = rc & 0xff;
    std::string words = from_.path() + ": cannot be copied to " + path_ + ": " + sqlite3_errstr(rc);
    const int system = sqlite3_system_errno(to);
    if (kind == SQLITE_FULL || system == ENOSPC || system == EDQUOT || system == EFBIG) {
      words += "; the disk of the copy is full: make room there, or name another place";
    } else if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) {
      words += "; the source is damaged";
    } else if (system != 0) {
      words += std::string(" (") + std::strerror(system) + ")";
    }
    return Error{std::move(words)};
  }

  Status EndInRollbackMode(int fd) {
    if (::pwrite(fd, kRollback, sizeof kRollback, kVersionsAt) != sizeof kRollback)
      return SystemError(path_, "written");
    if (::fsync(fd) != 0) return SystemError(path_, "made durable");
    return {};
  }

  Status Check(int) {
    DatabaseOptions options;
    options.read_only = true;
    auto db = Database::Open(path_, options);
    if (!db) return db.error();
    const CopyWatched watched(options_.stop, *db);
    auto check = db->Prepare("PRAGMA quick_check(1)");
    if (!check) return check.error();
    if (Stopped()) return Given();  // an interrupt before the statement runs would be forgotten
    auto row = check->Step();
    if (Stopped()) return Given();
    if (!row) return row.error();
    if (*row && check->Text(0) == "ok") return {};
    return Error{from_.path() + ": its pages are damaged, or the copy's, " + path_ + ": " +
                 std::string(check->Text(0))};
  }

  Database& from_;
  const std::string& path_;
  const CopyOptions& options_;
  int64_t page_size_ = 0;
  int64_t bytes_ = 0;
  int64_t copied_ = 0;
};

}  // namespace

CopyWatched::CopyWatched(CopyStop* stop, const Database& db) : stop_(stop) {
  if (stop_ == nullptr) return;
  const std::lock_guard lock(stop_->mutex_);
  stop_->watched_ = db.native();
}

CopyWatched::~CopyWatched() {
  if (stop_ == nullptr) return;
  const std::lock_guard lock(stop_->mutex_);
  stop_->watched_ = nullptr;
}

void CopyStop::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (watched_ != nullptr) sqlite3_interrupt(watched_);
}

bool CopyStop::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

Status CopyDatabase(Database& from, const std::string& path, const CopyOptions& options) {
  return Copy(from, path, options).Run();
}

}  // namespace haidang
