#include "collector/store/restore.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>

#include "collector/store/schema.h"
#include "collector/store/store_meta.h"
#include "core/io/database_copy.h"
#include "core/io/files.h"

// What stands beside telemetry.db, in the order in which a restore makes it:
//   telemetry.db.restoring        a copy that is not whole yet; it means nothing
//   telemetry.db.restored-TIME    the copy, whole and durable: from now on it is the store
//   telemetry.db.before-restore-TIME, and -wal, -shm of the same: the store that was there
// and then the second one is named telemetry.db.
namespace haidang::store {
namespace {

constexpr std::string_view kName = "telemetry.db";
constexpr std::string_view kUnfinished = "telemetry.db.restoring";
constexpr std::string_view kWhole = "telemetry.db.restored-";
constexpr std::string_view kBefore = "telemetry.db.before-restore-";

bool IsThere(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

std::string In(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

// "20261123T031500.123Z"
std::string TimeName(int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  char text[40];
  if (gmtime_r(&seconds, &utc) == nullptr) return std::to_string(ms);
  const size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &utc);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

Status CheckVersion(const std::string& file, const StoreMeta& meta) {
  const int newest = Migrations().back().version;
  if (meta.version > newest) {
    return Error{file + ": has schema version " + std::to_string(meta.version) +
                 ", this program knows up to " + std::to_string(newest) +
                 "; install the newer haidang-collector"};
  }
  if (meta.store_id == 0) return Error{file + ": is no telemetry.db of a collector: it has no id"};
  return {};
}

// The new store is whole: moves what is there aside and puts it in place. May be done again and
// again until it was done once.
Result<std::string> PutInPlace(const std::string& directory, const std::string& whole) {
  const std::string time = FileNameOf(whole).substr(kWhole.size());
  const std::string store = In(directory, kName);
  const std::string aside = In(directory, kBefore) + time;
  // The file last: as long as it is there, what is beside it is its.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (!IsThere(store + suffix)) continue;
    if (auto moved = RenameFile(store + suffix, aside + suffix, false); !moved)
      return moved.error();
  }
  if (auto synced = SyncDirectory(directory); !synced) return synced.error();
  if (auto named = RenameFile(whole, store, false); !named) return named.error();
  if (auto synced = SyncDirectory(directory); !synced) return synced.error();
  return IsThere(aside) ? aside : "";
}

Status CopyWhole(const std::string& file, const std::string& copy, int64_t& bytes) {
  auto source = OpenQuietStore(file);
  if (!source) return source.error();
  const auto meta = ReadMeta(*source);
  if (!meta) return meta.error();
  if (auto known = CheckVersion(file, *meta); !known) return known;
  CopyOptions options;
  options.between = [&](int64_t, int64_t all) -> Status {
    bytes = all;
    return {};
  };
  if (auto copied = CopyDatabase(*source, copy, options); !copied) return copied;
  GiveToOwnerOfDirectory(copy);
  return {};
}

}  // namespace

Result<Restored> RestoreStore(const std::string& directory, const std::string& file,
                              int64_t now_ms) {
  Restored restored;
  const std::string copy = In(directory, kUnfinished);
  if (auto copied = CopyWhole(file, copy, restored.bytes); !copied) return copied.error();
  while (IsThere(In(directory, kBefore) + TimeName(now_ms))) ++now_ms;
  const std::string whole = In(directory, kWhole) + TimeName(now_ms);
  if (auto named = RenameFile(copy, whole, false); !named) {
    ::unlink(copy.c_str());
    return named.error();
  }
  if (auto synced = SyncDirectory(directory); !synced) return synced.error();
  auto aside = PutInPlace(directory, whole);
  if (!aside) return aside.error();
  restored.aside = std::move(*aside);
  return restored;
}

Result<std::vector<std::string>> SettleRestore(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
  if (listing == nullptr) {
    return Error{directory + ": cannot be listed: " + std::strerror(errno)};
  }
  std::vector<std::string> whole, told;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(kWhole)) whole.push_back(In(directory, name));
  }
  std::sort(whole.begin(), whole.end());
  for (const std::string& file : whole) {
    auto aside = PutInPlace(directory, file);
    if (!aside) return aside.error();
    told.push_back("a restore that was cut off is done: telemetry.db is the restored store now" +
                   (aside->empty() ? "" : "; the one before is " + *aside));
  }
  const std::string unfinished = In(directory, kUnfinished);
  if (IsThere(unfinished) && ::unlink(unfinished.c_str()) == 0) {
    told.push_back("a restore was cut off before it changed anything; telemetry.db is as it was");
  }
  return told;
}

}  // namespace haidang::store
