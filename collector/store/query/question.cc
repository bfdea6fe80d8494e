#include "collector/store/query/question.h"

#include <array>
#include <utility>

namespace haidang::store {
namespace {

template <typename T, size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;

constexpr Words<Function, 11> kFunctions = {{{"last", Function::kLast},
                                             {"first", Function::kFirst},
                                             {"min", Function::kMin},
                                             {"max", Function::kMax},
                                             {"avg", Function::kAvg},
                                             {"sum", Function::kSum},
                                             {"count", Function::kCount},
                                             {"increase", Function::kIncrease},
                                             {"rate", Function::kRate},
                                             {"quantile", Function::kQuantile},
                                             {"below", Function::kBelow}}};
constexpr Words<Combine, 6> kCombines = {{{"none", Combine::kNone},
                                          {"sum", Combine::kSum},
                                          {"avg", Combine::kAvg},
                                          {"min", Combine::kMin},
                                          {"max", Combine::kMax},
                                          {"count", Combine::kCount}}};
constexpr Words<Source, 4> kSources = {{{"auto", Source::kAuto},
                                        {"batches", Source::kBatches},
                                        {"5m", Source::kFiveMinutes},
                                        {"1h", Source::kHour}}};

template <typename T, size_t N>
std::optional<T> Parse(const Words<T, N>& words, std::string_view word) {
  for (const auto& [known, value] : words) {
    if (known == word) return value;
  }
  return std::nullopt;
}

template <typename T, size_t N>
std::string_view Word(const Words<T, N>& words, T value) {
  for (const auto& [known, meant] : words) {
    if (meant == value) return known;
  }
  return "";
}

}  // namespace

std::optional<Function> ParseFunction(std::string_view word) { return Parse(kFunctions, word); }
std::optional<Combine> ParseCombine(std::string_view word) { return Parse(kCombines, word); }
std::optional<Source> ParseSource(std::string_view word) { return Parse(kSources, word); }
std::string_view ToString(Function function) { return Word(kFunctions, function); }
std::string_view ToString(Source source) { return Word(kSources, source); }

}  // namespace haidang::store
