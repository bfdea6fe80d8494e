#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/store/query/match.h"
#include "core/io/http/request.h"
#include "core/sample.h"

namespace haidang::collector {

// Reads a question's parameters by name and kind; the first fault stays. Their names were judged
// before (http::NamesFault). Must not outlive the request.
class QueryParameters {
 public:
  explicit QueryParameters(const http::Request& request) : request_(request) {}

  std::string Text(const std::string& name);
  std::optional<int64_t> Integer(const std::string& name, bool required);
  // Nothing where it is absent; a fault where it is not within [least, most].
  std::optional<double> Number(const std::string& name, double least, double most);
  // A time: milliseconds since 1970, not beyond 2^53.
  int64_t Time(const std::string& name);
  // [from, to]; of at most query::kMaxRangeMs where not `long_ones`.
  std::pair<int64_t, int64_t> Range(bool long_ones = false);
  // match=<matcher>, any number of times.
  std::vector<store::Matcher> Matchers();
  // label.<name>=<value>, each name once.
  Labels Wanted();

  // Records a fault of the caller's own.
  void Fault(const std::string& name, std::string_view what);
  // What is wrong; "" where nothing is.
  const std::string& fault() const { return fault_; }

 private:
  const http::Request& request_;
  std::string fault_;
};

}  // namespace haidang::collector
