#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

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
  // [from, to] of at most query::kMaxRangeMs.
  std::pair<int64_t, int64_t> Range();
  // label.<name>=<value>, each name once.
  Labels Wanted();

  // Records a fault of the caller's own.
  void Fault(const std::string& name, const char* what);
  // What is wrong; "" where nothing is.
  const std::string& fault() const { return fault_; }

 private:
  const http::Request& request_;
  std::string fault_;
};

}  // namespace haidang::collector
