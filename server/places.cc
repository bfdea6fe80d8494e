#include "server/places.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "core/calendar.h"
#include "core/utf8.h"
#include "server/csv.h"

namespace haidang::server {
namespace {

using query::Placement;
using query::Site;

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kVietNamOffsetMs = int64_t{7} * 3600 * 1000;
constexpr size_t kMaxDepth = 32;  // of places; deeper means a mistake

const std::string& Key(const Site& site) { return site.code; }
const std::string& Key(const Placement& placement) { return placement.machine; }

auto Content(const Site& site) { return std::tie(site.name, site.level, site.parent_code); }
auto Content(const Placement& row) { return std::tie(row.site, row.machine_class, row.serves); }

// Reads a file whose rows `take` turns into values; `take` returns an Error without its line.
template <typename Row, typename Take>
Result<PlaceFile<Row>> Read(std::string_view csv, const std::vector<std::string>& wanted,
                            Take take) {
  const Result<CsvTable> table = ParseTable(csv, wanted);
  if (!table) return table.error();
  const CsvColumns& columns = table->columns;
  PlaceFile<Row> file;
  file.dated = columns.Has("valid_from");
  std::map<std::pair<std::string, int64_t>, size_t> lines;
  for (const CsvRow& line : table->rows) {
    Result<Row> row = take(line, columns);
    if (!row) return AtLine(line.line, row.error().message);
    if (const std::string day = columns.Get(line, "valid_from"); !day.empty()) {
      Result<int64_t> from = ParseDay(day);
      if (!from) return AtLine(line.line, "valid_from: " + from.error().message);
      row->valid_from_ms = *from;
    }
    if (const std::string day = columns.Get(line, "valid_to"); file.dated && !day.empty()) {
      Result<int64_t> to = ParseDay(day);
      if (!to) return AtLine(line.line, "valid_to: " + to.error().message);
      if (*to <= row->valid_from_ms) return AtLine(line.line, "valid_to is not after valid_from");
      row->valid_to_ms = *to;
    }
    const auto [first, fresh] = lines.try_emplace({Key(*row), row->valid_from_ms}, line.line);
    if (!fresh) {
      return AtLine(line.line, "\"" + Key(*row) + "\" stands in line " +
                                   std::to_string(first->second) + " too");
    }
    file.rows.push_back(std::move(*row));
  }
  return file;
}

template <typename Row>
void Sort(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(Key(a), a.valid_from_ms) < std::tie(Key(b), b.valid_from_ms);
  });
}

// A row ends where the next of the same key begins, at the latest.
template <typename Row>
void CloseByNext(std::vector<Row>& rows) {
  Sort(rows);
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    if (Key(rows[i]) != Key(rows[i + 1])) continue;
    const int64_t next = rows[i + 1].valid_from_ms;
    rows[i].valid_to_ms = std::min(rows[i].valid_to_ms.value_or(next), next);
  }
}

Status CheckTree(const std::vector<Site>& sites) {
  std::map<std::string_view, std::string_view> parent;
  for (const Site& site : sites) parent[site.code] = site.parent_code;  // the newest row counts
  for (const Site& site : sites) {
    std::string_view at = site.code;
    for (size_t depth = 0;; ++depth) {
      const std::string_view up = parent.at(at);
      if (up.empty()) break;
      if (!parent.contains(up)) {
        return Error{"place \"" + std::string(at) + "\": its parent \"" + std::string(up) +
                     "\" is not in the file"};
      }
      if (depth == kMaxDepth) {
        return Error{"place \"" + site.code + "\" stands within itself, or deeper than " +
                     std::to_string(kMaxDepth) + " levels"};
      }
      at = up;
    }
  }
  return {};
}

template <typename Row>
std::vector<Row> MergeRows(const std::vector<Row>& known, const PlaceFile<Row>& file,
                           int64_t now_ms) {
  if (file.dated) return file.rows;
  std::map<std::string, Row> said;
  for (const Row& row : file.rows) said.emplace(Key(row), row);
  std::vector<Row> merged;
  for (Row row : known) {
    const bool open = !row.valid_to_ms || *row.valid_to_ms > now_ms;
    if (open) {
      const auto it = said.find(Key(row));
      if (it != said.end() && Content(it->second) == Content(row)) {
        row.valid_to_ms.reset();
        said.erase(it);
      } else {
        row.valid_to_ms = now_ms;
      }
    }
    if (!row.valid_to_ms || *row.valid_to_ms > row.valid_from_ms) merged.push_back(std::move(row));
  }
  for (auto& [key, row] : said) {
    row.valid_from_ms = known.empty() ? 0 : now_ms;
    merged.push_back(std::move(row));
  }
  Sort(merged);
  return merged;
}

}  // namespace

Result<PlaceFile<Site>> ParseSites(std::string_view csv) {
  auto file = Read<Site>(csv, {"code", "name", "level", "parent_code"},
                         [](const CsvRow& line, const CsvColumns& columns) -> Result<Site> {
                           Site site;
                           site.code = columns.Get(line, "code");
                           site.name = columns.Get(line, "name");
                           site.level = columns.Get(line, "level");
                           site.parent_code = columns.Get(line, "parent_code");
                           if (site.code.empty()) return Error{"the code is empty"};
                           if (site.code.size() > 64)
                             return Error{"the code is longer than 64 bytes"};
                           if (site.name.empty())
                             return Error{"the name of \"" + site.code + "\" is empty"};
                           return site;
                         });
  if (!file) return file;
  CloseByNext(file->rows);
  if (Status tree = CheckTree(file->rows); !tree) return tree.error();
  return file;
}

namespace {

// "mot-cua;dan-cu-quoc-gia"
Result<std::vector<std::string>> ParseServes(std::string_view text) {
  constexpr size_t kMaxNames = 16;
  constexpr size_t kMaxBytes = 64;
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.empty()) continue;
    if (name.size() > kMaxBytes) return Error{"serves: a name is longer than 64 bytes"};
    if (names.size() == kMaxNames) return Error{"serves: more than 16 names"};
    names.emplace_back(name);
  }
  return names;
}

}  // namespace

Result<PlaceFile<Placement>> ParseInventory(std::string_view csv) {
  auto file =
      Read<Placement>(csv, {"machine", "site", "class"},
                      [](const CsvRow& line, const CsvColumns& columns) -> Result<Placement> {
                        Placement row;
                        row.machine = columns.Get(line, "machine");
                        row.site = columns.Get(line, "site");
                        row.machine_class = columns.Get(line, "class");
                        auto serves = ParseServes(columns.Get(line, "serves"));
                        if (!serves) return serves.error();
                        row.serves = std::move(*serves);
                        if (row.machine.empty()) return Error{"the machine is empty"};
                        if (row.site.empty())
                          return Error{"the site of \"" + row.machine + "\" is empty"};
                        return row;
                      });
  if (file) CloseByNext(file->rows);
  return file;
}

std::vector<Site> Merge(const std::vector<Site>& known, const PlaceFile<Site>& file,
                        int64_t now_ms) {
  return MergeRows(known, file, now_ms);
}

std::vector<Placement> Merge(const std::vector<Placement>& known, const PlaceFile<Placement>& file,
                             int64_t now_ms) {
  return MergeRows(known, file, now_ms);
}

std::vector<Site> ValidAt(const std::vector<Site>& sites, int64_t now_ms) {
  std::vector<Site> valid;
  for (const Site& site : sites) {
    if (site.valid_from_ms <= now_ms && (!site.valid_to_ms || *site.valid_to_ms > now_ms)) {
      valid.push_back(site);
    }
  }
  return valid;
}

Result<int64_t> ParseDay(std::string_view day) {
  const std::optional<int64_t> number = DayNumber(day);
  if (!number) {
    return Error{"\"" + Printable(day, 32) + "\" is no day; write 2025-07-01"};
  }
  return *number * kDayMs - kVietNamOffsetMs;
}

}  // namespace haidang::server
