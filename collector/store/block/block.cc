#include "collector/store/block/block.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "collector/store/block/column.h"
#include "core/varint.h"

namespace haidang::store {
namespace {

constexpr char kVersion = 1;

Error Damaged(const char* what) { return Error{std::string("block: ") + what}; }

// Takes `size` bytes, told before them, from the front of `bytes`.
std::optional<std::string_view> TakePart(std::string_view& bytes) {
  const auto size = TakeVarint(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  const std::string_view part = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return part;
}

}  // namespace

Result<Block> Block::Open(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != kVersion) {
    return Damaged("it is of another version: damaged, or written by a newer program");
  }
  bytes.remove_prefix(1);
  Block block;
  const auto rows = TakePart(bytes);
  if (!rows) return Damaged("its rows are cut off");
  if (auto done = DecodeTickRows(*rows, kMaxBlockTicks, block.rows_); !done) return done.error();
  const auto count = TakeVarint(bytes);
  if (!count || *count > kMaxBlockColumns) return Damaged("its columns are too many");
  block.columns_.reserve(std::min<size_t>(*count, bytes.size() / 4));
  std::vector<uint64_t> sizes;
  int64_t series = 0;
  for (uint64_t i = 0; i < *count; ++i) {
    const auto step = TakeVarint(bytes);
    if (!step || bytes.size() < 3) return Damaged("its directory is cut off");
    series = static_cast<int64_t>(static_cast<uint64_t>(series) + *step);
    Column column{{series, static_cast<uint8_t>(bytes[0]), static_cast<DataType>(bytes[1])},
                  static_cast<uint8_t>(bytes[2]),
                  {}};
    bytes.remove_prefix(3);
    const auto size = TakeVarint(bytes);
    if (!size) return Damaged("its directory is cut off");
    if (column.key.group >= sparkplug::kMaxGroups) return Damaged("a group that is none");
    if (!block.columns_.empty() && !(block.columns_.back().key < column.key)) {
      return Damaged("its columns are out of order");
    }
    block.columns_.push_back(column);
    sizes.push_back(*size);
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > bytes.size()) return Damaged("its columns are cut off");
    block.columns_[i].bytes = bytes.substr(0, sizes[i]);
    bytes.remove_prefix(sizes[i]);
  }
  if (!bytes.empty()) return Damaged("bytes are left over");
  return block;
}

Status Block::Read(const Column& column, StatedValues& statements) const {
  return DecodeColumn({static_cast<ColumnForm>(column.form), column.bytes}, column.key.datatype,
                      rows_, statements.rows_, statements.texts_);
}

void BlockMaker::Add(const TickRow& row) { rows_.push_back(row); }

std::optional<size_t> BlockMaker::ColumnOf(const ColumnKey& key) {
  if (const auto it = by_key_.find(key); it != by_key_.end()) return it->second;
  if (told_.size() >= kMaxBlockColumns) return std::nullopt;
  by_key_.emplace(key, told_.size());
  told_.push_back({key, {}, {}});
  return told_.size() - 1;
}

void BlockMaker::State(size_t column, const sparkplug::WireValue& value) {
  Told& told = told_[column];
  const auto tick = static_cast<uint32_t>(rows_.size() - 1);
  if (!told.ticks.empty() && told.ticks.back() == tick) return;
  told.ticks.push_back(tick);
  told.values.push_back(Normal(value, told.key.datatype));
  auto& kept = told.values.back();
  if (!kept.view.empty()) kept.view = texts_.emplace_back(kept.view);
}

Status BlockMaker::Add(const Block& block) {
  const auto first = static_cast<uint32_t>(rows_.size());
  rows_.insert(rows_.end(), block.rows().begin(), block.rows().end());
  StatedValues statements;
  for (const Block::Column& column : block.columns()) {
    if (auto done = block.Read(column, statements); !done) return done;
    const auto index = ColumnOf(column.key);
    if (!index) return Damaged("too many columns together");
    Told& told = told_[*index];
    for (const Stated& statement : statements.rows()) {
      told.ticks.push_back(first + statement.tick);
      told.values.push_back(statement.value);
      auto& kept = told.values.back();
      if (!kept.view.empty()) kept.view = texts_.emplace_back(kept.view);
    }
  }
  return {};
}

std::string BlockMaker::Finish() {
  if (rows_.empty()) return {};
  std::vector<uint32_t> order(rows_.size());  // new index → old
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return Before(rows_[a], rows_[b]); });
  std::vector<uint32_t> place(rows_.size());  // old index → new
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<TickRow> rows;
  rows.reserve(rows_.size());
  for (const uint32_t old : order) rows.push_back(rows_[old]);

  std::string out(1, kVersion);
  const std::string encoded = EncodeTickRows(rows);
  PutVarint(out, encoded.size());
  out += encoded;
  PutVarint(out,
            static_cast<uint64_t>(std::count_if(
                told_.begin(), told_.end(), [](const Told& told) { return !told.ticks.empty(); })));
  std::string columns;
  int64_t series = 0;
  std::vector<const sparkplug::WireValue*> dense(rows.size());
  for (const auto& [key, index] : by_key_) {
    const Told& told = told_[index];
    if (told.ticks.empty()) continue;
    std::fill(dense.begin(), dense.end(), nullptr);
    for (size_t i = 0; i < told.ticks.size(); ++i) dense[place[told.ticks[i]]] = &told.values[i];
    const EncodedColumn column = EncodeColumn(key.datatype, rows, dense);
    PutVarint(out, static_cast<uint64_t>(key.series) - static_cast<uint64_t>(series));
    series = key.series;
    out += static_cast<char>(key.group);
    out += static_cast<char>(key.datatype);
    out += static_cast<char>(column.form);
    PutVarint(out, column.bytes.size());
    columns += column.bytes;
  }
  return out + columns;
}

}  // namespace haidang::store
