#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::store {

// What a batch says beside its values: a row of the journal without its payload.
struct TickRow {
  int64_t time_ms = 0;      // when it was, by the collector's clock
  int64_t offset_ms = 0;    // how far the machine's clock was ahead
  int64_t received_ms = 0;  // its receipt
  int64_t spool = 0;        // row id
  uint64_t number = 0;
  int64_t flags = 0;    // kFlagFull, kFlagHistorical
  uint64_t groups = 0;  // bit i: the i-th group was read
  bool operator==(const TickRow&) const = default;
};

// Ascending by time, then spool and number.
bool Before(const TickRow& a, const TickRow& b);

// The rows of a block, column by column. Required: not empty.
std::string EncodeTickRows(std::span<const TickRow> rows);

// Replaces what `rows` holds; at most `max_rows` of them. Other than Before orders them: an Error.
Status DecodeTickRows(std::string_view bytes, size_t max_rows, std::vector<TickRow>& rows);

}  // namespace haidang::store
