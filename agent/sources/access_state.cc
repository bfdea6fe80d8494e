#include "agent/sources/access_state.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "agent/sources/text.h"
#include "core/crc64.h"

namespace haidang::agent {
namespace {

constexpr std::string_view kFirstLine = "haidang access log state 1\n";
constexpr size_t kMaxBytes = 8 << 20;
constexpr int kTailWords = 8;

bool IsPlain(char c) { return c > ' ' && c < '\x7f' && c != '%' && c != '-'; }

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::string LastLine(std::string_view text) { return fmt::format("end {:016x}\n", Crc64Of(text)); }

std::optional<TailState> ParseTail(std::string_view line) {
  const std::vector<uint64_t> numbers = TakeNumbers(line, kTailWords);
  const auto path = UnescapeWord(TakeField(line));
  const auto note = UnescapeWord(TakeField(line));
  if (numbers.size() != kTailWords || !path || path->empty() || !note) return std::nullopt;
  TailState state;
  state.id = {.device = numbers[0], .inode = numbers[1]};
  state.offset = numbers[2];
  state.head_size = numbers[3];
  state.head_crc = numbers[4];
  state.skipping = numbers[5] != 0;
  state.copy = numbers[6] != 0;
  state.leaving = numbers[7] != 0;
  state.path = *path;
  state.note = *note;
  constexpr uint64_t kMaxHead = 64 << 10;
  if (state.head_size > kMaxHead || state.head_size > state.offset) return std::nullopt;
  return state;
}

}  // namespace

std::string EscapeWord(std::string_view text) {
  if (text.empty()) return "-";
  std::string word;
  for (const char c : text) {
    if (IsPlain(c)) {
      word += c;
    } else {
      word += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return word;
}

std::optional<std::string> UnescapeWord(std::string_view word) {
  if (word == "-") return std::string();
  if (word.empty()) return std::nullopt;
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '%') {
      text += word[i];
      continue;
    }
    const auto high = i + 2 < word.size() ? HexDigit(word[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(word[i + 2]) : std::nullopt;
    if (!low) return std::nullopt;
    text += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return text;
}

std::string FormatAccessState(const std::vector<TailState>& tails, const AccessCounts& counts) {
  std::string text(kFirstLine);
  for (const TailState& tail : tails) {
    text += fmt::format("file {} {} {} {} {} {} {} {} {} {}\n", tail.id.device, tail.id.inode,
                        tail.offset, tail.head_size, tail.head_crc, tail.skipping ? 1 : 0,
                        tail.copy ? 1 : 0, tail.leaving ? 1 : 0, EscapeWord(tail.path),
                        EscapeWord(tail.note));
  }
  counts.Save(text);
  return text + LastLine(text);
}

Result<std::vector<TailState>> ParseAccessState(std::string_view text, AccessCounts& counts) {
  const size_t end = text.rfind("end ");
  if (!text.starts_with(kFirstLine) || end == std::string_view::npos ||
      text.substr(end) != LastLine(text.substr(0, end))) {
    return Error{"is damaged"};
  }
  text = text.substr(kFirstLine.size(), end - kFirstLine.size());
  std::vector<TailState> tails;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    const std::string_view whole = line;
    if (TakeField(line) == "file") {
      auto tail = ParseTail(line);
      if (!tail) return Error{"has a file that cannot be read"};
      tails.push_back(std::move(*tail));
    } else if (!counts.Load(whole)) {
      return Error{"has a count that cannot be read"};
    }
  }
  return tails;
}

Result<std::optional<std::string>> ReadStateFile(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::optional<std::string>();
  auto text = ReadSmallFile(path, kMaxBytes);
  if (!text) return text.error();
  return std::optional(std::move(*text));
}

}  // namespace haidang::agent
