#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace haidang::testing {

// Holds `value` against a JSON schema (the part of 2020-12 that server/openapi.json uses: $ref,
// type, enum, required, properties, additionalProperties, items, anyOf; another keyword is a
// fault). "" where it fits, else what does not and where.
std::string Mismatch(const nlohmann::json& document, const nlohmann::json& schema,
                     const nlohmann::json& value, const std::string& where = "$");

}  // namespace haidang::testing
