#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/result.h"

namespace haidang::onestop {

struct PressOptions {
  std::string url;      // "https://127.0.0.1:8443": scheme, host and port only
  std::string ca_file;  // PEM; empty: the server's certificate is not checked
  std::string query = "nguyen thi";
  int people = 10;  // who search at once, each again as soon as the answer came
  std::chrono::milliseconds duration{10000};
};

struct PressResult {
  int64_t requests = 0;
  int64_t failures = 0;  // no answer, or not 200
  double median_seconds = 0;
  double p95_seconds = 0;
};

// People who search at once for a while. Blocks for `duration`.
Result<PressResult> Press(const PressOptions& options);

// One JSON object.
std::string ToJson(const PressResult& result);

}  // namespace haidang::onestop
