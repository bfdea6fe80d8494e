#include "agent/journey/display.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace haidang::agent {
namespace {

struct Range {
  uint32_t first, last;
};

// Unicode's categories Mn, Me, Cf and its East Asian widths W and F, as far as names of places and
// people need.
constexpr std::array<Range, 9> kNothing = {{{0x0300, 0x036f},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05bd},
                                            {0x064b, 0x065f},
                                            {0x1ab0, 0x1aff},
                                            {0x1dc0, 0x1dff},
                                            {0x200b, 0x200f},
                                            {0x20d0, 0x20ff},
                                            {0xfe00, 0xfe0f}}};
constexpr std::array<Range, 9> kTwo = {{{0x1100, 0x115f},
                                        {0x2e80, 0x303e},
                                        {0x3041, 0xa4cf},
                                        {0xac00, 0xd7a3},
                                        {0xf900, 0xfaff},
                                        {0xfe30, 0xfe6f},
                                        {0xff00, 0xff60},
                                        {0x1f300, 0x1f64f},
                                        {0x1f900, 0x1faff}}};

template <size_t kSize>
bool IsIn(const std::array<Range, kSize>& ranges, uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return point >= range.first && point <= range.last;
  });
}

// The character that `text` begins with, taken off it.
uint32_t NextPoint(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t point = lead < 0x80 ? lead : lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < std::min(length, text.size()); ++i) {
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  text.remove_prefix(std::min(length, text.size()));
  return point;
}

size_t ColumnsOf(uint32_t point) { return IsIn(kNothing, point) ? 0 : IsIn(kTwo, point) ? 2 : 1; }

}  // namespace

size_t Columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) columns += ColumnsOf(NextPoint(text));
  return columns;
}

std::string PadToColumns(std::string text, size_t columns) {
  const size_t taken = Columns(text);
  if (taken < columns) text.append(columns - taken, ' ');
  return text;
}

std::string CutToColumns(std::string_view text, size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  std::string_view rest = text;
  size_t taken = 0, bytes = 0;
  while (!rest.empty()) {
    taken += ColumnsOf(NextPoint(rest));
    if (taken > columns - 1) break;
    bytes = text.size() - rest.size();
  }
  return std::string(text.substr(0, bytes)) + "…";
}

}  // namespace haidang::agent
