#include "tests/server/schema.h"

#include <algorithm>
#include <set>

namespace haidang::testing {
namespace {

using nlohmann::json;

bool IsOfType(const json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

std::string ObjectMismatch(const json& document, const json& schema, const json& value,
                           const std::string& where) {
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name)) return where + ": lacks " + name.get<std::string>();
  }
  const json properties = schema.value("properties", json::object());
  for (const auto& [name, item] : value.items()) {
    const std::string at = where + "." + name;
    json rule = properties.value(name, json());
    if (rule.is_null()) rule = schema.value("additionalProperties", json(true));
    if (rule.is_boolean()) {
      if (!rule.get<bool>()) return at + ": is not described";
      continue;
    }
    if (std::string fault = Mismatch(document, rule, item, at); !fault.empty()) return fault;
  }
  return "";
}

}  // namespace

std::string Mismatch(const json& document, const json& schema, const json& value,
                     const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string target = schema["$ref"].get<std::string>().substr(1);
    return Mismatch(document, document.at(json::json_pointer(target)), value, where);
  }
  static const std::set<std::string> known{
      "type",  "enum",  "required",    "properties", "additionalProperties",
      "items", "anyOf", "description", "minimum",    "maxLength"};
  for (const auto& [keyword, content] : schema.items()) {
    if (!known.contains(keyword)) return where + ": the test does not know \"" + keyword + "\"";
  }
  if (schema.contains("anyOf")) {
    std::string faults;
    for (const json& choice : schema["anyOf"]) {
      const std::string fault = Mismatch(document, choice, value, where);
      if (fault.empty()) return "";
      faults += fault + "; ";
    }
    return faults;
  }
  if (schema.contains("type")) {
    const json& type = schema["type"];
    const json types = type.is_array() ? type : json::array({type});
    const bool fits = std::any_of(types.begin(), types.end(), [&](const json& name) {
      return IsOfType(value, name.get<std::string>());
    });
    if (!fits) return where + ": is " + value.type_name() + ", not " + types.dump();
  }
  if (schema.contains("enum")) {
    const json& all = schema["enum"];
    if (std::find(all.begin(), all.end(), value) == all.end()) {
      return where + ": " + value.dump() + " is none of " + all.dump();
    }
  }
  if (value.is_object()) return ObjectMismatch(document, schema, value, where);
  if (value.is_array() && schema.contains("items")) {
    for (size_t i = 0; i < value.size(); ++i) {
      const std::string at = where + "[" + std::to_string(i) + "]";
      std::string fault = Mismatch(document, schema["items"], value[i], at);
      if (!fault.empty()) return fault;
    }
  }
  return "";
}

}  // namespace haidang::testing
