#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/block/block.h"

// One column of a block: which statements are written, and with which codec.
namespace haidang::store {

// On disk: never renumber.
enum class ColumnForm : uint8_t {
  kNumbers = 0,     // doubles, and integers that are doubles as well
  kIntegers = 1,    // 64-bit patterns of integers
  kTexts = 2,       // texts, and bytes that are no histogram
  kHistograms = 3,  // exponential histograms
};

struct EncodedColumn {
  ColumnForm form = ColumnForm::kNumbers;
  std::string bytes;
};
struct ColumnBytes {
  ColumnForm form;
  std::string_view bytes;
};

// `value` as a column of `datatype` holds it: kDouble, kInt, kBoolean, kText or kBytes as the
// datatype wants it, kNull where it does not fit.
sparkplug::WireValue Normal(const sparkplug::WireValue& value, DataType datatype);

// `statements`: one for each row, in the form of Normal, null where the batch stated nothing.
EncodedColumn EncodeColumn(DataType datatype, std::span<const TickRow> rows,
                           std::span<const sparkplug::WireValue* const> statements);

// Replaces what `statements` and `texts`, into which they point, hold.
Status DecodeColumn(const ColumnBytes& column, DataType datatype, std::span<const TickRow> rows,
                    std::vector<Stated>& statements, std::deque<std::string>& texts);

}  // namespace haidang::store
