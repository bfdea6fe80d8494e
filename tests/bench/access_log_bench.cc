// Access logs on one core: lines a second of processor time, read from a file, parsed and counted
// in 16 groups, as the agent does at a tick; and how far the histogram's p95 is from the exact one.

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "agent/sources/access_reader.h"
#include "agent/sources/walk.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

constexpr size_t kLines = 500'000;
constexpr int kRuns = 5;

void Tell(const char* metric, double value, const char* unit) {
  std::printf(
      "{\"bench\":\"access_log\",\"metric\":\"%s\",\"value\":%.4g,\"unit\":\"%s\","
      "\"subject\":\"haidang\"}\n",
      metric, value, unit);
}

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Real lines (HAIDANG_ACCESS_LOG names more of them), each with how long it took behind it.
std::vector<double> WriteLog(const std::string& path) {
  const char* named = std::getenv("HAIDANG_ACCESS_LOG");
  std::ifstream in(named != nullptr ? named : FIXTURES "/access-logs/apache-combined.log");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('"')) lines.push_back(line);
  }
  if (lines.empty()) return {};
  std::ofstream out(path);
  std::mt19937 random(1);
  std::lognormal_distribution<double> took(std::log(0.12), 0.8);
  std::vector<double> seconds;
  for (size_t i = 0; i < kLines; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, " %.3f\n", took(random));
    seconds.push_back(std::atof(text));
    out << lines[i % lines.size()] << text;
  }
  return seconds;
}

AccessLogOptions Options() {
  AccessLogOptions options;
  options.name = "web";
  options.pattern = ParsePattern("/access.log").value();
  options.format =
      AccessFormat::Make(R"($remote_addr - $remote_user [$time_local] "$request" $status )"
                         R"($body_bytes_sent "$http_referer" "$http_user_agent" $request_time)",
                         "auto")
          .value();
  for (int i = 0; i < 14; ++i) {
    const std::string number = std::to_string(i);
    options.groups.push_back({"page " + number, {"/ho-so/" + number + "/*", "*.aspx" + number}});
  }
  options.groups.push_back({"images", {"*.png", "*.jpg", "*.gif"}});
  options.groups.push_back({"all", {"*"}});
  options.volumes.push_back({"web", "presentation", {"/presentations/*"}, {"GET"}});
  return options;
}

Histogram LatencyOf(const AccessReport& report) {
  Histogram all;
  for (const Reading& one : report.readings) {
    if (one.series.metric != "haidang_access_latency_seconds") continue;
    all.Merge(Histogram::Decode(std::get<Bytes>(one.value).data).value());
  }
  return all;
}

}  // namespace

int main() {
  const testing::TempDir dir;
  std::vector<double> seconds = WriteLog(dir / "access.log");
  std::vector<double> rates;
  Histogram latency;
  for (int i = 0; i < kRuns; ++i) {
    AccessReader reader(dir.path() + "/", Options(), "");
    const double begin = ProcessorSeconds();
    const auto report = reader.Run();
    rates.push_back(static_cast<double>(kLines) / (ProcessorSeconds() - begin));
    if (report) latency = LatencyOf(**report);
  }
  if (seconds.empty() || latency.count() != kLines) {
    std::fprintf(stderr, "access_log: %zu lines were written, %llu counted\n", seconds.size(),
                 static_cast<unsigned long long>(latency.count()));
    return 1;
  }
  std::nth_element(rates.begin(), rates.begin() + kRuns / 2, rates.end());
  Tell("lines_per_second_per_core", rates[kRuns / 2], "lines/s");
  const auto exact = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() * 95 / 100);
  std::nth_element(seconds.begin(), exact, seconds.end());
  Tell("p95_error", std::abs(latency.Quantile(0.95) / *exact - 1), "ratio");
  return 0;
}
