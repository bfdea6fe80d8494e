#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the sources below /sys share: a directory's entries, and files of one value.
namespace haidang::agent {

// Sorted; "." and ".." and hidden ones left out, and what is beyond `max`. Empty where it cannot be
// read.
std::vector<std::string> EntriesOf(const std::string& directory, size_t max = 1024);

// The file's first line without blanks around it; nothing where it cannot be read (drivers refuse,
// devices go) or is empty.
std::optional<std::string> ReadWord(const std::string& path);

// The same as a whole number; nothing where it is none.
std::optional<int64_t> ReadInteger(const std::string& path);

// Whether `name` is `prefix` and a number, "mc0".
bool IsNumbered(std::string_view name, std::string_view prefix);

// The last part of what a symbolic link names; empty where it is none.
std::string LinkTarget(const std::string& path);

}  // namespace haidang::agent
