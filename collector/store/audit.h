#pragma once

#include <cstdint>
#include <functional>
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
  int64_t batches = 0;  // in blocks and journal
  int64_t samples = 0;  // in them
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  int64_t lost_batches = 0;         // numbers that were closed as gaps, by what machines said
  int64_t quarantined_batches = 0;  // seen, not stored
  // Everything of one kind that is wrong.
  struct Fault {
    std::string what;   // e.g. "batches whose CRC does not match their content"
    std::string means;  // for who reads the store
    std::string todo;
    int64_t count = 0;
    std::vector<std::string> where;  // of the first few
  };
  static constexpr size_t kMaxWhere = 5;
  std::vector<Fault> faults;  // in the order in which they were met
  bool whole() const { return faults.empty(); }
};

// Verifies the file's pages, its tables and indexes against what its schema version says, and every
// batch in it: it decodes, has its key's content and its row's time and flags, its CRC matches,
// every alias means a series that is there, its number is settled and stands there once. Reads the
// whole file, and holds nothing of the journal. An Error: it cannot be read as a store at all.
Result<Audit> CheckStore(const std::string& path);

// A value that a stored batch states.
struct LedgerEntry {
  std::string_view machine;
  const SeriesId& series;
  int64_t ts_ms;  // device time
  const Value& value;
};

// Every value that every stored batch states, once, in any order; a batch that cannot be read ends
// it with an Error. Values of series beyond a machine's cap are told as far as they are known;
// where series are gone from their table the end is an Error that says how many values are left
// out.
Status ExportLedger(const std::string& path, const std::function<bool(const LedgerEntry&)>& visit);

}  // namespace haidang::store
