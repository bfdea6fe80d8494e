#include "collector/store/block/column.h"

#include <bit>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "collector/store/chunk/histograms.h"
#include "collector/store/chunk/texts.h"
#include "collector/store/chunk/values.h"
#include "collector/store/rows.h"

namespace haidang::store {
namespace {

using sparkplug::WireValue;
using Kind = WireValue::Kind;

constexpr size_t kMaxColumnText = 16U << 20;   // bytes
constexpr double kExact = 9007199254740992.0;  // 2^53: integers up to it are doubles as well

bool IsFull(const TickRow& row) { return (row.flags & kFlagFull) != 0; }
bool IsValue(const WireValue& value) { return value.kind != Kind::kNull; }

bool Same(const WireValue& a, const WireValue& b) {
  return a.kind == b.kind && a.bits == b.bits && a.view == b.view;
}

// What is written at a row where nothing out of the ordinary happened, and so costs nothing: a full
// batch states again what was stated last; another batch states nothing. Walks in both directions.
class Expectation {
 public:
  // The value that a full batch is expected to state again; null where none is.
  const WireValue* At(const TickRow& row) const {
    return IsFull(row) && IsValue(last_) ? &last_ : nullptr;
  }
  void Stated(const WireValue& value) { last_ = value; }
  void LeftOut() { last_ = {}; }  // by a full batch: it is not expected by the next one

 private:
  WireValue last_;  // null: none is expected
};

double AsDouble(const WireValue& value, DataType datatype) {
  if (datatype == DataType::kDouble) return std::bit_cast<double>(value.bits);
  if (datatype == DataType::kInt64) return static_cast<double>(static_cast<int64_t>(value.bits));
  return static_cast<double>(value.bits);
}

bool IsExact(const WireValue& value, DataType datatype) {
  return datatype == DataType::kDouble || !IsValue(value) ||
         std::fabs(AsDouble(value, datatype)) < kExact;
}

WireValue FromDouble(double number, DataType datatype) {
  switch (datatype) {
    case DataType::kInt64:
    case DataType::kUInt64:
      // What an encoder wrote lies within 2^53; of anything else no use is made.
      if (!(std::fabs(number) < kExact) || (datatype == DataType::kUInt64 && number < 0)) return {};
      return {Kind::kInt, static_cast<uint64_t>(static_cast<int64_t>(number)), {}};
    case DataType::kBoolean:
      return {Kind::kBoolean, number == 0 ? uint64_t{0} : uint64_t{1}, {}};
    default:
      return {Kind::kDouble, std::bit_cast<uint64_t>(number), {}};
  }
}

bool IsText(DataType datatype) {
  return datatype == DataType::kString || datatype == DataType::kBytes;
}

// What stands at each row, and of which value.
struct Marked {
  std::vector<Presence> presence;
  std::vector<const WireValue*> values;  // null where none stands
  bool exact = true;                     // every integer is a double as well
};

Marked Mark(DataType datatype, std::span<const TickRow> rows,
            std::span<const WireValue* const> statements) {
  Marked marked;
  marked.presence.assign(rows.size(), Presence::kAbsent);
  marked.values.assign(rows.size(), nullptr);
  Expectation expectation;
  for (size_t i = 0; i < rows.size(); ++i) {
    const WireValue* expected = expectation.At(rows[i]);
    const WireValue* stated = statements[i];
    if (stated == nullptr) {
      if (expected == nullptr) continue;
      marked.presence[i] = Presence::kUnknown;
      expectation.LeftOut();
      continue;
    }
    if (expected != nullptr && Same(*expected, *stated)) continue;
    marked.presence[i] = IsValue(*stated) ? Presence::kValue : Presence::kNull;
    if (IsValue(*stated)) marked.values[i] = stated;
    marked.exact = marked.exact && IsExact(*stated, datatype);
    expectation.Stated(*stated);
  }
  return marked;
}

EncodedColumn EncodeNumbers(DataType datatype, const Marked& marked) {
  const auto form = marked.exact ? ColumnForm::kNumbers : ColumnForm::kIntegers;
  std::vector<double> numbers(marked.values.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    const WireValue* value = marked.values[i];
    if (value == nullptr) continue;
    numbers[i] = marked.exact ? AsDouble(*value, datatype) : std::bit_cast<double>(value->bits);
  }
  return {form, EncodeValues(numbers, marked.presence)};
}

// As histograms, where each is one in its usual form; nothing where not.
std::optional<std::string> EncodeAsHistograms(const Marked& marked) {
  HistogramColumn column;
  for (size_t i = 0; i < marked.values.size(); ++i) {
    const WireValue* value = marked.values[i];
    if (value == nullptr) {
      column.AppendNone(marked.presence[i]);
      continue;
    }
    const auto histogram = Histogram::Decode(value->view);
    if (!histogram || histogram->Encode() != value->view) return std::nullopt;
    column.Append(*histogram);
  }
  return EncodeHistograms(column);
}

EncodedColumn EncodeTextColumn(DataType datatype, const Marked& marked) {
  if (datatype == DataType::kBytes) {
    if (auto bytes = EncodeAsHistograms(marked)) {
      return {ColumnForm::kHistograms, *std::move(bytes)};
    }
  }
  std::vector<std::string_view> texts;
  texts.reserve(marked.values.size());
  for (const WireValue* value : marked.values) {
    texts.push_back(value == nullptr ? std::string_view() : value->view);
  }
  return {ColumnForm::kTexts, EncodeTexts(texts, marked.presence)};
}

// The values of a decoded column, one after another.
class Decoded {
 public:
  Status Open(const ColumnBytes& column, DataType datatype, size_t rows) {
    form_ = column.form;
    datatype_ = datatype;
    Status done = Error{"block: a column whose form does not fit its datatype"};
    if (IsText(datatype) && form_ == ColumnForm::kTexts) {
      done = DecodeTexts(column.bytes, rows, kMaxColumnText, texts_);
      presence_ = std::move(texts_.presence);
      size_ = texts_.which.size();
    } else if (datatype == DataType::kBytes && form_ == ColumnForm::kHistograms) {
      done = DecodeHistograms(column.bytes, rows, histograms_);
      presence_ = histograms_.presence();
      size_ = histograms_.ticks();
    } else if (!IsText(datatype) && IsNumberForm()) {
      done = DecodeValues(column.bytes, rows, numbers_);
      presence_ = std::move(numbers_.presence);
      size_ = numbers_.values.size();
    }
    if (!done) return done;
    if (size_ != rows) return Error{"block: a column and the rows differ in length"};
    return {};
  }

  Presence At(size_t row) const { return presence_.empty() ? Presence::kValue : presence_[row]; }

  // Required: a row has a value, and is asked for after those before it.
  Result<WireValue> ValueAt(size_t row, std::deque<std::string>& texts) {
    switch (form_) {
      case ColumnForm::kNumbers:
        return FromDouble(numbers_.values[row], datatype_);
      case ColumnForm::kIntegers:
        return WireValue{datatype_ == DataType::kDouble ? Kind::kDouble : Kind::kInt,
                         std::bit_cast<uint64_t>(numbers_.values[row]),
                         {}};
      case ColumnForm::kTexts:
        return TextAt(texts_.texts[texts_.which[row]], texts);
      case ColumnForm::kHistograms:
        break;
    }
    const auto histogram = histograms_.At(next_histogram_++);
    if (!histogram) return histogram.error();
    return TextAt(histogram->Encode(), texts);
  }

 private:
  bool IsNumberForm() const {
    return form_ == ColumnForm::kNumbers || form_ == ColumnForm::kIntegers;
  }
  WireValue TextAt(std::string text, std::deque<std::string>& texts) const {
    if (texts.empty() || texts.back() != text) texts.push_back(std::move(text));
    return {datatype_ == DataType::kString ? Kind::kText : Kind::kBytes, 0, texts.back()};
  }

  ColumnForm form_ = ColumnForm::kNumbers;
  DataType datatype_ = DataType::kDouble;
  size_t size_ = 0;
  std::vector<Presence> presence_;
  ValueColumn numbers_;
  TextColumn texts_;
  HistogramColumn histograms_;
  size_t next_histogram_ = 0;
};

}  // namespace

WireValue Normal(const WireValue& value, DataType datatype) {
  if (value.kind == Kind::kDouble && datatype == DataType::kDouble) return value;
  if (value.kind == Kind::kBytes && datatype == DataType::kBytes) return value;
  const Value meant = sparkplug::ToValue(value, datatype);
  if (const auto* number = std::get_if<int64_t>(&meant)) {
    return {Kind::kInt, static_cast<uint64_t>(*number), {}};
  }
  if (const auto* number = std::get_if<uint64_t>(&meant)) return {Kind::kInt, *number, {}};
  if (const auto* number = std::get_if<double>(&meant)) {
    return {Kind::kDouble, std::bit_cast<uint64_t>(*number), {}};
  }
  if (const auto* truth = std::get_if<bool>(&meant)) return {Kind::kBoolean, *truth ? 1U : 0U, {}};
  if (std::holds_alternative<std::string>(meant)) return {Kind::kText, 0, value.view};
  return {};
}

EncodedColumn EncodeColumn(DataType datatype, std::span<const TickRow> rows,
                           std::span<const WireValue* const> statements) {
  const Marked marked = Mark(datatype, rows, statements);
  return IsText(datatype) ? EncodeTextColumn(datatype, marked) : EncodeNumbers(datatype, marked);
}

Status DecodeColumn(const ColumnBytes& column, DataType datatype, std::span<const TickRow> rows,
                    std::vector<Stated>& statements, std::deque<std::string>& texts) {
  statements.clear();
  texts.clear();
  Decoded decoded;
  if (auto done = decoded.Open(column, datatype, rows.size()); !done) return done;
  Expectation expectation;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    WireValue value;
    switch (decoded.At(i)) {
      case Presence::kUnknown:
        expectation.LeftOut();
        continue;
      case Presence::kAbsent: {
        const WireValue* expected = expectation.At(rows[i]);
        if (expected == nullptr) continue;
        value = *expected;
        break;
      }
      case Presence::kNull:
        break;
      case Presence::kValue: {
        const auto read = decoded.ValueAt(i, texts);
        if (!read) return read.error();
        value = *read;
        break;
      }
    }
    statements.push_back({i, value});
    expectation.Stated(value);
  }
  return {};
}

}  // namespace haidang::store
