#include "server/csv.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "core/utf8.h"

namespace haidang::server {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Walks the text once; `position_` and `line_` always stand at the next byte to read.
class CsvReader {
 public:
  CsvReader(std::string_view text, const CsvLimits& limits) : text_(text), limits_(limits) {}

  Result<std::vector<CsvRow>> Read() {
    std::vector<CsvRow> rows;
    while (position_ < text_.size()) {
      CsvRow row{line_, {}};
      if (Status read = ReadRow(row); !read) return read.error();
      if (row.fields.size() == 1 && row.fields[0].empty()) continue;
      if (rows.size() == limits_.max_rows) {
        return Fault("more than " + std::to_string(limits_.max_rows) + " rows");
      }
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Error Fault(const std::string& what) const { return AtLine(line_, what); }

  Status ReadRow(CsvRow& row) {
    while (true) {
      if (row.fields.size() == limits_.max_fields) {
        return Fault("more than " + std::to_string(limits_.max_fields) + " fields");
      }
      std::string field;
      const bool quoted = position_ < text_.size() && text_[position_] == '"';
      if (Status read = quoted ? ReadQuoted(field) : ReadPlain(field); !read) return read;
      row.fields.push_back(std::move(field));
      if (position_ == text_.size()) return {};
      const char end = text_[position_++];
      if (end == ',') continue;
      if (end == '\r' && position_ < text_.size() && text_[position_] == '\n') ++position_;
      ++line_;
      return {};
    }
  }

  Status Append(std::string& field, char c) {
    if (field.size() == limits_.max_field_bytes) {
      return Fault("a field above " + std::to_string(limits_.max_field_bytes) + " bytes");
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return Fault("a control character in a field");
    }
    field.push_back(c);
    return {};
  }

  Status ReadPlain(std::string& field) {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == ',' || c == '\n' || c == '\r') return {};
      if (c == '"') return Fault("a quote within a field that does not begin with one");
      if (Status put = Append(field, c); !put) return put;
      ++position_;
    }
    return {};
  }

  Status ReadQuoted(std::string& field) {
    ++position_;
    while (position_ < text_.size()) {
      const char c = text_[position_++];
      if (c == '"') {
        const bool doubled = position_ < text_.size() && text_[position_] == '"';
        if (!doubled) return AfterQuote();
        ++position_;
      }
      if (Status put = Append(field, c); !put) return put;
    }
    return Fault("a quote that never closes");
  }

  Status AfterQuote() {
    if (position_ == text_.size()) return {};
    const char c = text_[position_];
    if (c == ',' || c == '\n' || c == '\r') return {};
    return Fault("text after a closing quote");
  }

  std::string_view text_;
  const CsvLimits& limits_;
  size_t position_ = 0;
  size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> ParseCsv(std::string_view text, const CsvLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error{"larger than " + std::to_string(limits.max_bytes) + " bytes"};
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!IsUtf8(text)) return Error{"not UTF-8 text; save it as UTF-8"};
  return CsvReader(text, limits).Read();
}

Result<CsvColumns> CsvColumns::Find(const CsvRow& header, const std::vector<std::string>& wanted) {
  CsvColumns columns;
  for (size_t i = 0; i < header.fields.size(); ++i) {
    if (!columns.place_.emplace(header.fields[i], i).second) {
      return AtLine(header.line, "the column \"" + header.fields[i] + "\" twice");
    }
  }
  for (const std::string& name : wanted) {
    if (!columns.Has(name)) return AtLine(header.line, "the column \"" + name + "\" is missing");
  }
  return columns;
}

std::string CsvColumns::Get(const CsvRow& row, const std::string& name) const {
  const auto it = place_.find(name);
  if (it == place_.end() || it->second >= row.fields.size()) return "";
  return row.fields[it->second];
}

Result<CsvTable> ParseTable(std::string_view text, const std::vector<std::string>& wanted,
                            const CsvLimits& limits) {
  Result<std::vector<CsvRow>> rows = ParseCsv(text, limits);
  if (!rows) return rows.error();
  if (rows->empty()) return Error{"empty; the first line must name the columns"};
  const CsvRow header = std::move(rows->front());
  rows->erase(rows->begin());
  Result<CsvColumns> columns = CsvColumns::Find(header, wanted);
  if (!columns) return columns.error();
  for (const CsvRow& row : *rows) {
    if (row.fields.size() > header.fields.size()) {
      return AtLine(row.line, "more fields than columns");
    }
  }
  return CsvTable{std::move(*columns), std::move(*rows)};
}

Error AtLine(size_t line, const std::string& what) {
  return Error{"line " + std::to_string(line) + ": " + what};
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return Error{path + ": cannot be opened: " + std::strerror(errno)};
  std::string text;
  char buffer[16384];
  size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof(buffer), file.get())) > 0) {
    if (text.size() + got > max_bytes) {
      return Error{path + ": larger than " + std::to_string(max_bytes) + " bytes"};
    }
    text.append(buffer, got);
  }
  if (std::ferror(file.get()) != 0) {
    return Error{path + ": cannot be read: " + std::strerror(errno)};
  }
  return text;
}

}  // namespace haidang::server
