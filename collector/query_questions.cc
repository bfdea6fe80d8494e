#include "collector/query_questions.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "collector/query_parameters.h"
#include "core/io/http/parameters.h"

namespace haidang::collector {
namespace {

constexpr double kMostOrdered = 1000;  // of the largest or smallest

// The word's meaning, its default where it is absent.
template <typename T>
T Word(QueryParameters& parameters, const http::Request& request, const std::string& name,
       std::optional<T> (*parse)(std::string_view), T otherwise, const char* allowed) {
  if (!request.params.contains(name)) return otherwise;
  const auto meant = parse(request.Param(name));
  if (!meant) parameters.Fault(name, std::string("is no such word; allowed: ") + allowed);
  return meant.value_or(otherwise);
}

// Labels, parted by commas.
std::vector<std::string> By(QueryParameters& parameters, const http::Request& request) {
  std::vector<std::string> labels;
  if (!request.params.contains("by")) return labels;
  const std::string text = request.Param("by");
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string label = text.substr(begin, end - begin);
    begin = end + 1;
    if (!store::IsLabelName(label)) {
      parameters.Fault("by", "is no list of labels; allowed: LABEL,LABEL");
      return {};
    }
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) continue;
    labels.push_back(std::move(label));
    if (labels.size() > store::kMaxBy) {
      parameters.Fault("by", "names too many labels; allowed: 16");
      return {};
    }
  }
  return labels;
}

}  // namespace

Result<store::RangeQuestion> ParseRangeQuestion(const http::Request& request) {
  const std::string names = http::NamesFault(
      request, {"metric", "from", "to", "step", "function", "q", "le", "combine", "by", "level"},
      {"match"});
  if (!names.empty()) return Error{names};
  QueryParameters parameters(request);
  store::RangeQuestion question;
  question.metric = parameters.Text("metric");
  std::tie(question.from_ms, question.to_ms) = parameters.Range(true);
  question.step_ms = parameters.Integer("step", false);
  question.function =
      Word(parameters, request, "function", store::ParseFunction, store::Function::kLast,
           "last, first, min, max, avg, sum, count, increase, rate, quantile, below");
  const auto q = parameters.Number("q", 0, 1);
  const bool quantile = question.function == store::Function::kQuantile;
  if (quantile && !q) parameters.Fault("q", "is missing: which quantile, within [0, 1]");
  if (!quantile && q) parameters.Fault("q", "belongs to function=quantile");
  const auto le = parameters.Number("le", 0, std::numeric_limits<double>::max());
  const bool below = question.function == store::Function::kBelow;
  if (below && !le) parameters.Fault("le", "is missing: at or below which value");
  if (!below && le) parameters.Fault("le", "belongs to function=below");
  question.q = q.value_or(le.value_or(0));
  question.combine = Word(parameters, request, "combine", store::ParseCombine,
                          store::Combine::kNone, "none, sum, avg, min, max, count");
  question.by = By(parameters, request);
  if (!question.by.empty() && question.combine == store::Combine::kNone) {
    parameters.Fault("by", "belongs to combine");
  }
  question.source = Word(parameters, request, "level", store::ParseSource, store::Source::kAuto,
                         "auto, batches, 5m, 1h");
  question.matchers = parameters.Matchers();
  if (!parameters.fault().empty()) return Error{parameters.fault()};
  return question;
}

Result<store::LastQuestion> ParseLastQuestion(const http::Request& request) {
  const std::string names = http::NamesFault(request, {"metric", "at", "back"}, {"match"});
  if (!names.empty()) return Error{names};
  QueryParameters parameters(request);
  store::LastQuestion question;
  question.metric = parameters.Text("metric");
  question.at_ms = parameters.Time("at");
  question.back_ms = parameters.Integer("back", false).value_or(question.back_ms);
  if (question.back_ms < 0) parameters.Fault("back", "is below 0");
  question.matchers = parameters.Matchers();
  if (!parameters.fault().empty()) return Error{parameters.fault()};
  return question;
}

Result<InstantQuestion> ParseInstantQuestion(const http::Request& request) {
  const std::string names =
      http::NamesFault(request, {"metric", "over", "largest", "smallest"}, {"match"});
  if (!names.empty()) return Error{names};
  QueryParameters parameters(request);
  InstantQuestion question;
  question.metric = parameters.Text("metric");
  if (request.params.contains("over")) question.over = parameters.Text("over");
  const auto largest = parameters.Number("largest", 1, kMostOrdered);
  const auto smallest = parameters.Number("smallest", 1, kMostOrdered);
  if (largest && smallest) parameters.Fault("smallest", "excludes largest; ask twice");
  if (largest) question.largest = static_cast<size_t>(*largest);
  if (smallest) question.smallest = static_cast<size_t>(*smallest);
  question.matchers = parameters.Matchers();
  if (!parameters.fault().empty()) return Error{parameters.fault()};
  return question;
}

}  // namespace haidang::collector
