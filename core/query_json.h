#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// How core/query.cc reads and writes JSON. Include it in .cc files only: it pulls in the parser.
namespace haidang::query {

// Parses text that must be one JSON object of at most `max_bytes` and a nesting of at most 16.
Result<nlohmann::json> ParseJsonObject(std::string_view text, size_t max_bytes);

// Compact; bytes that are no UTF-8 become U+FFFD.
std::string DumpJson(const nlohmann::json& value);

// Leaves `key` out where there is no value (or no finite one): absent means unknown.
void PutOptional(nlohmann::json& out, const char* key, const std::optional<bool>& value);
void PutOptional(nlohmann::json& out, const char* key, const std::optional<int64_t>& value);
void PutOptional(nlohmann::json& out, const char* key, const std::optional<double>& value);

// Takes an object apart by key and type. Keys that nobody asks for are ignored, so that either side
// may be newer. The first fault stands in `*fault`; after it every answer is a default.
class JsonReader {
 public:
  // `object` and `fault` must outlive the reader; `path` is for messages.
  JsonReader(const nlohmann::json& object, std::string path, std::optional<Error>* fault);

  std::string Text(const char* key);
  std::string TextOr(const char* key, std::string fallback);
  int64_t Int(const char* key);
  std::optional<int64_t> OptionalInt(const char* key);
  bool Bool(const char* key);
  std::optional<bool> OptionalBool(const char* key);
  std::optional<double> OptionalNumber(const char* key);  // finite
  std::map<std::string, double> Numbers(const char* key);
  std::map<std::string, std::string> Words(const char* key);

  std::vector<std::string> Texts(const char* key);

  // The array at `key`, of anything; null where it is absent. It lives as long as the document.
  const nlohmann::json* Array(const char* key);

  // The object at `key`, a default where it is absent.
  template <typename T, typename Read>
  T Object(const char* key, Read read) {
    const nlohmann::json* value = Find(key, nlohmann::json::value_t::object, "an object");
    if (value == nullptr) return T{};
    JsonReader reader(*value, path_ + "." + key, fault_);
    return read(reader);
  }

  // The array of objects at `key`, empty where it is absent.
  template <typename T, typename Read>
  std::vector<T> List(const char* key, Read read) {
    std::vector<T> list;
    const nlohmann::json* array = Find(key, nlohmann::json::value_t::array, "an array");
    if (array == nullptr) return list;
    list.reserve(array->size());
    for (const nlohmann::json& item : *array) {
      JsonReader reader(item, path_ + "." + key + "[" + std::to_string(list.size()) + "]", fault_);
      list.push_back(read(reader));
      if (fault_->has_value()) break;
    }
    return list;
  }

  void Fault(const char* key, std::string_view what);

 private:
  // Null where the key is absent or null; a fault where its type is another.
  const nlohmann::json* Find(const char* key);
  const nlohmann::json* Find(const char* key, nlohmann::json::value_t type, const char* what);

  const nlohmann::json& object_;
  std::string path_;
  std::optional<Error>* fault_;
};

}  // namespace haidang::query
