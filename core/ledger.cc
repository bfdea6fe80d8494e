#include "core/ledger.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace haidang {
namespace {

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct ValueText {
  std::string operator()(Null) const { return "null"; }
  std::string operator()(int64_t number) const { return std::to_string(number); }
  std::string operator()(uint64_t number) const { return std::to_string(number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(double number) const {
    if (std::isnan(number)) return "\"NaN\"";
    if (std::isinf(number)) return number > 0 ? "\"+Inf\"" : "\"-Inf\"";
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    return std::string(std::begin(digits), end);
  }
  std::string operator()(const std::string& text) const { return Quoted(text); }
  std::string operator()(const Bytes& bytes) const {
    constexpr char kHex[] = "0123456789abcdef";
    std::string text = "{\"hex\":\"";
    for (const char byte : bytes.data) {
      const auto bits = static_cast<unsigned char>(byte);
      text.push_back(kHex[bits >> 4]);
      text.push_back(kHex[bits & 15]);
    }
    return text + "\"}";
  }
};

}  // namespace

std::string LedgerLine(std::string_view machine, const SeriesId& series, int64_t ts_ms,
                       const Value& value) {
  return "{\"machine\":" + Quoted(machine) + ",\"series\":" + Quoted(ToString(series)) +
         ",\"ts_ms\":" + std::to_string(ts_ms) + ",\"value\":" + std::visit(ValueText{}, value) +
         "}";
}

}  // namespace haidang
