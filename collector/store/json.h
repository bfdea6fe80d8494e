#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/sample.h"

// The small JSON objects that stand in columns of telemetry.db. What cannot be read comes back
// empty: the rows are our own.
namespace haidang::store {

std::string EncodeLabels(const Labels& labels);
Labels DecodeLabels(std::string_view json);

std::string EncodeNumbers(const std::map<std::string, double>& numbers);
std::map<std::string, double> DecodeNumbers(std::string_view json);

std::string EncodeWords(const std::map<std::string, std::string>& words);
std::map<std::string, std::string> DecodeWords(std::string_view json);

}  // namespace haidang::store
