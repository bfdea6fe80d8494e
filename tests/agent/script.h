#pragma once

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace haidang::testing {

// A program in `dir`, written in the shell's language; its path.
inline std::string Script(const TempDir& dir, const std::string& name, const std::string& text) {
  const std::string path = dir / name;
  std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
  chmod(path.c_str(), 0755);
  chmod(dir.path().c_str(), 0755);  // for other users
  return path;
}

}  // namespace haidang::testing
