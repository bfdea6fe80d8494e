#include "collector/query_parameters.h"

#include <fmt/format.h>

#include <charconv>

#include "core/query.h"

namespace haidang::collector {
namespace {

constexpr size_t kMaxName = 1024;  // bytes
constexpr size_t kMaxLabels = 32;
constexpr std::string_view kLabel = "label.";
constexpr int64_t kLatestMs = int64_t{1} << 53;

}  // namespace

std::string QueryParameters::Text(const std::string& name) {
  const std::string text = request_.Param(name);
  if (!request_.params.contains(name)) {
    Fault(name, "is missing");
  } else if (text.empty()) {
    Fault(name, "is empty");
  } else if (text.size() > kMaxName) {
    Fault(name, "is too long; allowed: 1024 bytes");
  }
  return text;
}

std::optional<int64_t> QueryParameters::Integer(const std::string& name, bool required) {
  if (!request_.params.contains(name)) {
    if (required) Fault(name, "is missing");
    return std::nullopt;
  }
  const std::string text = request_.Param(name);
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc() && end == text.data() + text.size()) return value;
  Fault(name, "is not an integer of milliseconds");
  return std::nullopt;
}

std::optional<double> QueryParameters::Number(const std::string& name, double least, double most) {
  if (!request_.params.contains(name)) return std::nullopt;
  const std::string text = request_.Param(name);
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = fault == std::errc() && end == text.data() + text.size();
  if (whole && value >= least && value <= most) return value;
  Fault(name, "is no number within [" + fmt::format("{}, {}", least, most) + "]");
  return std::nullopt;
}

int64_t QueryParameters::Time(const std::string& name) {
  const auto time = Integer(name, true);
  if (!time) return 0;
  if (*time < 0) Fault(name, "is below 0");
  if (*time > kLatestMs) Fault(name, "is beyond all time");
  return *time;
}

std::pair<int64_t, int64_t> QueryParameters::Range(bool long_ones) {
  const int64_t from = Time("from"), to = Time("to");
  if (!fault_.empty()) return {0, 0};
  if (to < from) {
    Fault("to", "is before from");
  } else if (!long_ones && to - from > query::kMaxRangeMs) {
    Fault("from", "is more than 31 days before to");
  }
  return {from, to};
}

std::vector<store::Matcher> QueryParameters::Matchers() {
  std::vector<store::Matcher> matchers;
  const auto [begin, end] = request_.params.equal_range("match");
  for (auto it = begin; it != end; ++it) {
    auto matcher = store::ParseMatcher(it->second);
    if (!matcher) {
      Fault("match", matcher.error().message);
      return {};
    }
    matchers.push_back(std::move(*matcher));
    if (matchers.size() > store::kMaxMatchers) {
      Fault("match", "is given too often; allowed: 32 times");
      return {};
    }
  }
  return matchers;
}

Labels QueryParameters::Wanted() {
  Labels labels;
  for (const auto& [name, value] : request_.params) {
    if (!name.starts_with(kLabel)) continue;
    if (!labels.emplace(name.substr(kLabel.size()), value).second) {
      Fault(name, "is given more than once");
    }
    if (labels.size() > kMaxLabels) Fault(name, "is one label too many; allowed: 32");
  }
  return labels;
}

void QueryParameters::Fault(const std::string& name, std::string_view what) {
  if (fault_.empty()) fault_.append(name).append(" ").append(what);
}

}  // namespace haidang::collector
