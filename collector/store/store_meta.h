#pragma once

#include <cstdint>
#include <string>

#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

// By what a telemetry.db is known.
struct StoreMeta {
  int64_t version = 0;    // of the schema
  uint64_t store_id = 0;  // 0: not given yet
  bool operator==(const StoreMeta&) const = default;
};

// An Error where `db` is no telemetry.db of a collector at all.
Result<StoreMeta> ReadMeta(Database& db);

// Opens a telemetry.db that nobody else uses, or a backup, for reading, its WAL included, and makes
// no file beside it. An Error where it is not there, or is none.
Result<Database> OpenQuietStore(const std::string& path);

}  // namespace haidang::store
