#include "collector/store/store_file.h"

#include <algorithm>

#include "collector/store/json.h"
#include "collector/store/schema.h"
#include "collector/store/store_meta.h"
#include "collector/store/window.h"

namespace haidang::store {
namespace {

// Beyond these the caches begin anew.
constexpr size_t kMaxAliases = 2U << 20;
constexpr size_t kMaxSeries = 64U << 10;

}  // namespace

Result<StoreFile> StoreFile::Open(const std::string& path) {
  auto db = OpenQuietStore(path);
  if (!db) return db.error();
  StoreFile file(std::move(*db));
  if (auto known = file.CheckVersion(); !known) return known.error();
  return file;
}

Status StoreFile::CheckVersion() {
  int64_t version = 0;
  auto read = ForEach(db_, "SELECT value FROM meta WHERE key = 'schema'",
                      [&](const Statement& s) { version = s.Int(0); });
  const int newest = Migrations().back().version;
  if (!read) {
    return Error{db_.path() + ": is no telemetry.db of a collector: " + read.error().message};
  }
  if (version == newest) return {};
  if (version == 0) {
    return Error{db_.path() +
                 ": its schema version is gone from the table meta, so nothing in it can be "
                 "trusted: keep this file, and restore the last backup that is whole"};
  }
  return Error{db_.path() + ": has schema version " + std::to_string(version) +
               ", this program reads " + std::to_string(newest) +
               (version > newest ? "; install the newer haidang-collector"
                                 : "; it is migrated when this haidang-collector starts on it "
                                   "(restore takes such a backup)")};
}

Status StoreFile::Load() {
  auto spools = ForEach(db_,
                        "SELECT s.id, m.name, m.id, s.spool_id, s.layout FROM spool s"
                        " JOIN machine m ON m.id = s.machine",
                        [&](const Statement& s) {
                          SpoolOfFile& spool = spools_[s.Int(0)];
                          spool.machine = s.Text(1);
                          spool.machine_row = s.Int(2);
                          spool.spool_id = s.UInt(3);
                          spool.layout = s.Int(4);
                        });
  if (!spools) return spools;
  return ForEach(db_, "SELECT spool, first, last, last_crc FROM committed ORDER BY spool, first",
                 [&](const Statement& s) {
                   SpoolOfFile* spool = FindSpool(s.Int(0));
                   if (spool == nullptr || s.Int(1) < 1 || s.Int(2) < s.Int(1)) return;
                   spool->committed.Add(s.UInt(1), s.UInt(2));
                   if (!s.IsNull(3)) spool->last_crcs[s.UInt(2)] = s.UInt(3);
                 });
}

Result<bool> StoreFile::IsInBlock(const JournalEntry& entry) {
  if (!covered_) {
    auto prepared = db_.Prepare(
        "SELECT coalesce(max(journal_id), 0) FROM block WHERE machine = ?1 AND window_ms = ?2");
    if (!prepared) return prepared.error();
    covered_.emplace(std::move(*prepared));
  }
  auto row = covered_->Bind(1, entry.machine).Bind(2, WindowOf(entry.time_ms)).Step();
  if (!row) return row.error();
  const bool covered = entry.id <= covered_->Int(0);
  covered_->Reset();
  return covered;
}

SpoolOfFile* StoreFile::FindSpool(int64_t row) {
  const auto it = spools_.find(row);
  return it == spools_.end() ? nullptr : &it->second;
}

Result<const StoreFile::Aliases*> StoreFile::AliasesOf(int64_t layout) {
  const auto known = layouts_.find(layout);
  if (known != layouts_.end()) return &known->second;
  Aliases aliases;
  auto read = ForEach(db_,
                      "SELECT alias, series FROM alias WHERE layout = " + std::to_string(layout) +
                          " ORDER BY alias",
                      [&](const Statement& s) { aliases.emplace_back(s.UInt(0), s.Int(1)); });
  if (!read) return read.error();
  std::sort(aliases.begin(), aliases.end());
  aliases_ += aliases.size();
  if (aliases_ > kMaxAliases) {
    layouts_.clear();
    aliases_ = aliases.size();
  }
  return &layouts_.emplace(layout, std::move(aliases)).first->second;
}

Result<const StoreFile::Series*> StoreFile::FindSeries(int64_t row) {
  auto known = series_.find(row);
  if (known == series_.end()) {
    std::optional<Series> series;
    auto read = ForEach(
        db_, "SELECT metric, labels, datatype FROM series WHERE id = " + std::to_string(row),
        [&](const Statement& s) {
          series = Series{{std::string(s.Text(0)), DecodeLabels(s.Text(1))},
                          static_cast<DataType>(s.Int(2))};
        });
    if (!read) return read.error();
    if (series_.size() >= kMaxSeries) series_.clear();
    known = series_.emplace(row, std::move(series)).first;
  }
  return known->second ? &*known->second : nullptr;
}

const std::pair<uint64_t, int64_t>* FindAlias(const StoreFile::Aliases& aliases, uint64_t alias) {
  const auto at =
      std::lower_bound(aliases.begin(), aliases.end(), alias,
                       [](const auto& entry, uint64_t key) { return entry.first < key; });
  return at != aliases.end() && at->first == alias ? &*at : nullptr;
}

}  // namespace haidang::store
