#include "core/sparkplug/names.h"

#include <fmt/format.h>

#include <charconv>

#include "core/sparkplug/birth.h"
#include "core/utf8.h"

namespace haidang::sparkplug {
namespace names {

std::string SpoolHex(uint64_t spool_id) { return fmt::format("{:016x}", spool_id); }

bool ParseSpoolHex(std::string_view hex, uint64_t& spool_id) {
  if (hex.size() != 16) return false;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), spool_id, 16);
  return error == std::errc() && end == hex.data() + hex.size() && SpoolHex(spool_id) == hex;
}

bool IsProperty(std::string_view key) {
  return key == kPropertyUnit || key == kPropertyType || key == kPropertySource;
}

std::string LabelKey(std::string_view label) {
  const bool escaped = label.starts_with('_') || IsProperty(label);
  return (escaped ? "_" : "") + std::string(label);
}

std::string_view LabelOfKey(std::string_view key) {
  return key.starts_with('_') ? key.substr(1) : key;
}

}  // namespace names

namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// [a-zA-Z_][a-zA-Z0-9_]*, with `also` as a further letter.
bool IsName(std::string_view name, char also) {
  if (name.empty() || name.size() > kMaxNameBytes || IsDigit(name[0])) return false;
  for (const char c : name) {
    if (!IsLetter(c) && !IsDigit(c) && c != '_' && c != also) return false;
  }
  return true;
}

void AppendFolder(std::string_view value, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  out += '/';
  if (value.empty()) out += '_';
  for (const char c : value) {
    if (IsLetter(c) || IsDigit(c) || c == '-') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '_';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

std::string WireName(const SeriesId& series) {
  std::string out = series.metric;
  for (const auto& [name, value] : series.labels) AppendFolder(value, out);
  return out;
}

Status CheckSeries(const SeriesId& series) {
  const auto refuse = [&series](std::string_view why) {
    return Error{"series " + Printable(ToString(series)) + ": " + std::string(why)};
  };
  if (!IsName(series.metric, ':')) return refuse("its name is no metric's name");
  if (series.metric == "Spool" || series.metric == "Agent" || series.metric == names::kBdSeq) {
    return refuse("its name is taken by the wire format");
  }
  if (series.labels.size() > kMaxLabels) return refuse("more than 16 labels");
  for (const auto& [name, value] : series.labels) {
    if (!IsName(name, '_')) return refuse("a label's name is none");
    if (name.starts_with("__")) return refuse("a label's name begins with __");
    if (value.size() > kMaxLabelBytes) return refuse("a label's value is above 1 KiB");
    if (!IsUtf8(value)) return refuse("a label's value is not UTF-8");
  }
  return {};
}

}  // namespace haidang::sparkplug
