#include "agent/sources/text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>

namespace haidang::agent {
namespace {

// errno of the failure, or 0; EFBIG where the file is larger than `max_bytes`.
int ReadInto(const std::string& path, size_t max_bytes, std::string& text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno;
  constexpr size_t kStep = 4096;
  int failure = 0;
  for (;;) {
    const size_t size = text.size();
    text.resize(size + kStep);
    const ssize_t got = read(fd, text.data() + size, kStep);
    if (got < 0) failure = errno;
    text.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
    if (text.size() > max_bytes) failure = EFBIG;
    if (got <= 0 || failure != 0) break;
  }
  close(fd);
  return failure;
}

Error CannotRead(const std::string& path, int failure) {
  return Error{"cannot read " + path + ": " + std::strerror(failure)};
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

Result<std::string> ReadSmallFile(const std::string& path, size_t max_bytes) {
  std::string text;
  if (const int failure = ReadInto(path, max_bytes, text)) return CannotRead(path, failure);
  return text;
}

Result<std::string> ReadOptionalFile(const std::string& path, size_t max_bytes) {
  std::string text;
  const int failure = ReadInto(path, max_bytes, text);
  if (failure == ENOENT || failure == ENOTDIR) return std::string();
  if (failure != 0) return CannotRead(path, failure);
  return text;
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view TakeField(std::string_view& line) {
  size_t begin = 0;
  while (begin < line.size() && IsBlank(line[begin])) ++begin;
  size_t end = begin;
  while (end < line.size() && !IsBlank(line[end])) ++end;
  const std::string_view field = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return field;
}

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last) return std::nullopt;
  return number;
}

std::optional<double> ParseReal(std::string_view text) {
  double number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::vector<uint64_t> TakeNumbers(std::string_view& line, size_t limit) {
  std::vector<uint64_t> numbers;
  while (numbers.size() < limit) {
    const auto number = ParseUnsigned(TakeField(line));
    if (!number) break;
    numbers.push_back(*number);
  }
  return numbers;
}

void Add(std::vector<Reading>& readings, std::string_view metric, Labels labels, Value value) {
  readings.push_back({{std::string(metric), std::move(labels)}, std::move(value)});
}

}  // namespace haidang::agent
