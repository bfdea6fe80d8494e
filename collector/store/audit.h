#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sample.h"

// Reading a telemetry.db that no collector has open, from end to end.
namespace haidang::store {

// What a check counted, and what is wrong.
struct Audit {
  int64_t machines = 0;
  int64_t series = 0;
  int64_t batches = 0;  // in the journal
  int64_t samples = 0;  // in them
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  int64_t lost_batches = 0;         // numbers that were closed as gaps, by what machines said
  int64_t quarantined_batches = 0;  // seen, not stored
  struct Fault {
    std::string what;  // what kind, e.g. "a batch whose CRC does not match"
    std::string where;
  };
  static constexpr size_t kMaxFaults = 100;  // that are kept; all are counted
  std::vector<Fault> faults;
  int64_t fault_count = 0;
  bool whole() const { return fault_count == 0; }
};

// Verifies the file's pages and every batch in it: decodes, has its key's content, its CRC matches,
// every alias means a series, its number is settled and stands there once. Reads the whole file. An
// Error: it cannot be read as a store at all.
Result<Audit> CheckStore(const std::string& path);

// A value that a stored batch states.
struct LedgerEntry {
  std::string_view machine;
  const SeriesId& series;
  int64_t ts_ms;  // device time
  const Value& value;
};

// Every value that every stored batch states, in order of arrival; a batch that cannot be read ends
// it with an Error. Values of series beyond a machine's cap are told as far as they are known.
Status ExportLedger(const std::string& path, const std::function<bool(const LedgerEntry&)>& visit);

}  // namespace haidang::store
