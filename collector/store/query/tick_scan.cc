#include "collector/store/query/tick_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "collector/store/head.h"
#include "collector/store/rows.h"
#include "collector/store/window.h"

namespace haidang::store {
namespace {

using sparkplug::WireValue;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// A block of the window, and of its columns those that are looked at.
struct TickScan::Part {
  struct Column {
    uint32_t slot;
    ColumnKey key;
    StatedValues statements;
  };
  std::vector<Column> columns;
};

TickScan::TickScan(Database& db, const TickQuestion& question, Budget& budget)
    : db_(db),
      question_(question),
      budget_(budget),
      next_(question.from_ms - kLeadInMs),
      numbers_(question.histograms.size()),
      texts_(question.histograms.size()) {}

TickScan::~TickScan() { budget_.GiveCells(cells_); }

Result<bool> TickScan::Next() {
  while (next_) {
    if (auto going = budget_.Going(); !going) return going.error();
    const auto window = NextWindow(*next_);
    if (!window) return window.error();
    next_.reset();
    if (!*window || **window > question_.to_ms) return false;
    KeepTexts();
    if (auto done = Load(**window); !done) return done.error();
    Order();
    if (auto done = TakeCells(); !done) return done.error();
    for (uint32_t slot = 0; slot < question_.histograms.size(); ++slot) {
      Gather(slot);
      Walk(slot);
    }
    if (**window + kWindowMs <= question_.to_ms) next_ = **window + kWindowMs;
    if (!times_.empty()) return true;
  }
  return false;
}

Result<std::optional<int64_t>> TickScan::NextWindow(int64_t from) {
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
    next = std::min(next.value_or(INT64_MAX), WindowOf(s->Int(0)));
  }
  return next;
}

Status TickScan::Load(int64_t window) {
  rows_.clear();
  parts_.clear();
  places_.clear();
  journal_.clear();
  journal_texts_.clear();
  // One view of the file: a batch that becomes a part of a block meanwhile is met once.
  if (auto begun = db_.Exec("BEGIN"); !begun) return begun;
  int64_t covered = 0;
  Status read = LoadBlocks(window, covered);
  if (read) read = LoadJournal(window, covered);
  Status ended = db_.Exec("COMMIT");
  return read ? ended : read;
}

Status TickScan::LoadBlocks(int64_t window, int64_t& covered) {
  auto s = db_.Prepare(
      "SELECT journal_id, bytes FROM block WHERE machine = ?1 AND window_ms = ?2 ORDER BY part");
  if (!s) return s.error();
  s->Bind(1, question_.machine).Bind(2, window);
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) return {};
    covered = std::max(covered, s->Int(0));
    auto block = Block::Open(s->Blob(1));
    if (!block) return block.error();
    auto part = std::make_unique<Part>();
    size_t bytes = block->rows().size() * sizeof(TickRow);
    for (const Block::Column& column : block->columns()) {
      const auto slot = question_.slots.find(column.key.series);
      if (slot == question_.slots.end()) continue;
      auto& kept = part->columns.emplace_back();
      kept.slot = slot->second;
      kept.key = column.key;
      if (auto done = block->Read(column, kept.statements); !done) return done;
      bytes += kept.statements.rows().size() * sizeof(Stated);
    }
    if (auto done = budget_.Bytes(bytes); !done) return done;
    for (uint32_t i = 0; i < block->rows().size(); ++i) {
      rows_.push_back({block->rows()[i], SpoolOf(block->rows()[i].spool),
                       static_cast<uint32_t>(parts_.size()), i});
    }
    places_.emplace_back(block->rows().size());
    parts_.push_back(std::move(part));
  }
}

Status TickScan::LoadJournal(int64_t window, int64_t covered) {
  auto s = db_.Prepare(
      "SELECT time_ms, spool, number, payload FROM journal"
      " WHERE machine = ?1 AND time_ms >= ?2 AND time_ms < ?3 AND id > ?4");
  if (!s) return s.error();
  s->Bind(1, question_.machine).Bind(2, window).Bind(3, window + kWindowMs).Bind(4, covered);
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) return {};
    Row row;
    row.tick.time_ms = s->Int(0);
    row.tick.spool = s->Int(1);
    row.tick.number = s->UInt(2);
    row.spool = SpoolOf(row.tick.spool);
    row.part = kJournal;
    row.index = static_cast<uint32_t>(journal_.size());
    journal_.emplace_back();
    if (auto done = ReadBatch(row, s->Blob(3)); !done) return done;
    rows_.push_back(row);
  }
}

Status TickScan::ReadBatch(Row& row, std::string_view payload) {
  if (auto done = budget_.Bytes(payload.size()); !done) return done;
  Spool& spool = spools_[row.spool];
  if (auto done = LearnAliases(spool); !done) return done;
  row.readable = false;
  auto message = decoder_.Decode(payload);
  if (!message) return {};
  for (const sparkplug::BatchView& batch : message->batches) {
    if (batch.header.number != row.tick.number || row.readable) continue;
    row.readable = true;
    row.tick.groups = batch.header.groups;
    row.tick.flags = batch.header.full ? kFlagFull : 0;
    for (const sparkplug::SampleView& sample : batch.samples) {
      const auto known = spool.aliases.find(sample.alias);
      if (known == spool.aliases.end()) continue;
      const auto& [slot, statement] = known->second;
      Said said{slot, statement, sample.value};
      if (!sample.value.view.empty()) {
        journal_texts_.push_back(std::make_unique<std::string>(sample.value.view));
        said.value.view = *journal_texts_.back();
      }
      journal_[row.index].push_back(said);
    }
  }
  return {};
}

Status TickScan::LearnAliases(Spool& spool) {
  if (std::exchange(spool.learned, true)) return {};
  auto s = db_.Prepare(
      "SELECT a.alias, a.series, a.source_group, s.datatype FROM spool p"
      " JOIN alias a ON a.layout = p.layout JOIN series s ON s.id = a.series WHERE p.id = ?1");
  if (!s) return s.error();
  s->Bind(1, spool.id);
  for (;;) {
    auto found = s->Step();
    if (!found) return found.error();
    if (!*found) return {};
    const auto slot = question_.slots.find(s->Int(1));
    if (slot == question_.slots.end()) continue;
    const auto group = static_cast<uint8_t>(s->Int(2) & (sparkplug::kMaxGroups - 1));
    spool.aliases[s->UInt(0)] = {slot->second, {nullptr, group, static_cast<DataType>(s->Int(3))}};
  }
}

uint32_t TickScan::SpoolOf(int64_t id) {
  for (size_t i = spools_.size(); i > 0; --i) {  // mostly the newest
    if (spools_[i - 1].id == id) return static_cast<uint32_t>(i - 1);
  }
  Spool& spool = spools_.emplace_back();
  spool.id = id;
  spool.cells.resize(question_.histograms.size());
  return static_cast<uint32_t>(spools_.size() - 1);
}

// Puts the window's batches in order, and finds out which of them follow the one before.
void TickScan::Order() {
  const auto before = [](const Row& a, const Row& b) { return Before(a.tick, b.tick); };
  std::sort(rows_.begin(), rows_.end(), before);
  const int64_t begin = question_.from_ms - kLeadInMs;
  std::erase_if(rows_, [&](const Row& row) {
    return row.tick.time_ms < begin || row.tick.time_ms > question_.to_ms;
  });
  for (auto& places : places_) std::fill(places.begin(), places.end(), kJournal);
  times_.clear();
  first_ = rows_.size();
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    Row& row = rows_[i];
    if (row.part != kJournal) places_[row.part][row.index] = i;
    if (row.readable) {
      uint64_t& number = spools_[row.spool].number;
      const bool follows = number != 0 && row.tick.number == number + 1;
      row.forgets = !follows || (row.tick.flags & kFlagFull) != 0;
      number = row.tick.number;
    }
    if (row.tick.time_ms < question_.from_ms) continue;
    first_ = std::min<size_t>(first_, i);
    times_.push_back(row.tick.time_ms);
  }
}

// A machine decides alone how many series it has and how many batches lie in a window.
Status TickScan::TakeCells() {
  budget_.GiveCells(std::exchange(cells_, 0));
  size_t of_row = 0;
  for (const bool histogram : question_.histograms) of_row += histogram ? 2 : 1;
  const size_t cells = of_row * (rows_.size() - first_);
  if (auto done = budget_.TakeCells(cells); !done) return done;
  cells_ = cells;
  return {};
}

// What each batch stated of the slot.
void TickScan::Gather(uint32_t slot) {
  stated_.assign(rows_.size(), {});
  for (size_t number = 0; number < parts_.size(); ++number) {
    for (const Part::Column& column : parts_[number]->columns) {
      if (column.slot != slot) continue;
      for (const Stated& statement : column.statements.rows()) {
        const uint32_t row = places_[number][statement.tick];
        if (row == kJournal) continue;
        stated_[row] = {&statement.value, column.key.group, column.key.datatype};
      }
    }
  }
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].part != kJournal) continue;
    for (const Said& said : journal_[rows_[i].index]) {
      if (said.slot != slot) continue;
      stated_[i] = said.statement;
      stated_[i].value = &said.value;
    }
  }
}

void TickScan::Walk(uint32_t slot) {
  const bool histogram = question_.histograms[slot];
  numbers_[slot].clear();
  texts_[slot].clear();
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    Cell& cell = spools_[row.spool].cells[slot];
    if (row.readable) {
      if (row.forgets || (row.tick.groups >> cell.group & 1) == 0) cell.known = false;
      if (stated_[i].value != nullptr) Know(stated_[i], cell);
    }
    if (i < first_) continue;
    if (histogram) {
      texts_[slot].push_back(cell.known ? cell.text : std::string_view());
    } else {
      numbers_[slot].push_back(cell.known ? cell.number : kUnknown);
    }
  }
}

void TickScan::Know(const Statement& statement, Cell& cell) {
  const WireValue& value = *statement.value;
  cell.group = statement.group;
  if (statement.datatype == DataType::kBytes) {
    cell.known = value.kind == WireValue::Kind::kBytes && value.view.size() <= Head::kMaxText;
    if (cell.known) cell.text = value.view;
    return;
  }
  if (value.kind == WireValue::Kind::kDouble && statement.datatype == DataType::kDouble) {
    cell.number = std::bit_cast<double>(value.bits);
  } else {
    cell.number = AsNumber(sparkplug::ToValue(value, statement.datatype));
  }
  cell.known = std::isfinite(cell.number);
}

// What is known of histograms outlives the window that stated it.
void TickScan::KeepTexts() {
  for (Spool& spool : spools_) {
    for (Cell& cell : spool.cells) {
      if (!cell.known || cell.text.empty() || cell.text.data() == cell.kept.data()) continue;
      cell.kept.assign(cell.text);
      cell.text = cell.kept;
    }
  }
}

}  // namespace haidang::store
