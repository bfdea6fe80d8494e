#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source.h"
#include "core/result.h"

namespace haidang::agent {

// Appends what the text of a file says; touches nothing else. An Error says what is wrong with it.
using ParseFile = Status (*)(std::string_view text, std::vector<Reading>& readings);

struct SourceFile {
  std::string path;
  ParseFile parse;
};

// A source that is small files, each read at each tick and parsed by itself. Files that are not
// there are nothing, and no failure. `name` lives as long as the source.
std::unique_ptr<Source> MakeFileSource(std::string_view name, std::vector<SourceFile> files);

}  // namespace haidang::agent
