#pragma once

#include <map>
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

// Where each column stands in the header line.
class CsvColumns {
 public:
  // An Error says that a column stands there twice, or that one of `wanted` does not.
  static Result<CsvColumns> Find(const CsvRow& header, const std::vector<std::string>& wanted);

  bool Has(const std::string& name) const { return place_.contains(name); }
  // Empty where the row has fewer fields or there is no such column.
  std::string Get(const CsvRow& row, const std::string& name) const;

 private:
  std::map<std::string, size_t> place_;
};

// Rows below a header line, which may name further columns.
struct CsvTable {
  CsvColumns columns;
  std::vector<CsvRow> rows;  // none has more fields than there are columns
};

// As ParseCsv; the first line must name the columns, `wanted` among them.
Result<CsvTable> ParseTable(std::string_view text, const std::vector<std::string>& wanted,
                            const CsvLimits& limits = {});

// An Error that names the line.
Error AtLine(size_t line, const std::string& what);

// The whole file, or an Error; above `max_bytes` is refused without reading on.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace haidang::server
