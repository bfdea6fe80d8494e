#include "collector/store/compactor.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "collector/store/window.h"

namespace haidang::store {

// A window on its way into a block.
struct Compactor::Reading {
  Window window;
  Made made;
  std::string before;  // bytes of the last part, where it has room
  int64_t before_ticks = 0;
  int64_t last_row = 0;  // of the journal, that is taken in
  size_t rows = 0;
  // Columns by spool and alias.
  std::map<int64_t, std::unordered_map<uint64_t, size_t>> columns;
  BlockMaker maker;
};

Result<std::unique_ptr<Compactor>> Compactor::Open(const std::string& path) {
  DatabaseOptions options;
  options.read_only = true;
  auto db = Database::Open(path, options);
  if (!db) return db.error();
  return std::unique_ptr<Compactor>(new Compactor(std::move(*db)));
}

Result<Compactor::Made> Compactor::Make(const Window& window) {
  Reading reading;
  reading.window = window;
  reading.made.row.machine = window.machine;
  reading.made.row.window_ms = window.begin_ms;
  if (auto begun = db_.Exec("BEGIN"); !begun) return begun.error();
  Status read = ReadParts(reading);
  if (read) read = FindRows(reading);
  if (read && reading.rows > 0) read = ReadRows(reading);
  const Status ended = db_.Exec("COMMIT");
  if (!read) return read.error();
  if (!ended) return ended.error();
  BlockRow& row = reading.made.row;
  row.ticks = static_cast<int64_t>(reading.maker.ticks());
  row.bytes = reading.maker.Finish();
  return std::move(reading.made);
}

Status Compactor::ReadParts(Reading& reading) {
  auto s = db_.Prepare(
      "SELECT part, journal_id, ticks FROM block WHERE machine = ?1 AND window_ms = ?2"
      " ORDER BY part DESC LIMIT 1");
  if (!s) return s.error();
  auto found = s->Bind(1, reading.window.machine).Bind(2, reading.window.begin_ms).Step();
  if (!found) return found.error();
  if (!*found) return {};
  reading.made.row.part = s->Int(0);
  reading.made.row.journal_id = s->Int(1);
  reading.before_ticks = s->Int(2);
  return {};
}

// Which rows are taken in, and whether the last part has room for them.
Status Compactor::FindRows(Reading& reading) {
  auto s = db_.Prepare(
      "SELECT id FROM journal WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3 AND id > ?4"
      " ORDER BY id LIMIT ?5");
  if (!s) return s.error();
  BlockRow& row = reading.made.row;
  s->Bind(1, row.machine).Bind(2, row.window_ms).Bind(3, row.window_ms + kWindowMs);
  s->Bind(4, row.journal_id).Bind(5, static_cast<int64_t>(kMaxBlockTicks));
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) break;
    reading.last_row = s->Int(0);
    ++reading.rows;
  }
  if (reading.rows == 0 || reading.before_ticks == 0) return {};
  if (static_cast<size_t>(reading.before_ticks) + reading.rows > kMaxBlockTicks) {
    ++row.part;
    return {};
  }
  auto bytes =
      db_.Prepare("SELECT bytes FROM block WHERE machine = ?1 AND window_ms = ?2 AND part = ?3");
  if (!bytes) return bytes.error();
  auto found = bytes->Bind(1, row.machine).Bind(2, row.window_ms).Bind(3, row.part).Step();
  if (!found) return found.error();
  if (*found) reading.before = bytes->Blob(0);
  return {};
}

Status Compactor::ReadRows(Reading& reading) {
  BlockRow& made = reading.made.row;
  if (!reading.before.empty()) {
    auto block = Block::Open(reading.before);
    if (!block) return block.error();
    if (auto done = reading.maker.Add(*block); !done) return done;
    for (const Block::Column& column : block->columns()) made.series.push_back(column.key.series);
  }
  auto s = db_.Prepare(
      "SELECT time_ms, offset_ms, received_ms, spool, number, flags, payload FROM journal"
      " WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3 AND id > ?4 AND id <= ?5");
  if (!s) return s.error();
  s->Bind(1, made.machine).Bind(2, made.window_ms).Bind(3, made.window_ms + kWindowMs);
  s->Bind(4, made.journal_id).Bind(5, reading.last_row);
  made.journal_id = reading.last_row;
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) break;
    const TickRow row{s->Int(0), s->Int(1), s->Int(2), s->Int(3), s->UInt(4), s->Int(5), 0};
    if (auto done = LearnAliases(row.spool, reading); !done) return done;
    bool taken = false;
    if (auto message = decoder_.Decode(s->Blob(6)); message.ok()) {
      for (const sparkplug::BatchView& batch : message->batches) {
        if (batch.header.number != row.number || taken) continue;
        Take(row, batch, reading);
        taken = true;
      }
    }
    if (!taken) ++reading.made.unreadable;
  }
  std::sort(made.series.begin(), made.series.end());
  made.series.erase(std::unique(made.series.begin(), made.series.end()), made.series.end());
  return {};
}

Status Compactor::LearnAliases(int64_t spool, Reading& reading) {
  const auto [columns, fresh] = reading.columns.try_emplace(spool);
  if (!fresh) return {};
  auto s = db_.Prepare(
      "SELECT a.alias, a.series, a.source_group, s.datatype FROM spool p"
      " JOIN alias a ON a.layout = p.layout JOIN series s ON s.id = a.series WHERE p.id = ?1");
  if (!s) return s.error();
  s->Bind(1, spool);
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) return {};
    const ColumnKey key{s->Int(1), static_cast<uint8_t>(s->Int(2) & (sparkplug::kMaxGroups - 1)),
                        static_cast<DataType>(s->Int(3))};
    const auto column = reading.maker.ColumnOf(key);
    if (!column) continue;
    columns->second[s->UInt(0)] = *column;
    reading.made.row.series.push_back(key.series);
  }
}

void Compactor::Take(const TickRow& row, const sparkplug::BatchView& batch, Reading& reading) {
  TickRow tick = row;
  tick.groups = batch.header.groups;
  reading.maker.Add(tick);
  const auto& columns = reading.columns.at(row.spool);
  for (const sparkplug::SampleView& sample : batch.samples) {
    const auto column = columns.find(sample.alias);
    if (column != columns.end()) reading.maker.State(column->second, sample.value);
  }
}

}  // namespace haidang::store
