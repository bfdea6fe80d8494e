#include "collector/store/audit.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "collector/store/audit_faults.h"
#include "collector/store/audit_rollups.h"
#include "collector/store/audit_schema.h"
#include "collector/store/block/block.h"
#include "collector/store/rows.h"
#include "collector/store/store_file.h"
#include "collector/store/window.h"
#include "core/crc64.h"

namespace haidang::store {
namespace {

// What is known of a boot's time grows better, and what was stored before is not touched.
constexpr int64_t kBootMayMoveMs = int64_t{3600} * 1000;

// What stands in a file that somebody altered may be any number.
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// Rows that belong to a row of another table, which must be there.
struct Relation {
  const char* sql;  // how many have none
  const char* where;
};
constexpr Relation kRelations[] = {
    {"SELECT count(*) FROM spool WHERE machine NOT IN (SELECT id FROM machine)", "table spool"},
    {"SELECT count(*) FROM committed WHERE spool NOT IN (SELECT id FROM spool)", "table committed"},
    {"SELECT count(*) FROM gap WHERE spool NOT IN (SELECT id FROM spool)", "table gap"},
    {"SELECT count(*) FROM hole WHERE machine NOT IN (SELECT id FROM machine)", "table hole"},
    {"SELECT count(*) FROM event WHERE machine NOT IN (SELECT id FROM machine)", "table event"},
    {"SELECT count(*) FROM presence WHERE machine NOT IN (SELECT id FROM machine)",
     "table presence"},
    {"SELECT count(*) FROM machine_info WHERE machine NOT IN (SELECT id FROM machine)",
     "table machine_info"},
    {"SELECT count(*) FROM boot WHERE machine NOT IN (SELECT id FROM machine)", "table boot"},
    {"SELECT count(*) FROM quarantine WHERE machine NOT IN (SELECT id FROM machine)",
     "table quarantine"},
    {"SELECT count(*) FROM rollup WHERE machine NOT IN (SELECT id FROM machine)", "table rollup"},
    {"SELECT count(*) FROM rollup_due WHERE machine NOT IN (SELECT id FROM machine)",
     "table rollup_due"},
};

class Checker {
 public:
  explicit Checker(StoreFile& file) : file_(file) {}

  Result<Audit> Run() {
    for (auto step : {&Checker::CheckPages, &Checker::CheckSchema}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    if (unreadable_) return std::move(audit_);
    for (auto step : {&Checker::CheckMeta, &Checker::CountTables, &Checker::CheckRelations,
                      &Checker::CheckSeries, &Checker::CheckRanges, &Checker::CheckBlocks,
                      &Checker::CheckRollups, &Checker::CheckJournal, &Checker::CheckSettled}) {
      if (auto done = (this->*step)(); !done) return done.error();
    }
    return std::move(audit_);
  }

 private:
  void Fault(const FaultKind& kind, std::string where, int64_t count = 1) {
    auto known = std::find_if(audit_.faults.begin(), audit_.faults.end(),
                              [&](const Audit::Fault& fault) { return fault.what == kind.what; });
    if (known == audit_.faults.end()) {
      known = audit_.faults.insert(known, {kind.what, kind.means, kind.todo, 0, {}});
    }
    known->count += count;
    if (known->where.size() < Audit::kMaxWhere) known->where.push_back(std::move(where));
  }

  Status CheckPages() {
    return ForEach(file_.db(), "PRAGMA integrity_check(20)", [&](const Statement& s) {
      if (s.Text(0) != "ok") Fault(faults::kPages, std::string(s.Text(0)));
    });
  }

  Status CheckSchema() {
    auto has = ReadSchema(file_.db());
    auto should = ExpectedSchema();
    if (!has || !should) return has ? should.error() : has.error();
    for (const auto& [object, sql] : *should) {
      const auto found = has->find(object);
      const auto& [kind, name] = object;
      if (found != has->end() && SameSchema(found->second, sql)) continue;
      unreadable_ = unreadable_ || kind == "table";
      std::string where = kind;
      where.append(" ").append(name);
      where.append(found == has->end() ? " is not there" : " is another one");
      where.append("; it is made by: ").append(sql);
      Fault(faults::kMissing, std::move(where));
    }
    for (const auto& [object, sql] : *has) {
      if (!should->contains(object)) Fault(faults::kForeign, object.first + " " + object.second);
    }
    return {};
  }

  Status CheckMeta() {
    int64_t id = 0;
    auto read =
        ForEach(file_.db(), "SELECT key, value FROM meta WHERE key IN ('store_id', 'expired')",
                [&](const Statement& s) { (s.Text(0) == "expired" ? expired_ : id) = s.Int(1); });
    if (read && id == 0) Fault(faults::kStoreId, "table meta, key store_id");
    return read;
  }

  Status CountTables() {
    auto read = ForEach(
        file_.db(),
        "SELECT (SELECT count(*) FROM machine), (SELECT count(*) FROM series),"
        " (SELECT coalesce(sum(last - first + 1), 0) FROM gap WHERE reason <> 'same_reading'),"
        " (SELECT coalesce(sum(count), 0) FROM quarantine)",
        [&](const Statement& s) {
          audit_.machines = s.Int(0);
          audit_.series = s.Int(1);
          audit_.lost_batches = s.Int(2);
          audit_.quarantined_batches = s.Int(3);
        });
    if (!read) return read;
    return file_.Load();
  }

  Status CheckRelations() {
    for (const Relation& relation : kRelations) {
      auto read = ForEach(file_.db(), relation.sql, [&](const Statement& s) {
        if (s.Int(0) == 0) return;
        Fault(faults::kOrphans, std::to_string(s.Int(0)) + " in " + relation.where, s.Int(0));
      });
      if (!read) return read;
    }
    return {};
  }

  Status CheckSeries() {
    return ForEach(file_.db(),
                   "SELECT layout, count(*), min(alias), max(alias),"
                   " (SELECT min(m.name) FROM spool s JOIN machine m ON m.id = s.machine"
                   "  WHERE s.layout = alias.layout)"
                   " FROM alias WHERE series <> 0 AND series NOT IN (SELECT id FROM series)"
                   " GROUP BY layout",
                   [&](const Statement& s) {
                     Fault(faults::kSeriesGone,
                           "machine " + std::string(s.Text(4)) + ", " + std::to_string(s.Int(1)) +
                               " of its aliases from " + std::to_string(s.Int(2)) + " to " +
                               std::to_string(s.Int(3)),
                           s.Int(1));
                   });
  }

  Status CheckRanges() {
    int64_t spool = 0;
    uint64_t end = 0;
    return ForEach(file_.db(), "SELECT spool, first, last FROM committed ORDER BY spool, first",
                   [&](const Statement& s) {
                     if (std::exchange(spool, s.Int(0)) != s.Int(0)) end = 0;
                     const bool apart = end == 0 || s.UInt(1) > end + 1;
                     if (s.Int(1) < 1 || s.Int(2) < s.Int(1) || !apart) {
                       Fault(faults::kRanges, "spool row " + std::to_string(spool) + ", " +
                                                  std::to_string(s.Int(1)) + " to " +
                                                  std::to_string(s.Int(2)));
                     }
                     end = std::max(end, s.UInt(2));
                   });
  }

  Status CheckBlocks() {
    return file_.WalkBlocks([&](const BlockEntry& row) {
      const std::string name = "block row " + std::to_string(row.id) + ", machine row " +
                               std::to_string(row.machine) + ", window " +
                               std::to_string(row.window_ms);
      if (Crc64Of(row.bytes) != row.crc) return Fault(faults::kBlock, name + ": another CRC");
      const auto block = Block::Open(row.bytes);
      if (!block) return Fault(faults::kBlock, name + ": " + block.error().message);
      if (static_cast<int64_t>(block->rows().size()) != row.ticks) {
        return Fault(faults::kBlock, name + ": it holds " + std::to_string(block->rows().size()) +
                                         " batches instead of " + std::to_string(row.ticks));
      }
      for (const Block::Column& column : block->columns()) {
        StatedValues values;
        if (auto read = block->Read(column, values); !read) {
          return Fault(faults::kBlock, name + ": " + read.error().message);
        }
        audit_.samples += static_cast<int64_t>(values.rows().size());
        const auto series = file_.FindSeries(column.key.series);
        if (!series || *series == nullptr) {
          Fault(faults::kSeriesGone, name + ", series " + std::to_string(column.key.series));
        }
      }
      for (const TickRow& tick : block->rows()) CheckTick(row, tick, name);
    });
  }

  Status CheckRollups() {
    return store::CheckRollups(
        file_, [this](std::string where) { Fault(faults::kRollup, std::move(where)); },
        [this](std::string where) { Fault(faults::kSeriesGone, std::move(where)); });
  }

  void CheckTick(const BlockEntry& row, const TickRow& tick, const std::string& block) {
    const std::string name = block + ", batch " + std::to_string(tick.number);
    Count(tick.time_ms);
    if (WindowOf(tick.time_ms) != row.window_ms) Fault(faults::kTime, name);
    SpoolOfFile* spool = file_.FindSpool(tick.spool);
    if (spool == nullptr) return Fault(faults::kUnknownSpool, name);
    if (spool->machine_row != row.machine) Fault(faults::kOtherKey, name);
    if (!spool->committed.Contains(tick.number)) Fault(faults::kUnsettled, name);
    if (spool->seen.Contains(tick.number)) Fault(faults::kTwice, name);
    See(*spool, tick.number);
  }

  void Count(int64_t time_ms) {
    ++audit_.batches;
    if (audit_.batches == 1) audit_.first_ms = audit_.last_ms = time_ms;
    audit_.first_ms = std::min(audit_.first_ms, time_ms);
    audit_.last_ms = std::max(audit_.last_ms, time_ms);
  }

  Status CheckJournal() {
    return file_.WalkJournal(
        [&](const JournalEntry& row, const auto& message, const sparkplug::BatchView& batch) {
          FollowRows(row);
          CheckBatch(row, message.has_seq, batch);
        },
        [&](const JournalEntry& row, const std::string& why) {
          FollowRows(row);
          if (SpoolOfFile* spool = file_.FindSpool(row.spool)) See(*spool, row.number);
          Fault(faults::kUnreadable, Name(row) + ", " + why);
        });
  }

  // Rows have numbers without holes: they go in order of arrival when they are old. Only where the
  // collector's clock was set back do later ones go first.
  void FollowRows(const JournalEntry& row) {
    if (last_row_ != 0 && row.id != last_row_ + 1 && row.received_ms >= received_ms_) {
      Fault(faults::kRowsGone,
            "journal rows " + std::to_string(last_row_ + 1) + " to " + std::to_string(row.id - 1),
            row.id - last_row_ - 1);
    }
    if (last_row_ == 0) first_row_ = row.id;
    last_row_ = row.id;
    received_ms_ = std::max(received_ms_, row.received_ms);
  }

  void CheckBatch(const JournalEntry& row, bool sealed, const sparkplug::BatchView& batch) {
    const auto in_block = file_.IsInBlock(row);
    const bool counted = in_block && *in_block;
    if (!counted) {
      Count(row.time_ms);
      audit_.samples += static_cast<int64_t>(batch.samples.size());
    }
    CheckRow(row, sealed, batch);
    SpoolOfFile* spool = file_.FindSpool(row.spool);
    if (spool == nullptr) return Fault(faults::kUnknownSpool, Name(row));
    if (batch.header.spool_id != spool->spool_id || spool->machine_row != row.machine) {
      Fault(faults::kOtherKey, Name(row));
    }
    if (!spool->committed.Contains(row.number)) Fault(faults::kUnsettled, Name(row));
    if (counted != spool->seen.Contains(row.number)) {
      Fault(counted ? faults::kUnstored : faults::kTwice, Name(row));
    }
    See(*spool, row.number);
    const auto last = spool->last_crcs.find(row.number);
    if (last != spool->last_crcs.end() && last->second != batch.header.crc) {
      Fault(faults::kLastCrc, Name(row));
    }
    CheckAliases(row, batch, *spool);
  }

  static void See(SpoolOfFile& spool, uint64_t number) {
    if (number >= 1 && number <= static_cast<uint64_t>(INT64_MAX)) spool.seen.Add(number);
  }

  // The row's columns against the batch's own words. Sealed: stored as it came; else it came in an
  // envelope, which holds late ones alone.
  void CheckRow(const JournalEntry& row, bool sealed, const sparkplug::BatchView& batch) {
    if (!batch.crc_matches || batch.header.crc != row.crc) Fault(faults::kCrc, Name(row));
    if (Sum(row.time_ms, row.offset_ms) != batch.header.wall_ms) {
      Fault(faults::kTime, Name(row) + ": " + std::to_string(row.time_ms) + " and " +
                               std::to_string(row.offset_ms) + " ms off, itself " +
                               std::to_string(batch.header.wall_ms));
    } else if (row.offset_ms != 0) {
      CheckBoot(row, batch.header);
    }
    const bool late = !sealed || batch.historical;
    const int64_t flags = (batch.header.full ? kFlagFull : 0) | (late ? kFlagHistorical : 0);
    if (row.flags != flags) {
      Fault(faults::kFlags, Name(row) + ": flags " + std::to_string(row.flags) + " instead of " +
                                std::to_string(flags));
    }
  }

  void CheckBoot(const JournalEntry& row, const sparkplug::BatchHeader& header) {
    if (boot_ == std::nullopt) {
      auto prepared =
          file_.db().Prepare("SELECT started_ms FROM boot WHERE machine = ?1 AND boot_id = ?2");
      if (!prepared) return;
      boot_.emplace(std::move(*prepared));
    }
    const auto found = boot_->Bind(1, row.machine).Bind(2, header.boot_id).Step();
    if (!found || !*found) return;
    const int64_t started_ms = boot_->Int(0);
    boot_->Reset();
    const int64_t time_ms = Sum(started_ms, header.since_boot_ms);
    if (row.time_ms <= Sum(time_ms, kBootMayMoveMs) &&
        row.time_ms >= Sum(time_ms, -kBootMayMoveMs)) {
      return;
    }
    Fault(faults::kBoot, Name(row) + ": " + std::to_string(row.time_ms) + ", its boot says " +
                             std::to_string(time_ms));
  }

  void CheckAliases(const JournalEntry& row, const sparkplug::BatchView& batch,
                    const SpoolOfFile& spool) {
    const auto aliases = file_.AliasesOf(spool.layout);
    if (!aliases) return Fault(faults::kUnreadable, Name(row) + ", " + aliases.error().message);
    for (const sparkplug::SampleView& sample : batch.samples) {
      if (FindAlias(**aliases, sample.alias) != nullptr) continue;
      return Fault(faults::kUndeclared, Name(row));
    }
  }

  // What was acknowledged must be stored, or told as a gap. Rows that were deleted for their age
  // leave settled numbers behind: then nothing can be said.
  Status CheckSettled() {
    if (expired_ > 0) return {};
    auto read = ForEach(file_.db(), "SELECT spool, first, last FROM gap", [&](const Statement& s) {
      SpoolOfFile* spool = file_.FindSpool(s.Int(0));
      if (spool == nullptr || s.Int(1) < 1 || s.Int(2) < s.Int(1)) return;
      spool->seen.Add(s.UInt(1), s.UInt(2));
    });
    if (!read) return read;
    for (const auto& [row, spool] : file_.spools()) {
      for (const NumberRange& range : spool.committed.ranges()) {
        for (const NumberRange& missing : spool.seen.Missing(range.first, range.last)) {
          Fault(faults::kUnstored,
                "machine " + spool.machine + ", batches " + std::to_string(missing.first) + " to " +
                    std::to_string(missing.last),
                static_cast<int64_t>(missing.last - missing.first + 1));
        }
      }
    }
    return {};
  }

  std::string Name(const JournalEntry& row) {
    const SpoolOfFile* spool = file_.FindSpool(row.spool);
    return "journal row " + std::to_string(row.id) + ", " +
           (spool == nullptr ? "spool row " + std::to_string(row.spool)
                             : "machine " + spool->machine) +
           ", batch " + std::to_string(row.number);
  }

  StoreFile& file_;
  Audit audit_;
  bool unreadable_ = false;  // a table is not there as it should be
  int64_t expired_ = 0;      // rows of the journal that were deleted for their age
  int64_t first_row_ = 0;
  int64_t last_row_ = 0;
  int64_t received_ms_ = 0;  // the latest of the rows so far
  std::optional<Statement> boot_;
};

}  // namespace

Result<Audit> CheckStore(const std::string& path) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  return Checker(*file).Run();
}

}  // namespace haidang::store
