#include "core/catalogue.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "core/catalogue_rows.h"

using namespace haidang;

namespace {

// "a,b" as a, b.
std::vector<std::string> ListOf(std::string_view text) {
  std::vector<std::string> list;
  std::string one;
  for (const char c : std::string(text) + ",") {
    if (c != ',') {
      one += c;
    } else if (!one.empty()) {
      list.push_back(std::move(one));
      one.clear();
    }
  }
  return list;
}

bool IsName(std::string_view name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
         });
}

}  // namespace

TEST_CASE("rows are sorted, unique and found by name") {
  const auto all = Catalogue();
  REQUIRE(all.size() > 60);
  for (size_t i = 1; i < all.size(); ++i) {
    INFO(all[i].name);
    CHECK(all[i - 1].name < all[i].name);
  }
  for (const MetricInfo& row : all) CHECK(FindMetric(row.name) == &row);
  CHECK(FindMetric("") == nullptr);
  CHECK(FindMetric("node_load") == nullptr);
  CHECK(FindMetric("zzz") == nullptr);
  CHECK(all.size() == catalogue::NodeMetrics().size() + catalogue::KernelMetrics().size() +
                          catalogue::NetworkMetrics().size() + catalogue::HardwareMetrics().size() +
                          catalogue::CheckMetrics().size() + catalogue::ProbeMetrics().size() +
                          catalogue::ProgramMetrics().size() + catalogue::CentralMetrics().size());
}

TEST_CASE("names, labels, units and helps follow Prometheus' conventions") {
  const std::set<std::string_view> units = {"", "seconds", "bytes", "ratio", "celsius", "hertz"};
  for (const MetricInfo& row : Catalogue()) {
    INFO(row.name);
    CHECK(IsName(row.name));
    // Names that node_exporter makes of the kernel's own.
    if (!row.name.starts_with("node_netstat_") && !row.name.starts_with("node_vmstat_")) {
      CHECK((row.type == MetricType::kCounter) == row.name.ends_with("_total"));
    }
    // Own histograms of collector and server never travel on the wire.
    const bool central = row.source == "collector" || row.source == "server";
    if (!central) {
      CHECK((row.type == MetricType::kHistogram) == (row.datatype == DataType::kBytes));
    }
    CHECK(units.contains(row.unit));
    if (row.unit == "bytes" || row.unit == "seconds") {
      const bool blackbox_name =
          row.name == "probe_ssl_earliest_cert_expiry" || row.name == "probe_http_content_length";
      CHECK((blackbox_name || row.name.find(row.unit) != std::string_view::npos));
    }
    const auto labels = ListOf(row.labels);
    CHECK(std::is_sorted(labels.begin(), labels.end()));
    CHECK(std::set(labels.begin(), labels.end()).size() == labels.size());
    for (const std::string& label : labels) {
      CHECK(IsName(label));
      // These are joined on reading, or by Prometheus.
      for (const char* taken : {"instance", "site", "site_name", "class", "le", "job"}) {
        CHECK(label != taken);
      }
    }
    for (const std::string& source : ListOf(row.source)) {
      CHECK(IsName(source));
      CHECK(IsReadBy(row, source));
    }
    CHECK_FALSE(IsReadBy(row, ""));
    CHECK_FALSE(IsReadBy(row, row.source.substr(1)));
    for (const std::string_view help : {row.help_vi, row.help_en}) {
      CHECK(help.size() > 10);
      CHECK(help.ends_with("."));
      CHECK(help.find('\n') == std::string_view::npos);
    }
    CHECK(row.help_vi != row.help_en);
  }
}

TEST_CASE("types have Prometheus' names") {
  CHECK(ToString(MetricType::kGauge) == "gauge");
  CHECK(ToString(MetricType::kCounter) == "counter");
  CHECK(ToString(MetricType::kHistogram) == "histogram");
}
