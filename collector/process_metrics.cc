#include "collector/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "core/catalogue.h"

namespace haidang::collector {
namespace {

using prometheus::MetricFamily;

struct Usage {
  double cpu_seconds = 0;
  double started_ticks = 0;  // since boot
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// Fields of /proc/[pid]/stat, proc(5), counted behind the command's closing parenthesis.
bool ReadUsage(Usage& usage) {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream fields(text.substr(end + 1));
  std::string skipped;
  for (int i = 3; i <= 13; ++i) fields >> skipped;
  double user = 0, system = 0, resident_pages = 0;
  fields >> user >> system;  // 14, 15
  for (int i = 16; i <= 21; ++i) fields >> skipped;
  fields >> usage.started_ticks >> usage.virtual_bytes >> resident_pages;  // 22, 23, 24
  if (!fields) return false;
  usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.resident_bytes = resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  return true;
}

// When the machine was booted, seconds since 1970; 0 where it cannot be told.
double BootSeconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word) {
    if (word == "btime" && file >> seconds) return seconds;
    file.ignore(1 << 20, '\n');
  }
  return 0;
}

double OpenFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double count = -3;  // ".", ".." and the directory itself
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

MetricFamily Family(const char* name, double value) {
  MetricFamily family;
  family.name = name;
  const MetricInfo* info = FindMetric(name);
  if (info != nullptr) family.help = std::string(info->help_en);
  const bool counter = info != nullptr && info->type == MetricType::kCounter;
  family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  prometheus::ClientMetric metric;
  (counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
  return family;
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  Usage usage;
  if (!ReadUsage(usage)) return {};
  const double started = usage.started_ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  return {Family("process_cpu_seconds_total", usage.cpu_seconds),
          Family("process_max_fds", static_cast<double>(files.rlim_cur)),
          Family("process_open_fds", OpenFiles()),
          Family("process_resident_memory_bytes", usage.resident_bytes),
          Family("process_start_time_seconds", BootSeconds() + started),
          Family("process_virtual_memory_bytes", usage.virtual_bytes)};
}

}  // namespace haidang::collector
