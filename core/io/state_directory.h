#pragma once

#include <string>

#include "core/result.h"

namespace haidang {

// Whether this process could make `path`, or write in it where it is there; leaves nothing behind.
// The Error says what is wrong and what is allowed. A full disk is no fault of the directory.
Status CheckStateDirectory(const std::string& path);

// Makes `path` where it is missing, with all above it, and holds it for this process alone until it
// ends (core/io/directory_lock.h).
Status ClaimStateDirectory(const std::string& path, const std::string& program);

}  // namespace haidang
