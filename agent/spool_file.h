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

// Opens or makes spool.db with its tables. A damaged file is moved aside (`<path>.corrupt-<time>`)
// and said, and so is one that is marked as another machine's (`<path>.other-machine-<time>`); of
// each kind the newest two are kept. Where the disk is full, a database in memory stands in, and is
// said. An Error: the directory cannot be written, or a newer agent made the file. `machine`: whose
// it must be; any where empty.
Result<SpoolFile> OpenSpoolFile(const std::string& path, const std::string& machine,
                                const Clock& clock);

// The same without a database that stands in: `fault` says why there is an Error.
Result<Database> OpenSpoolDatabase(const std::string& path, const std::string& machine,
                                   const Clock& clock, DatabaseFault& fault);

// For a file that turned out to be damaged after it was opened: moves it aside and begins a new
// one. Nobody may have it open.
Result<SpoolFile> ReplaceSpoolFile(const std::string& path, const std::string& machine,
                                   const Clock& clock);

// In a transaction: marks a file that nobody is named in.
Status NameSpoolMachine(Database& db, const std::string& machine);

// Where no file can be had; `why` is said.
Result<SpoolFile> OpenSpoolInMemory(const Error& why);

}  // namespace haidang::agent
