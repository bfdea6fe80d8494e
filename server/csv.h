#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::server {

struct CsvRow {
  size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

struct CsvLimits {
  size_t max_bytes = 16U << 20;
  size_t max_rows = 100'000;
  size_t max_fields = 32;
  size_t max_field_bytes = 1024;
};

// RFC 4180, UTF-8 with or without byte-order mark, LF or CRLF; empty lines are skipped. An Error
// says the line: a quote that never closes, bytes that are no UTF-8, control characters, sizes
// above the limits.
Result<std::vector<CsvRow>> ParseCsv(std::string_view text, const CsvLimits& limits = {});

// The whole file, or an Error; above `max_bytes` is refused without reading on.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace haidang::server
