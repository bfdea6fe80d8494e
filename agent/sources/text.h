#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sample.h"

// What the sources share: small files under /proc, and their lines, fields and numbers.
namespace haidang::agent {

// The whole of a small file; an Error where it is absent, vanishes while it is read, or is larger
// than `max_bytes`.
Result<std::string> ReadSmallFile(const std::string& path, size_t max_bytes = 1U << 20);

// As ReadSmallFile; an absent file is an empty text: "nothing here" is no failure.
Result<std::string> ReadOptionalFile(const std::string& path, size_t max_bytes = 1U << 20);

// Takes the first line, without its end, off `text`. Required: !text.empty().
std::string_view TakeLine(std::string_view& text);

// Takes the first field off `line`; fields stand between blanks. Empty at the end.
std::string_view TakeField(std::string_view& line);

// The whole of `text` as a number; nothing where it is none, or does not fit.
std::optional<uint64_t> ParseUnsigned(std::string_view text);
std::optional<double> ParseReal(std::string_view text);  // finite only

// At most `limit` numbers from the start of `line`, up to the first field that is none.
std::vector<uint64_t> TakeNumbers(std::string_view& line, size_t limit);

void Add(std::vector<Reading>& readings, std::string_view metric, Labels labels, Value value);

}  // namespace haidang::agent
