#include "collector/store/store_meta.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "collector/store/for_each.h"

namespace haidang::store {

Result<StoreMeta> ReadMeta(Database& db) {
  StoreMeta meta;
  auto read = ForEach(db, "SELECT key, value FROM meta WHERE key IN ('schema', 'store_id')",
                      [&](const Statement& s) {
                        if (s.Text(0) == "schema") meta.version = s.Int(1);
                        if (s.Text(0) == "store_id") meta.store_id = s.UInt(1);
                      });
  if (!read) {
    return Error{db.path() + ": is no telemetry.db of a collector: " + read.error().message};
  }
  if (meta.version > 0) return meta;
  return Error{db.path() + ": is no telemetry.db of a collector: it tells no schema version"};
}

Result<Database> OpenQuietStore(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error{path + ": " + std::strerror(errno)};
  if (!S_ISREG(info.st_mode)) return Error{path + ": is no regular file"};
  DatabaseOptions options;
  options.read_only = true;
  options.exclusive = true;
  return Database::Open(path, options);
}

}  // namespace haidang::store
