#pragma once

#include <optional>
#include <string>

#include "collector/export_tool.h"

namespace haidang::collector {

// What the command line asks for.
struct Command {
  enum class Kind { kServe, kVersion, kCheckConfig, kCheck, kExport, kBackup, kRestore };
  Kind kind = Kind::kServe;
  std::string config = "/etc/haidang/collector.toml";
  std::string file;      // check, backup, restore
  bool replace = false;  // backup
  ExportOrder dump;
};

// Nothing where it was answered (--help) or is wrong, which was said; then `code` is how to end.
std::optional<Command> ParseCommandLine(int argc, char** argv, int bad_usage, int* code);

}  // namespace haidang::collector
