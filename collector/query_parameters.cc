#include "collector/query_parameters.h"

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

std::pair<int64_t, int64_t> QueryParameters::Range() {
  const auto from = Integer("from", true), to = Integer("to", true);
  if (!from || !to) return {0, 0};
  if (*from < 0) {
    Fault("from", "is below 0");
  } else if (*to < *from) {
    Fault("to", "is before from");
  } else if (*to > kLatestMs) {
    Fault("to", "is beyond all time");
  } else if (*to - *from > query::kMaxRangeMs) {
    Fault("from", "is more than 31 days before to");
  }
  return {*from, *to};
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

void QueryParameters::Fault(const std::string& name, const char* what) {
  if (fault_.empty()) fault_ = name + " " + what;
}

}  // namespace haidang::collector
