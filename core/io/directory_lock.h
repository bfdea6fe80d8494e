#pragma once

#include <string>

#include "core/result.h"

namespace haidang {

// Takes `directory` for this process until it ends, through the file `program`.lock in it. An Error
// where another process of the same program has it, or where the file cannot be made.
Status LockDirectory(const std::string& directory, const std::string& program);

}  // namespace haidang
