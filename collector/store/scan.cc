#include "collector/store/scan.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "collector/store/rows.h"
#include "collector/store/window.h"

namespace haidang::store {
namespace {

// What was stated before the range may still hold in it: full batches come every ten minutes.
constexpr int64_t kLeadInMs = int64_t{15} * 60 * 1000;

}  // namespace

// A block of the window, and of its columns those that are looked at.
struct Scan::Part {
  struct Column {
    uint64_t alias;
    StatedValues statements;
    size_t next = 0;  // statement that was not read yet
  };
  std::string bytes;
  std::optional<Block> block;
  std::vector<Column> columns;
};

// A batch: the `index`th row of a part, or a row of the journal.
struct Scan::Item {
  TickRow row;
  Part* part = nullptr;
  uint32_t index = 0;
  std::string payload;
};

Scan::Scan(Database& db, const ScanQuestion& question) : db_(db), question_(question) {}

Scan::~Scan() = default;

Status Scan::Run(const Visit& visit) {
  heads_.clear();
  const int64_t begin = question_.from_ms - kLeadInMs;
  for (int64_t at = begin; at <= question_.to_ms;) {
    const auto window = NextWindow(at);
    if (!window) return window.error();
    if (!*window || **window > question_.to_ms) return {};
    auto items = Load(**window);
    if (!items) return items.error();
    for (const Item& item : *items) {
      if (item.row.time_ms < begin) continue;
      if (item.row.time_ms > question_.to_ms) return {};
      Take(item);
      if (item.row.time_ms < question_.from_ms) continue;
      if (!visit(item.row, heads_[item.row.spool])) return {};
    }
    at = **window + kWindowMs;
  }
  return {};
}

Result<std::optional<int64_t>> Scan::NextWindow(int64_t from) {
  std::optional<int64_t> next;
  for (const char* sql : {"SELECT window_ms FROM block WHERE machine = ?1 AND window_ms >= ?2"
                          " ORDER BY window_ms LIMIT 1",
                          "SELECT time_ms FROM journal WHERE machine = ?1 AND time_ms >= ?2"
                          " ORDER BY time_ms LIMIT 1"}) {
    auto s = db_.Prepare(sql);
    if (!s) return s.error();
    auto row = s->Bind(1, question_.machine).Bind(2, WindowOf(from)).Step();
    if (!row) return row.error();
    if (!*row) continue;
    const int64_t window = WindowOf(s->Int(0));
    next = next ? std::min(*next, window) : window;
  }
  return next;
}

Result<std::vector<Scan::Item>> Scan::Load(int64_t window) {
  parts_.clear();
  std::vector<Item> items;
  // One view of the file: a batch that becomes a part of a block meanwhile is met once.
  if (auto begun = db_.Exec("BEGIN"); !begun) return begun.error();
  int64_t covered = 0;
  Status read = LoadBlocks(window, items, covered);
  if (read) read = LoadJournal(window, covered, items);
  const Status ended = db_.Exec("COMMIT");
  if (!read) return read.error();
  if (!ended) return ended.error();
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return Before(a.row, b.row); });
  return items;
}

Status Scan::LoadBlocks(int64_t window, std::vector<Item>& items, int64_t& covered) {
  auto s = db_.Prepare(
      "SELECT journal_id, bytes FROM block WHERE machine = ?1 AND window_ms = ?2 ORDER BY part");
  if (!s) return s.error();
  s->Bind(1, question_.machine).Bind(2, window);
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return {};
    covered = std::max(covered, s->Int(0));
    auto part = std::make_unique<Part>();
    part->bytes = s->Blob(1);
    auto block = Block::Open(part->bytes);
    if (!block) return block.error();
    for (const Block::Column& column : block->columns()) {
      const auto slot = question_.slots.find(column.key.series);
      if (slot == question_.slots.end()) continue;
      auto& kept = part->columns.emplace_back();
      kept.alias = AliasOf(column.key, slot->second);
      if (auto done = block->Read(column, kept.statements); !done) return done;
    }
    for (uint32_t i = 0; i < block->rows().size(); ++i) {
      items.push_back({block->rows()[i], part.get(), i, {}});
    }
    part->block = std::move(*block);
    parts_.push_back(std::move(part));
  }
}

Status Scan::LoadJournal(int64_t window, int64_t covered, std::vector<Item>& items) {
  auto s = db_.Prepare(
      "SELECT time_ms, offset_ms, received_ms, spool, number, flags, payload FROM journal"
      " WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3 AND id > ?4");
  if (!s) return s.error();
  s->Bind(1, question_.machine).Bind(2, window).Bind(3, window + kWindowMs).Bind(4, covered);
  for (;;) {
    auto row = s->Step();
    if (!row) return row.error();
    if (!*row) return {};
    if (!question_.speakers.contains(s->Int(3))) continue;
    items.push_back({{s->Int(0), s->Int(1), s->Int(2), s->Int(3), s->UInt(4), s->Int(5), 0},
                     nullptr,
                     0,
                     std::string(s->Blob(6))});
  }
}

void Scan::Take(const Item& item) {
  Head& head = heads_[item.row.spool];
  if (item.part == nullptr) {
    auto message = decoder_.Decode(item.payload);
    if (!message) return;
    for (const sparkplug::BatchView& batch : message->batches) {
      if (batch.header.number != item.row.number) continue;
      head.Apply(item.row.spool, batch.header, batch.samples,
                 question_.speakers.at(item.row.spool));
    }
    return;
  }
  samples_.clear();
  for (Part::Column& column : item.part->columns) {
    const auto statements = column.statements.rows();
    // Rows of one part are taken in their order.
    while (column.next < statements.size() && statements[column.next].tick < item.index) {
      ++column.next;
    }
    if (column.next < statements.size() && statements[column.next].tick == item.index) {
      samples_.push_back({column.alias, statements[column.next].value});
    }
  }
  sparkplug::BatchHeader header;
  header.number = item.row.number;
  header.wall_ms = item.row.time_ms + item.row.offset_ms;
  header.groups = item.row.groups;
  header.full = (item.row.flags & kFlagFull) != 0;
  head.Apply(item.row.spool, header, samples_, column_aliases_);
}

uint64_t Scan::AliasOf(const ColumnKey& key, uint32_t slot) {
  const auto [it, fresh] = given_.emplace(key, sparkplug::kFirstSeriesAlias + given_.size());
  if (fresh) column_aliases_.Set(it->second, {slot, key.group, key.datatype});
  return it->second;
}

}  // namespace haidang::store
