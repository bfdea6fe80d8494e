#include <cstdio>
#include <string>

#include "core/catalogue.h"

// `haidang-metrics-doc` prints docs/metrics.md from the catalogue.
namespace haidang {
namespace {

constexpr char kHead[] =
    "# Metrics\n"
    "\n"
    "<!-- Written by haidang-metrics-doc from core/catalogue*.cc: change it there. -->\n"
    "\n"
    "Every metric that Hải Đăng's programs know. Those that node_exporter and blackbox_exporter "
    "have too\n"
    "have their names, units, labels and meaning. On reading and exporting, `instance` (machine), "
    "`site`,\n"
    "`site_name` and `class` are joined to what an agent sends. *Source* is the agent's source "
    "that reads\n"
    "it; `collector` and `server` are own metrics of those programs. What differs from "
    "node_exporter, and\n"
    "why: [what differs](metrics-differences.md).\n";

std::string DataTypeName(DataType type) {
  switch (type) {
    case DataType::kInt64:
      return "Int64";
    case DataType::kUInt64:
      return "UInt64";
    case DataType::kDouble:
      return "Double";
    case DataType::kBoolean:
      return "Boolean";
    case DataType::kString:
      return "String";
    case DataType::kBytes:
      return "Bytes";
  }
  return "";
}

std::string CodeList(std::string_view names) {
  std::string out;
  while (!names.empty()) {
    const size_t comma = names.find(',');
    out += (out.empty() ? "`" : ", `") + std::string(names.substr(0, comma)) + "`";
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return out.empty() ? "–" : out;
}

std::string Row(const MetricInfo& row) {
  return "\n## `" + std::string(row.name) + "`\n\n" + std::string(row.help_vi) + "  \n" +
         std::string(row.help_en) + "\n\n" + "Type " + std::string(ToString(row.type)) +
         (row.unit.empty() ? "" : ", " + std::string(row.unit)) + "; on the wire " +
         DataTypeName(row.datatype) + "; labels " + CodeList(row.labels) + "; source " +
         CodeList(row.source) + ".\n";
}

}  // namespace
}  // namespace haidang

int main() {
  std::fputs(haidang::kHead, stdout);
  for (const haidang::MetricInfo& row : haidang::Catalogue()) {
    std::fputs(haidang::Row(row).c_str(), stdout);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
