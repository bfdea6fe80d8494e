#include "agent/spool_names.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "core/sparkplug/batch.h"

namespace haidang::agent {
namespace {

// Labels as the series table holds them: name, NUL, value, NUL, …
std::string PackLabels(const Labels& labels) {
  std::string packed;
  for (const auto& [name, value] : labels) {
    packed.append(name).push_back('\0');
    packed.append(value).push_back('\0');
  }
  return packed;
}

Labels UnpackLabels(std::string_view packed) {
  Labels labels;
  while (!packed.empty()) {
    const size_t name_end = packed.find('\0');
    const size_t value_end = packed.find('\0', name_end + 1);
    if (name_end == packed.npos || value_end == packed.npos) break;
    labels.emplace(packed.substr(0, name_end),
                   packed.substr(name_end + 1, value_end - name_end - 1));
    packed.remove_prefix(value_end + 1);
  }
  return labels;
}

}  // namespace

Status SpoolNames::Load(Database& db) {
  groups_.clear();
  fresh_.clear();
  Result<Statement> last = db.Prepare("SELECT seq FROM sqlite_sequence WHERE name='series'");
  if (!last) return last.error();
  Result<bool> known = last->Step();
  if (!known) return known.error();
  last_alias_ = *known ? last->UInt(0) : 0;
  Result<Statement> select = db.Prepare("SELECT name FROM grp ORDER BY bit");
  if (!select) return select.error();
  for (;;) {
    Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) break;
    groups_.emplace_back(select->Text(0));
  }
  saved_groups_ = groups_.size();
  return {};
}

Status SpoolNames::Save(Database& db) const {
  if (saved_groups_ < groups_.size()) {
    Result<Statement> insert = db.Prepare("INSERT INTO grp VALUES(?,?)");
    if (!insert) return insert.error();
    for (size_t bit = saved_groups_; bit < groups_.size(); ++bit) {
      insert->Bind(1, static_cast<int64_t>(bit)).Bind(2, groups_[bit]);
      if (Status s = insert->Run(); !s) return s;
    }
  }
  if (fresh_.empty()) return {};
  Result<Statement> insert =
      db.Prepare("INSERT INTO series(alias, metric, labels, datatype, grp) VALUES(?,?,?,?,?)");
  if (!insert) return insert.error();
  for (const KnownSeries& one : FreshByAlias()) {
    const std::string labels = PackLabels(one.series.labels);
    insert->Bind(1, one.alias).Bind(2, one.series.metric).BindBlob(3, labels);
    insert->Bind(4, static_cast<int>(one.datatype)).Bind(5, static_cast<int64_t>(one.group));
    if (Status s = insert->Run(); !s) return s;
  }
  return {};
}

// In this order the file's tables grow at their end, and their pages are full.
std::vector<KnownSeries> SpoolNames::FreshByAlias() const {
  std::vector<KnownSeries> all;
  all.reserve(fresh_.size());
  for (const auto& [key, fresh] : fresh_) {
    all.push_back({fresh.alias, key.first, key.second, fresh.group});
  }
  std::ranges::sort(all, {}, &KnownSeries::alias);
  return all;
}

void SpoolNames::Saved() {
  fresh_.clear();
  saved_groups_ = groups_.size();
}

Result<uint64_t> SpoolNames::AliasOf(Database& db, const SeriesId& series, DataType datatype,
                                     uint32_t group) {
  if (const auto fresh = fresh_.find({series, datatype}); fresh != fresh_.end()) {
    return fresh->second.alias;
  }
  const std::string labels = PackLabels(series.labels);
  Result<Statement> select =
      db.Prepare("SELECT alias FROM series WHERE metric=? AND labels=? AND datatype=?");
  if (!select) return select.error();
  select->Bind(1, series.metric).BindBlob(2, labels).Bind(3, static_cast<int>(datatype));
  Result<bool> row = select->Step();
  if (!row) return row.error();
  if (*row) return select->UInt(0);
  fresh_[{series, datatype}] = {++last_alias_, group};
  return last_alias_;
}

Status SpoolNames::ContinueAfter(Database& db, uint64_t alias) {
  if (alias <= last_alias_) return {};
  last_alias_ = alias;
  Result<Statement> update = db.Prepare("UPDATE sqlite_sequence SET seq=? WHERE name='series'");
  if (!update) return update.error();
  return update->Bind(1, alias).Run();
}

Result<std::vector<KnownSeries>> SpoolNames::Series(Database& db) {
  std::vector<KnownSeries> all;
  Result<Statement> select =
      db.Prepare("SELECT alias, metric, labels, datatype, grp FROM series ORDER BY alias");
  if (!select) return select.error();
  for (;;) {
    Result<bool> row = select->Step();
    if (!row) return row.error();
    if (!*row) break;
    all.push_back({select->UInt(0),
                   {std::string(select->Text(1)), UnpackLabels(select->Blob(2))},
                   static_cast<DataType>(select->Int(3)),
                   static_cast<uint32_t>(select->Int(4))});
  }
  std::ranges::move(FreshByAlias(), std::back_inserter(all));
  return all;
}

Status SpoolNames::Forget(Database& db, uint64_t alias) {
  if (std::erase_if(fresh_, [&](const auto& one) { return one.second.alias == alias; }) > 0)
    return {};
  Result<Statement> remove = db.Prepare("DELETE FROM series WHERE alias=?");
  if (!remove) return remove.error();
  return remove->Bind(1, alias).Run();
}

Result<uint32_t> SpoolNames::GroupOf(const Database& db, const std::string& group) {
  const auto known = std::find(groups_.begin(), groups_.end(), group);
  if (known != groups_.end()) return static_cast<uint32_t>(known - groups_.begin());
  if (groups_.size() >= static_cast<size_t>(sparkplug::kMaxGroups)) {
    return Error{db.path() + ": more than " + std::to_string(sparkplug::kMaxGroups) +
                 " sources were ever used; \"" + group + "\" is left out"};
  }
  groups_.push_back(group);
  return static_cast<uint32_t>(groups_.size() - 1);
}

}  // namespace haidang::agent
