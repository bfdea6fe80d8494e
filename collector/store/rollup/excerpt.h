#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "collector/store/rollup/piece_directory.h"
#include "core/result.h"

namespace haidang::store {

// Reads bytes of a piece; offset + length are within it.
using ReadPart = std::function<Status(size_t offset, size_t length, std::string& into)>;

// The piece of `size` bytes with those of `series` alone that it has, as a piece of its own: of a
// machine's many series a question asks for few. Reads the directory and what they take; hostile
// bytes are an Error.
Result<std::string> ReadExcerpt(const PieceGrid& grid, size_t size, const ReadPart& read,
                                const std::set<int64_t>& series);

}  // namespace haidang::store
