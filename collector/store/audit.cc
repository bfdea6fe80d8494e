#include "collector/store/audit.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "collector/store/for_each.h"
#include "collector/store/json.h"
#include "collector/store/range_set.h"
#include "collector/store/schema.h"
#include "core/io/database.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {
namespace {

struct Series {
  SeriesId id;
  DataType datatype = DataType::kDouble;
};
// By alias; null: beyond the machine's cap.
using Aliases = std::unordered_map<uint64_t, const Series*>;

struct SpoolOfFile {
  std::string machine;
  int64_t machine_row = 0;
  uint64_t spool_id = 0;
  int64_t layout = 0;
  RangeSet committed;
  RangeSet seen;  // numbers that the journal has
};

struct Row {
  int64_t id = 0;
  int64_t machine = 0;
  int64_t spool = 0;
  uint64_t number = 0;
  int64_t time_ms = 0;
  uint64_t crc = 0;
  std::string_view payload;
};

// What the tables beside the journal say.
class StoreFile {
 public:
  static Result<StoreFile> Open(const std::string& path) {
    DatabaseOptions options;
    options.read_only = true;
    auto db = Database::Open(path, options);
    if (!db) return db.error();
    StoreFile file(std::move(*db));
    if (auto known = file.CheckVersion(); !known) return known.error();
    for (auto load : {&StoreFile::LoadSeries, &StoreFile::LoadSpools, &StoreFile::LoadCommitted}) {
      if (auto loaded = (file.*load)(); !loaded) return loaded.error();
    }
    return file;
  }

  Database& db() { return db_; }
  std::map<int64_t, SpoolOfFile>& spools() { return spools_; }
  size_t series_count() const { return series_.size(); }

  SpoolOfFile* FindSpool(int64_t row) {
    const auto it = spools_.find(row);
    return it == spools_.end() ? nullptr : &it->second;
  }

  Result<const Aliases*> AliasesOf(int64_t layout) {
    const auto known = layouts_.find(layout);
    if (known != layouts_.end()) return &known->second;
    Aliases aliases;
    auto read = ForEach("SELECT alias, series FROM alias WHERE layout = " + std::to_string(layout),
                        [&](const Statement& s) {
                          const auto series = series_.find(s.Int(1));
                          aliases[s.UInt(0)] = series == series_.end() ? nullptr : &series->second;
                        });
    if (!read) return read.error();
    return &layouts_.emplace(layout, std::move(aliases)).first->second;
  }

  template <typename Visit>
  Status ForEach(const std::string& sql, Visit&& visit) {
    return store::ForEach(db_, sql, std::forward<Visit>(visit));
  }

 private:
  explicit StoreFile(Database db) : db_(std::move(db)) {}

  Status CheckVersion() {
    int64_t version = 0;
    auto read = ForEach("SELECT value FROM meta WHERE key = 'schema'",
                        [&](const Statement& s) { version = s.Int(0); });
    const int newest = Migrations().back().version;
    if (!read) {
      return Error{db_.path() + ": is no telemetry.db of a collector: " + read.error().message};
    }
    if (version == newest) return {};
    return Error{db_.path() + ": has schema version " + std::to_string(version) +
                 ", this program reads " + std::to_string(newest) +
                 (version > newest ? "; install the newer haidang-collector"
                                   : "; start this haidang-collector once, which migrates it")};
  }

  Status LoadSeries() {
    return ForEach("SELECT id, metric, labels, datatype FROM series", [&](const Statement& s) {
      series_[s.Int(0)] = {{std::string(s.Text(1)), DecodeLabels(s.Text(2))},
                           static_cast<DataType>(s.Int(3))};
    });
  }

  Status LoadSpools() {
    return ForEach(
        "SELECT s.id, m.name, m.id, s.spool_id, s.layout FROM spool s"
        " JOIN machine m ON m.id = s.machine",
        [&](const Statement& s) {
          SpoolOfFile& spool = spools_[s.Int(0)];
          spool.machine = s.Text(1);
          spool.machine_row = s.Int(2);
          spool.spool_id = s.UInt(3);
          spool.layout = s.Int(4);
        });
  }

  Status LoadCommitted() {
    std::map<int64_t, std::vector<NumberRange>> ranges;
    auto read = ForEach("SELECT spool, first, last FROM committed ORDER BY spool, first",
                        [&](const Statement& s) {
                          ranges[s.Int(0)].push_back({s.UInt(1), s.UInt(2)});
                        });
    if (!read) return read;
    for (auto& [row, list] : ranges) {
      if (SpoolOfFile* spool = FindSpool(row)) spool->committed = RangeSet(std::move(list));
    }
    return {};
  }

  Database db_;
  std::unordered_map<int64_t, Series> series_;
  std::map<int64_t, SpoolOfFile> spools_;
  std::unordered_map<int64_t, Aliases> layouts_;
};

// Calls `visit(row, batch)` for each row of the journal that holds its batch, `broken(row, why)`
// for each other.
template <typename Visit, typename Broken>
Status WalkJournal(StoreFile& file, Visit&& visit, Broken&& broken) {
  sparkplug::BatchDecoder decoder;
  return file.ForEach(
      "SELECT id, machine, spool, number, time_ms, crc, payload FROM journal ORDER BY id",
      [&](const Statement& s) {
        const Row row{s.Int(0), s.Int(1), s.Int(2), s.UInt(3), s.Int(4), s.UInt(5), s.Blob(6)};
        auto message = decoder.Decode(row.payload);
        if (!message) return broken(row, "cannot be decoded: " + message.error().message);
        const auto batch =
            std::find_if(message->batches.begin(), message->batches.end(),
                         [&](const auto& b) { return b.header.number == row.number; });
        if (batch == message->batches.end()) return broken(row, std::string("is not in its row"));
        visit(row, *batch);
      });
}

class Checker {
 public:
  explicit Checker(StoreFile& file) : file_(file) {}

  Result<Audit> Run() {
    for (auto step : {&Checker::CheckPages, &Checker::CountTables, &Checker::CheckJournal,
                      &Checker::CheckSettled}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    return std::move(audit_);
  }

 private:
  void Fault(std::string what, std::string where) {
    if (++audit_.fault_count > static_cast<int64_t>(Audit::kMaxFaults)) return;
    audit_.faults.push_back({std::move(what), std::move(where)});
  }

  Status CheckPages() {
    return file_.ForEach("PRAGMA integrity_check(20)", [&](const Statement& s) {
      if (s.Text(0) != "ok") Fault("the file's pages are damaged", std::string(s.Text(0)));
    });
  }

  Status CountTables() {
    audit_.series = static_cast<int64_t>(file_.series_count());
    auto read = file_.ForEach(
        "SELECT (SELECT count(*) FROM machine), (SELECT coalesce(sum(last - first + 1), 0) FROM "
        "gap),"
        " (SELECT coalesce(sum(count), 0) FROM quarantine)",
        [&](const Statement& s) {
          audit_.machines = s.Int(0);
          audit_.lost_batches = s.Int(1);
          audit_.quarantined_batches = s.Int(2);
        });
    return read;
  }

  Status CheckJournal() {
    return WalkJournal(
        file_, [&](const Row& row, const sparkplug::BatchView& batch) { CheckBatch(row, batch); },
        [&](const Row& row, const std::string& why) { Fault("a batch " + why, Name(row)); });
  }

  // What was acknowledged must be stored, or told as a gap. Rows that were deleted for their age
  // leave settled numbers behind: then nothing can be said.
  Status CheckSettled() {
    int64_t first_row = 0;
    auto read = file_.ForEach("SELECT coalesce(min(id), 0) FROM journal",
                              [&](const Statement& s) { first_row = s.Int(0); });
    if (read && first_row <= 1) {
      read = file_.ForEach("SELECT spool, first, last FROM gap", [&](const Statement& s) {
        if (SpoolOfFile* spool = file_.FindSpool(s.Int(0))) spool->seen.Add(s.UInt(1), s.UInt(2));
      });
    }
    if (!read || first_row > 1) return read;
    for (const auto& [row, spool] : file_.spools()) {
      for (const NumberRange& range : spool.committed.ranges()) {
        for (const NumberRange& missing : spool.seen.Missing(range.first, range.last)) {
          Fault("batches that were acknowledged are neither stored nor told as a gap",
                "machine " + spool.machine + ", batches " + std::to_string(missing.first) + " to " +
                    std::to_string(missing.last));
        }
      }
    }
    return {};
  }

  void CheckBatch(const Row& row, const sparkplug::BatchView& batch) {
    ++audit_.batches;
    audit_.samples += static_cast<int64_t>(batch.samples.size());
    if (audit_.batches == 1) audit_.first_ms = audit_.last_ms = row.time_ms;
    audit_.first_ms = std::min(audit_.first_ms, row.time_ms);
    audit_.last_ms = std::max(audit_.last_ms, row.time_ms);
    SpoolOfFile* spool = file_.FindSpool(row.spool);
    if (spool == nullptr) return Fault("a batch of a spool that no table knows", Name(row));
    if (batch.header.spool_id != spool->spool_id || spool->machine_row != row.machine) {
      Fault("a batch under another's key", Name(row));
    }
    if (!batch.crc_matches || batch.header.crc != row.crc) {
      Fault("a batch whose CRC does not match its content", Name(row));
    }
    if (!spool->committed.Contains(row.number)) {
      Fault("a stored batch whose number is not settled: its machine may send it again", Name(row));
    }
    if (spool->seen.Contains(row.number)) Fault("a batch that is stored twice", Name(row));
    spool->seen.Add(row.number, row.number);
    CheckAliases(row, batch, *spool);
  }

  void CheckAliases(const Row& row, const sparkplug::BatchView& batch, const SpoolOfFile& spool) {
    auto aliases = file_.AliasesOf(spool.layout);
    if (!aliases) return Fault(aliases.error().message, Name(row));
    for (const sparkplug::SampleView& sample : batch.samples) {
      if ((*aliases)->contains(sample.alias)) continue;
      return Fault("a batch with an alias that no stored birth declared", Name(row));
    }
  }

  std::string Name(const Row& row) {
    const SpoolOfFile* spool = file_.FindSpool(row.spool);
    return "journal row " + std::to_string(row.id) + ", " +
           (spool == nullptr ? "spool row " + std::to_string(row.spool)
                             : "machine " + spool->machine) +
           ", batch " + std::to_string(row.number);
  }

  StoreFile& file_;
  Audit audit_;
};

}  // namespace

Result<Audit> CheckStore(const std::string& path) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  return Checker(*file).Run();
}

Status ExportLedger(const std::string& path, const std::function<bool(const LedgerEntry&)>& visit) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  std::optional<Error> stopped;
  const auto stop = [&](const Row& row, const std::string& why) {
    if (!stopped) stopped = Error{path + ": journal row " + std::to_string(row.id) + ": " + why};
  };
  auto walked = WalkJournal(
      *file,
      [&](const Row& row, const sparkplug::BatchView& batch) {
        if (stopped) return;
        const SpoolOfFile* spool = file->FindSpool(row.spool);
        if (spool == nullptr) return stop(row, "of a spool that no table knows");
        auto aliases = file->AliasesOf(spool->layout);
        if (!aliases) return stop(row, aliases.error().message);
        for (const sparkplug::SampleView& sample : batch.samples) {
          const auto known = (*aliases)->find(sample.alias);
          if (known == (*aliases)->end() || known->second == nullptr) continue;
          const Value value = sparkplug::ToValue(sample.value, known->second->datatype);
          if (!visit({spool->machine, known->second->id, batch.header.wall_ms, value})) {
            return stop(row, "writing was given up");
          }
        }
      },
      stop);
  if (!walked) return walked;
  if (stopped) return *stopped;
  return {};
}

}  // namespace haidang::store
