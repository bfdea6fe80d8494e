#include "collector/store/json.h"

#include <nlohmann/json.hpp>

namespace haidang::store {
namespace {

using Json = nlohmann::json;

template <typename Map>
std::string Encode(const Map& map) {
  Json object = Json::object();
  for (const auto& [key, value] : map) object[key] = value;
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename Map>
Map Decode(std::string_view text) {
  Map map;
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) return map;
  using Content = typename Map::mapped_type;
  for (const auto& [key, value] : object.items()) {
    if constexpr (std::is_same_v<Content, double>) {
      if (value.is_number()) map.emplace(key, value.template get<double>());
    } else {
      if (value.is_string()) map.emplace(key, value.template get<std::string>());
    }
  }
  return map;
}

}  // namespace

std::string EncodeLabels(const Labels& labels) { return Encode(labels); }
Labels DecodeLabels(std::string_view json) { return Decode<Labels>(json); }

std::string EncodeNumbers(const std::map<std::string, double>& numbers) { return Encode(numbers); }
std::map<std::string, double> DecodeNumbers(std::string_view json) {
  return Decode<std::map<std::string, double>>(json);
}

std::string EncodeWords(const std::map<std::string, std::string>& words) { return Encode(words); }
std::map<std::string, std::string> DecodeWords(std::string_view json) {
  return Decode<std::map<std::string, std::string>>(json);
}

}  // namespace haidang::store
