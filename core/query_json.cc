#include "core/query_json.h"

#include <cmath>
#include <limits>

namespace haidang::query {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;

bool TooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::optional<int64_t> ToInt(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  return std::nullopt;
}

template <typename T>
void Put(json& out, const char* key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

}  // namespace

Result<json> ParseJsonObject(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Error{std::to_string(text.size()) + " bytes of JSON are above the limit of " +
                 std::to_string(max_bytes)};
  }
  if (TooDeep(text)) return Error{"JSON is nested too deeply"};
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return Error{"not valid JSON"};
  if (!document.is_object()) return Error{"not a JSON object"};
  return document;
}

std::string DumpJson(const json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

void PutOptional(json& out, const char* key, const std::optional<bool>& value) {
  Put(out, key, value);
}
void PutOptional(json& out, const char* key, const std::optional<int64_t>& value) {
  Put(out, key, value);
}
void PutOptional(json& out, const char* key, const std::optional<double>& value) {
  if (value && std::isfinite(*value)) out[key] = *value;
}

JsonReader::JsonReader(const json& object, std::string path, std::optional<Error>* fault)
    : object_(object), path_(std::move(path)), fault_(fault) {
  if (!object_.is_object() && !fault_->has_value()) *fault_ = Error{path_ + ": not an object"};
}

void JsonReader::Fault(const char* key, std::string_view what) {
  if (!fault_->has_value()) *fault_ = Error{path_ + "." + key + ": " + std::string(what)};
}

const json* JsonReader::Find(const char* key) {
  if (!object_.is_object()) return nullptr;
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

const json* JsonReader::Find(const char* key, json::value_t type, const char* what) {
  const json* value = Find(key);
  if (value == nullptr || value->type() == type) return value;
  Fault(key, std::string("must be ") + what);
  return nullptr;
}

std::string JsonReader::Text(const char* key) {
  if (const json* value = Find(key, json::value_t::string, "text")) {
    return value->get<std::string>();
  }
  Fault(key, "is missing");
  return "";
}

std::string JsonReader::TextOr(const char* key, std::string fallback) {
  const json* value = Find(key, json::value_t::string, "text");
  return value != nullptr ? value->get<std::string>() : std::move(fallback);
}

std::optional<int64_t> JsonReader::OptionalInt(const char* key) {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = ToInt(*value);
  if (!number) Fault(key, "must be an integer of 64 bits");
  return number;
}

int64_t JsonReader::Int(const char* key) {
  const auto number = OptionalInt(key);
  if (!number) Fault(key, "is missing");
  return number.value_or(0);
}

std::optional<bool> JsonReader::OptionalBool(const char* key) {
  const json* value = Find(key, json::value_t::boolean, "true or false");
  if (value == nullptr) return std::nullopt;
  return value->get<bool>();
}

bool JsonReader::Bool(const char* key) {
  const auto value = OptionalBool(key);
  if (!value) Fault(key, "is missing");
  return value.value_or(false);
}

std::optional<double> JsonReader::OptionalNumber(const char* key) {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    Fault(key, "must be a finite number");
    return std::nullopt;
  }
  return value->get<double>();
}

const json* JsonReader::Array(const char* key) {
  return Find(key, json::value_t::array, "an array");
}

std::map<std::string, double> JsonReader::Numbers(const char* key) {
  std::map<std::string, double> out;
  const json* value = Find(key, json::value_t::object, "an object of numbers");
  if (value == nullptr) return out;
  for (const auto& [name, number] : value->items()) {
    if (!number.is_number()) {
      Fault(key, "must be an object of numbers");
      break;
    }
    out.emplace(name, number.get<double>());
  }
  return out;
}

std::map<std::string, std::string> JsonReader::Words(const char* key) {
  std::map<std::string, std::string> out;
  const json* value = Find(key, json::value_t::object, "an object of texts");
  if (value == nullptr) return out;
  for (const auto& [name, word] : value->items()) {
    if (!word.is_string()) {
      Fault(key, "must be an object of texts");
      break;
    }
    out.emplace(name, word.get<std::string>());
  }
  return out;
}

std::vector<std::string> JsonReader::Texts(const char* key) {
  std::vector<std::string> out;
  const json* value = Find(key, json::value_t::array, "an array of texts");
  if (value == nullptr) return out;
  for (const json& text : *value) {
    if (!text.is_string()) {
      Fault(key, "must be an array of texts");
      break;
    }
    out.push_back(text.get<std::string>());
  }
  return out;
}

}  // namespace haidang::query
