#include "agent/sources/sys_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "agent/sources/text.h"

namespace haidang::agent {

std::vector<std::string> EntriesOf(const std::string& directory, size_t max) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name[0] != '.' && names.size() < max) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> ReadWord(const std::string& path) {
  const auto text = ReadSmallFile(path, 65536);
  if (!text) return std::nullopt;
  constexpr std::string_view kBlank = " \t\r\n";
  std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  const size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return std::nullopt;
  return std::string(line.substr(begin, line.find_last_not_of(kBlank) + 1 - begin));
}

std::optional<int64_t> ReadInteger(const std::string& path) {
  const auto word = ReadWord(path);
  if (!word) return std::nullopt;
  int64_t number = 0;
  const char* last = word->data() + word->size();
  const auto [end, error] = std::from_chars(word->data(), last, number);
  return error == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

bool IsNumbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && ParseUnsigned(name.substr(prefix.size())).has_value();
}

std::string LinkTarget(const std::string& path) {
  char target[4096];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  if (size <= 0) return {};
  const std::string_view whole(target, static_cast<size_t>(size));
  return std::string(whole.substr(whole.rfind('/') + 1));
}

}  // namespace haidang::agent
