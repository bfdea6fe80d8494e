#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/block/tick_rows.h"
#include "core/result.h"
#include "core/sample.h"
#include "core/sparkplug/batch.h"

// A block holds what a machine's batches of one window of time said, column by column: nothing of
// their meaning is lost, so a late batch can be put between them. docs/store-format.md, "Blocks".
namespace haidang::store {

inline constexpr size_t kMaxBlockTicks = 8192;
inline constexpr size_t kMaxBlockColumns = 65536;
inline constexpr size_t kMaxBlockBytes = 64U << 20;  // of a block that was not made here

// What a column is of. One series has two where its group changed.
struct ColumnKey {
  int64_t series = 0;  // row id
  uint8_t group = 0;   // bit of TickRow::groups
  DataType datatype = DataType::kDouble;
  auto operator<=>(const ColumnKey&) const = default;
};

// What a batch stated of a series.
struct Stated {
  uint32_t tick = 0;  // index into the block's rows
  sparkplug::WireValue value;
};

// The statements of a column, ascending by tick. Values of texts and histograms point into it, also
// after it was moved; a copy's would point into what it was made from.
class StatedValues {
 public:
  StatedValues() = default;
  StatedValues(StatedValues&&) = default;
  StatedValues& operator=(StatedValues&&) = default;

  std::span<const Stated> rows() const { return rows_; }

 private:
  friend class Block;
  std::vector<Stated> rows_;
  std::deque<std::string> texts_;
};

// Reads a block. Views `bytes`, which must outlive it.
class Block {
 public:
  // Decodes the rows and where the columns are; hostile bytes are an Error.
  static Result<Block> Open(std::string_view bytes);

  std::span<const TickRow> rows() const { return rows_; }
  struct Column {
    ColumnKey key;
    uint8_t form = 0;
    std::string_view bytes;
  };
  std::span<const Column> columns() const { return columns_; }  // ascending by key

  Status Read(const Column& column, StatedValues& statements) const;

 private:
  std::vector<TickRow> rows_;
  std::vector<Column> columns_;
};

// Makes a block out of batches in any order, and of blocks that were made before.
class BlockMaker {
 public:
  size_t ticks() const { return rows_.size(); }

  // The batch to which the following statements belong. Required: ticks() < kMaxBlockTicks.
  void Add(const TickRow& row);
  // The column's number, for State; nothing where there are kMaxBlockColumns.
  std::optional<size_t> ColumnOf(const ColumnKey& key);
  // At most one statement of a column in a batch: the first stays.
  void State(size_t column, const sparkplug::WireValue& value);
  // All that `block` holds. Required: there is room for its ticks.
  Status Add(const Block& block);

  // Empty where nothing was added. Ends the maker's use.
  std::string Finish();

 private:
  // What one column was told: by tick in order of Add.
  struct Told {
    ColumnKey key;
    std::vector<uint32_t> ticks;
    std::vector<sparkplug::WireValue> values;  // views point into `texts_`
  };

  std::vector<TickRow> rows_;
  std::map<ColumnKey, size_t> by_key_;
  std::vector<Told> told_;
  std::deque<std::string> texts_;
};

}  // namespace haidang::store
