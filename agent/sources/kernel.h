#pragma once

#include "agent/sources/file_source.h"

// Parsers of the kernel's own counters, each named after its file below /proc (proc(5)). What a
// kernel does not tell is left out.
namespace haidang::agent {

Status ParseStatCounters(std::string_view text, std::vector<Reading>& readings);  // stat
Status ParseVmstat(std::string_view text, std::vector<Reading>& readings);        // vmstat
Status ParseCpuPressure(std::string_view text, std::vector<Reading>& readings);   // pressure/cpu
Status ParseIoPressure(std::string_view text, std::vector<Reading>& readings);    // pressure/io
Status ParseMemoryPressure(std::string_view text, std::vector<Reading>& readings);
Status ParseFileNr(std::string_view text, std::vector<Reading>& readings);  // sys/fs/file-nr
Status ParseEntropyAvailable(std::string_view text, std::vector<Reading>& readings);
Status ParseEntropyPoolSize(std::string_view text, std::vector<Reading>& readings);
Status ParseConntrackCount(std::string_view text, std::vector<Reading>& readings);
Status ParseConntrackMax(std::string_view text, std::vector<Reading>& readings);

}  // namespace haidang::agent
