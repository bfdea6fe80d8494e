#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/spool.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::agent {

// The spool file's tables of series and source groups: what aliases and bits mean, for ever. What
// is new is in memory until it was saved. Seldom used, so its statements are not kept.
class SpoolNames {
 public:
  Status Load(Database& db);
  // In a transaction: writes what is new. It stays new until that was committed and Saved says so.
  Status Save(Database& db) const;
  void Saved();
  Result<uint64_t> AliasOf(Database& db, const SeriesId& series, DataType datatype, uint32_t group);
  Result<std::vector<KnownSeries>> Series(Database& db);
  Status Forget(Database& db, uint64_t alias);
  Result<uint32_t> GroupOf(const Database& db, const std::string& group);
  const std::vector<std::string>& groups() const { return groups_; }
  // The highest alias that was ever given; in another file, later ones are above it.
  uint64_t last_alias() const { return last_alias_; }
  Status ContinueAfter(Database& db, uint64_t alias);

 private:
  struct Fresh {
    uint64_t alias;
    uint32_t group;
  };
  std::vector<KnownSeries> FreshByAlias() const;

  uint64_t last_alias_ = 0;
  std::vector<std::string> groups_;
  std::map<std::pair<SeriesId, DataType>, Fresh> fresh_;  // their aliases are above the file's
  size_t saved_groups_ = 0;                               // the first of groups_
};

}  // namespace haidang::agent
