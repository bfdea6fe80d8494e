#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::agent {

// The spool file's tables of series and source groups: what aliases and bits mean, for ever. Seldom
// used, so its statements are not kept.
class SpoolNames {
 public:
  Status Load(Database& db);
  Result<uint64_t> AliasOf(Database& db, const SeriesId& series, DataType datatype, uint32_t group);
  Result<std::vector<KnownSeries>> Series(Database& db);
  Status Forget(Database& db, uint64_t alias);
  Result<uint32_t> GroupOf(Database& db, const std::string& group);
  const std::vector<std::string>& groups() const { return groups_; }
  // The highest alias that was ever given; in another file, later ones are above it.
  uint64_t last_alias() const { return last_alias_; }
  Status ContinueAfter(Database& db, uint64_t alias);

 private:
  uint64_t last_alias_ = 0;
  std::vector<std::string> groups_;
};

}  // namespace haidang::agent
