#pragma once

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/io/database.h"
#include "core/result.h"

namespace haidang::agent {

struct SpoolFile {
  Database db;
  bool in_memory = false;  // the disk is full: nothing of this outlives the process
};

// Opens or makes spool.db with its tables. A damaged file is moved aside (`<path>.corrupt-<time>`,
// of which the newest two are kept) and said; where the disk is full, a database in memory stands
// in, and is said. An Error: the directory cannot be written, or a newer agent made the file.
Result<SpoolFile> OpenSpoolFile(const std::string& path, const Clock& clock);

// The same without a database that stands in: `fault` says why there is an Error.
Result<Database> OpenSpoolDatabase(const std::string& path, const Clock& clock,
                                   DatabaseFault& fault);

// For a file that turned out to be damaged after it was opened: moves it aside and begins a new
// one. Nobody may have it open.
Result<SpoolFile> ReplaceSpoolFile(const std::string& path, const Clock& clock);

// Where no file can be had; `why` is said.
Result<SpoolFile> OpenSpoolInMemory(const Error& why);

}  // namespace haidang::agent
