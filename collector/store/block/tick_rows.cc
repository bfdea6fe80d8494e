#include "collector/store/block/tick_rows.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "collector/store/chunk/integers.h"
#include "collector/store/chunk/ticks.h"
#include "core/varint.h"

namespace haidang::store {
namespace {

// The columns beside the times, each as what changes least from row to row.
constexpr int kColumns = 6;

void Fill(std::span<const TickRow> rows, std::vector<int64_t> (&columns)[kColumns]) {
  for (auto& column : columns) column.reserve(rows.size());
  for (const TickRow& row : rows) {
    columns[0].push_back(row.spool);
    columns[1].push_back(static_cast<int64_t>(row.number));
    columns[2].push_back(row.offset_ms);
    columns[3].push_back(static_cast<int64_t>(static_cast<uint64_t>(row.received_ms) -
                                              static_cast<uint64_t>(row.time_ms)));
    columns[4].push_back(row.flags);
    columns[5].push_back(static_cast<int64_t>(row.groups));
  }
}

}  // namespace

bool Before(const TickRow& a, const TickRow& b) {
  return std::tie(a.time_ms, a.spool, a.number) < std::tie(b.time_ms, b.spool, b.number);
}

std::string EncodeTickRows(std::span<const TickRow> rows) {
  std::vector<int64_t> times;
  times.reserve(rows.size());
  for (const TickRow& row : rows) times.push_back(row.time_ms);
  const std::string ticks = EncodeTicks(times);
  std::string out;
  PutVarint(out, ticks.size());
  out += ticks;
  std::vector<int64_t> columns[kColumns];
  Fill(rows, columns);
  RangeEncoder coder(out);
  for (const auto& column : columns) EncodeIntegers(coder, PlanIntegers(column), column);
  coder.Finish();
  return out;
}

Status DecodeTickRows(std::string_view bytes, size_t max_rows, std::vector<TickRow>& rows) {
  const auto size = TakeVarint(bytes);
  if (!size || *size > bytes.size()) return Error{"tick rows: cut off"};
  std::vector<int64_t> column;
  if (auto done = DecodeTicks(bytes.substr(0, *size), max_rows, column); !done) return done;
  rows.assign(column.size(), {});
  for (size_t i = 0; i < rows.size(); ++i) rows[i].time_ms = column[i];
  RangeDecoder coder(bytes.substr(*size));
  const auto next = [&](auto&& set) {
    DecodeIntegers(coder, column);
    for (size_t i = 0; i < rows.size(); ++i) set(rows[i], column[i]);
  };
  next([](TickRow& row, int64_t value) { row.spool = value; });
  next([](TickRow& row, int64_t value) { row.number = static_cast<uint64_t>(value); });
  next([](TickRow& row, int64_t value) { row.offset_ms = value; });
  next([](TickRow& row, int64_t value) {
    row.received_ms =
        static_cast<int64_t>(static_cast<uint64_t>(row.time_ms) + static_cast<uint64_t>(value));
  });
  next([](TickRow& row, int64_t value) { row.flags = value; });
  next([](TickRow& row, int64_t value) { row.groups = static_cast<uint64_t>(value); });
  if (!coder.Ended()) return Error{"tick rows: bytes are left over"};
  const auto out_of_order = std::adjacent_find(
      rows.begin(), rows.end(), [](const TickRow& a, const TickRow& b) { return !Before(a, b); });
  if (out_of_order != rows.end()) return Error{"tick rows: out of order"};
  return {};
}

}  // namespace haidang::store
