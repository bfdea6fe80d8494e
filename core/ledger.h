#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/sample.h"

// What was read and what is stored, written the same way by agent and collector, so that a test can
// compare the two line by line.
namespace haidang {

// {"machine":"…","series":"metric{a=\"x\"}","ts_ms":1760000000000,"value":…} without a line's end.
// Integers and the shortest doubles that mean the same as numbers, null, true and false; a text as
// a string, what is not finite as "NaN", "+Inf" or "-Inf", Bytes as {"hex":"…"}.
std::string LedgerLine(std::string_view machine, const SeriesId& series, int64_t ts_ms,
                       const Value& value);

}  // namespace haidang
