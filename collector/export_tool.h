#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace haidang::collector {

// What `haidang-collector export` was asked for: one of the three, of the store or of `file`.
struct ExportOrder {
  bool ledger = false;
  bool openmetrics = false;
  bool csv = false;
  std::string file;                   // a backup; "": the store
  std::string from, to;               // "": no bound
  std::vector<std::string> machines;  // none: all
  std::vector<std::string> metrics;
};

// Writes what a store holds to stdout: the one in `directory`, which no collector may have open, or
// a backup.
Status ExportStore(const std::string& directory, const ExportOrder& order);

}  // namespace haidang::collector
