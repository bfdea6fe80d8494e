#include "collector/store/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "collector/store/store_meta.h"
#include "core/io/files.h"

namespace haidang::store {
namespace {

constexpr mode_t kMode = 0640;
constexpr int64_t kRoomToLeave = 16 << 20;  // on the store's disk, for what is taken in meanwhile

std::string PartOf(const BackupOrder& order) { return order.target + ".part"; }

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Whether `path` is a file that a backup may take the place of: a database or, as `unfinished` ones
// are, empty or without its first page.
bool IsDatabase(const std::string& path, bool unfinished) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  std::array<char, 16> begin{};
  const ssize_t size = ::read(fd, begin.data(), begin.size());
  ::close(fd);
  constexpr std::array<char, 16> kNothing{};
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (unfinished && (size == 0 || begin == kNothing)) return true;
  return size == 16 && std::string_view(begin.data(), begin.size()) == kMagic;
}

// A file of the store under whatever name: merely to open and close it would end SQLite's locks.
bool IsStoreItself(const BackupOrder& order) {
  struct stat ours {
  }, theirs{};
  if (::stat(order.target.c_str(), &theirs) != 0) return false;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (::stat((order.store + suffix).c_str(), &ours) == 0 && SameFile(ours, theirs)) return true;
  }
  return false;
}

// The names that the store and its lock have, and may have, in their directory.
bool IsStores(const BackupOrder& order) {
  struct stat ours {
  }, theirs{};
  if (::stat(DirectoryOf(order.store).c_str(), &ours) != 0) return false;
  if (::stat(DirectoryOf(order.target).c_str(), &theirs) != 0) return false;
  if (!SameFile(ours, theirs)) return false;
  const std::string name = FileNameOf(order.target);
  return name.starts_with(FileNameOf(order.store)) || name.starts_with("collector.lock");
}

// Whether who asks and this process mean the same directory.
bool IsSeenAlike(const BackupOrder& order) {
  if (order.directory.empty()) return true;
  const std::string ours = DirectoryIdentity(order.target);
  return ours.empty() || ours == order.directory;  // where it is not there, making the file says so
}

int64_t WalBytes(const std::string& store) {
  struct stat info {};
  return ::stat((store + "-wal").c_str(), &info) == 0 ? info.st_size : 0;
}

// What goes on beside the backup must not suffer from it.
Status CheckBounds(const std::string& store, int64_t wal_before, int64_t bytes) {
  const int64_t growth = WalBytes(store) - wal_before;
  if (growth > std::max(kMaxWalGrowth, bytes / 4)) {
    return Error{"the backup is too slow for what arrives: " + store + "-wal grew by " +
                 std::to_string(growth >> 20) +
                 " MiB meanwhile; name a faster disk, or another hour"};
  }
  if (auto room = CheckRoom(store, kRoomToLeave); !room) {
    return Error{"the backup was given up, so that what arrives can be stored: " +
                 room.error().message};
  }
  return {};
}

// Puts what the WAL gathered into the database here, not in the next commit, which would be kept
// waiting by it. Who writes goes on meanwhile; what comes in during one round is left to the next.
// Where it fails, the next commit does it.
void EmptyWal(const std::string& store, CopyStop* stop) {
  constexpr int kRounds = 4;
  auto db = Database::Open(store, {});
  if (!db) return;
  const CopyWatched watched(stop, *db);
  for (int round = 0; round < kRounds; ++round) {
    if (stop != nullptr && stop->stopped()) return;
    if (!db->Exec("PRAGMA wal_checkpoint(PASSIVE)")) return;
  }
}

Result<Database> OpenSource(const BackupOrder& order, bool in_use) {
  if (!in_use) return OpenQuietStore(order.store);
  DatabaseOptions options;
  options.read_only = true;
  return Database::Open(order.store, options);
}

Status Verify(const std::string& part, const StoreMeta& meta) {
  DatabaseOptions options;
  options.read_only = true;
  auto copy = Database::Open(part, options);
  if (!copy) return copy.error();
  const auto copied = ReadMeta(*copy);
  if (!copied) return copied.error();
  if (*copied == meta) return {};
  return Error{part + ": is not the store that was copied; see whether the disk is sound"};
}

}  // namespace

std::string DirectoryIdentity(const std::string& file) {
  struct stat info {};
  if (::stat(DirectoryOf(file).c_str(), &info) != 0) return "";
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

Status CheckBackup(const BackupOrder& order) {
  if (!order.target.starts_with('/') || FileNameOf(order.target).empty()) {
    return Error{order.target + ": is no absolute path of a file"};
  }
  if (IsStores(order) || IsStoreItself(order)) {
    return Error{order.target +
                 ": this is the store's own; name another directory, on another disk at best"};
  }
  if (!IsSeenAlike(order)) {
    return Error{order.target + ": the collector's service has another " +
                 DirectoryOf(order.target) +
                 " than you (PrivateTmp= of its unit), so you would not find the file; name a "
                 "directory that both see, such as /var/backups/haidang-collector"};
  }
  struct stat info {};
  if (::lstat(order.target.c_str(), &info) == 0) {
    if (!order.replace) {
      return Error{order.target +
                   ": is there already; name another file, or say --force to replace it"};
    }
    if (!IsDatabase(order.target, false)) {
      return Error{order.target + ": is no database, so it is not replaced; name another file"};
    }
  }
  const std::string part = PartOf(order);
  if (::lstat(part.c_str(), &info) == 0 && !IsDatabase(part, true)) {
    return Error{part + ": stands in the way and is no unfinished backup; name another file"};
  }
  return {};
}

Result<int64_t> MakeBackup(const BackupOrder& order, bool in_use, const BackupWatch& watch) {
  if (auto may = CheckBackup(order); !may) return may.error();
  auto source = OpenSource(order, in_use);
  if (!source) return source.error();
  const auto meta = ReadMeta(*source);
  if (!meta) return meta.error();
  const std::string part = PartOf(order);
  ::unlink(part.c_str());  // of a backup that was killed
  int64_t size = 0;
  const int64_t wal_before = WalBytes(order.store);
  CopyOptions options;
  options.mode = kMode;
  options.stop = watch.stop;
  options.between = [&](int64_t copied, int64_t bytes) -> Status {
    size = bytes;
    if (watch.progress) watch.progress(copied, bytes);
    return in_use ? CheckBounds(order.store, wal_before, bytes) : Status();
  };
  if (in_use) options.read = [&] { EmptyWal(order.store, watch.stop); };
  if (auto copied = CopyDatabase(*source, part, options); !copied) return copied.error();
  Status done = Verify(part, *meta);
  if (done) done = RenameFile(part, order.target, order.replace);
  if (!done) {
    ::unlink(part.c_str());
    return done.error();
  }
  if (auto synced = SyncDirectory(DirectoryOf(order.target)); !synced) return synced.error();
  return size;
}

}  // namespace haidang::store
