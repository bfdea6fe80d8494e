#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collector/store/for_each.h"
#include "collector/store/range_set.h"
#include "core/io/database.h"
#include "core/sample.h"
#include "core/sparkplug/batch.h"

// A telemetry.db that no collector has open, read from end to end. Memory holds what a collector
// holds of spool ids and, of aliases and series, a bounded part; nothing of the journal.
namespace haidang::store {

// A row of the journal; the payload lives until the next row.
struct JournalEntry {
  int64_t id = 0;
  int64_t machine = 0;
  int64_t spool = 0;
  uint64_t number = 0;
  int64_t time_ms = 0;
  int64_t offset_ms = 0;
  int64_t received_ms = 0;
  int64_t flags = 0;
  uint64_t crc = 0;
  std::string_view payload;
};

// A row of the table block; the bytes live until the next row.
struct BlockEntry {
  int64_t id = 0;
  int64_t machine = 0;
  int64_t window_ms = 0;
  int64_t part = 0;
  int64_t ticks = 0;
  uint64_t crc = 0;
  std::string_view bytes;
};

struct SpoolOfFile {
  std::string machine;
  int64_t machine_row = 0;
  uint64_t spool_id = 0;
  int64_t layout = 0;
  RangeSet committed;
  std::map<uint64_t, uint64_t> last_crcs;  // by number: of the last batch of a range
  RangeSet seen;                           // numbers that were met in blocks and journal
};

class StoreFile {
 public:
  struct Series {
    SeriesId id;
    DataType datatype = DataType::kDouble;
  };
  // By alias, ascending: the series' row; 0: beyond the machine's cap.
  using Aliases = std::vector<std::pair<uint64_t, int64_t>>;

  // An Error: it cannot be read, or has another schema version than this program.
  static Result<StoreFile> Open(const std::string& path);
  // The spool ids and what is settled of them. To be called before what follows.
  Status Load();

  Database& db() { return db_; }
  std::map<int64_t, SpoolOfFile>& spools() { return spools_; }
  SpoolOfFile* FindSpool(int64_t row);
  // What is returned lives until the next call of either.
  Result<const Aliases*> AliasesOf(int64_t layout);
  Result<const Series*> FindSeries(int64_t row);  // null where there is none

  // Calls `visit(entry)` for each block, by machine and time.
  template <typename Visit>
  Status WalkBlocks(Visit&& visit) {
    return ForEach(
        db_,
        "SELECT id, machine, window_ms, part, ticks, crc, bytes FROM block"
        " ORDER BY machine, window_ms, part",
        [&](const Statement& s) {
          visit(BlockEntry{s.Int(0), s.Int(1), s.Int(2), s.Int(3), s.Int(4), s.UInt(5), s.Blob(6)});
        });
  }
  // Whether a block holds this row of the journal already.
  Result<bool> IsInBlock(const JournalEntry& entry);

  // Calls `visit(entry, message, batch)` for each row that holds its batch, `broken(entry, why)`
  // for each other, in order of arrival.
  template <typename Visit, typename Broken>
  Status WalkJournal(Visit&& visit, Broken&& broken) {
    sparkplug::BatchDecoder decoder;
    return ForEach(db_,
                   "SELECT id, machine, spool, number, time_ms, offset_ms, received_ms, flags, crc,"
                   " payload FROM journal ORDER BY id",
                   [&](const Statement& s) {
                     const JournalEntry entry{s.Int(0), s.Int(1), s.Int(2), s.UInt(3), s.Int(4),
                                              s.Int(5), s.Int(6), s.Int(7), s.UInt(8), s.Blob(9)};
                     const auto message = decoder.Decode(entry.payload);
                     if (!message) {
                       return broken(entry, "cannot be decoded: " + message.error().message);
                     }
                     for (const sparkplug::BatchView& batch : message->batches) {
                       if (batch.header.number == entry.number)
                         return visit(entry, *message, batch);
                     }
                     broken(entry, std::string("is not in its row"));
                   });
  }

 private:
  explicit StoreFile(Database db) : db_(std::move(db)) {}
  Status CheckVersion();

  Database db_;
  std::map<int64_t, SpoolOfFile> spools_;
  std::unordered_map<int64_t, Aliases> layouts_;
  size_t aliases_ = 0;  // in layouts_
  std::unordered_map<int64_t, std::optional<Series>> series_;
  std::optional<Statement> covered_;
};

// The place of a series' value among a layout's aliases; null where nobody declared it.
const std::pair<uint64_t, int64_t>* FindAlias(const StoreFile::Aliases& aliases, uint64_t alias);

}  // namespace haidang::store
