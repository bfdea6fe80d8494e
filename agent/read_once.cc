#include "agent/read_once.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "agent/make_sources.h"
#include "agent/path/path_source.h"
#include "agent/print_metrics.h"
#include "agent/sampler.h"
#include "agent/source_list.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Switches off what is not `only`.
void Choose(const std::string& only, Options& options) {
  options.sources_off.clear();
  for (const SourceInfo& info : AllSources()) {
    if (info.name != only) options.sources_off.emplace_back(info.name);
  }
}

// What hangs for longer is told as such.
milliseconds PatienceOf(const Options& options) {
  milliseconds patience = 2s;
  for (const ProbeOptions& probe : options.probes) {
    patience = std::max(patience, probe.timeout + 500ms);
  }
  for (const CertificateOptions& certificate : options.certificates) {
    patience = std::max(patience, certificate.timeout + 500ms);
  }
  for (const HttpJsonOptions& document : options.http_json) {
    patience = std::max(patience, document.request.timeout + 500ms);
  }
  if (options.path) patience = std::max(patience, LongestRound(*options.path) + 500ms);
  // Programs have their turns, a few at a time.
  milliseconds longest{0};
  for (const PluginOptions& plugin : options.plugins) {
    longest = std::max(longest, LongestRun(plugin.command.timeout));
  }
  for (const ExecJsonOptions& document : options.exec_json) {
    longest = std::max(longest, LongestRun(document.command.timeout));
  }
  const size_t programs = options.plugins.size() + options.exec_json.size();
  const size_t turns = (programs + options.programs_at_once - 1) / options.programs_at_once;
  // A machine has few disks, and they answer within a second.
  const milliseconds disks = 2 * LongestRun(options.smart.command.timeout);
  return std::max({patience, disks, longest * static_cast<int64_t>(turns) + 500ms});
}

// Runs `loop` until `ready`, at most `patience`.
template <typename Ready>
void RunUntil(Loop& loop, milliseconds patience, Ready ready) {
  const auto give_up = loop.After(patience, [&] { loop.Stop(); });
  const auto poll = loop.Every(5ms, [&] {
    if (ready()) loop.Stop();
  });
  loop.Run();
}

double ProcessorMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

// A source's line in the table.
struct Line {
  std::string state;
  std::string series = {};
  std::string processor_ms = {};
  std::string took_ms = {};
};

Line ReadAlone(const SourceInfo& info, Options options, const std::string& root) {
  Choose(std::string(info.name), options);
  const auto loop = MakeLoop();
  const SystemClock clock;
  const double processor_ms = ProcessorMs();
  const int64_t begin_ns = clock.MonotonicNs();
  const auto sources = MakeSources(options, {*loop, clock, root, [] { return AgentStats(); }});
  if (!sources) return {.state = "FAILS: " + sources.error().message};
  if (sources->empty()) return {.state = fmt::format("no {}", info.config)};
  Source& source = *sources->front();
  source.Prepare();
  if (!source.Ready()) RunUntil(*loop, PatienceOf(options), [&] { return source.Ready(); });
  std::vector<Reading> readings;
  std::vector<Event> events;
  const Status read = source.Read(clock.WallMs(), readings, events);
  const double took_ms = static_cast<double>(clock.MonotonicNs() - begin_ns) / 1e6;
  return {.state = read ? "on" : "FAILS: " + Printable(read.error().message),
          .series = std::to_string(read ? readings.size() : 0),
          .processor_ms = fmt::format("{:.2f}", ProcessorMs() - processor_ms),
          .took_ms = fmt::format("{:.1f}", took_ms)};
}

}  // namespace

Result<std::string> ReadMetricsOnce(Options options, const std::string& root,
                                    const std::string& only) {
  if (!only.empty()) Choose(only, options);
  const auto loop = MakeLoop();
  const SystemClock clock;
  auto sources = MakeSources(options, {*loop, clock, root, [] { return AgentStats(); }});
  if (!sources) return sources.error();
  if (!only.empty() && sources->empty()) {
    return Error{fmt::format("source {} has nothing to read: the configuration has no {}", only,
                             FindSource(only)->config)};
  }
  Sampler sampler(*loop, clock, {}, std::move(*sources), [](Tick&&) {});
  sampler.Prepare();
  RunUntil(*loop, PatienceOf(options), [&] { return sampler.Ready(); });
  return FormatTick(sampler.ReadNow(clock.WallMs()));
}

Result<std::string> DescribeSources(const Options& options, const std::string& root) {
  static constexpr char kLine[] = "{:<15} {:>7} {:>8} {:>8}  {:<18} {}\n";
  std::string table = fmt::format(kLine, "SOURCE", "SERIES", "CPU ms", "TOOK ms", "STATE", "READS");
  for (const SourceInfo& info : AllSources()) {
    const auto& off = options.sources_off;
    const bool is_off = std::find(off.begin(), off.end(), info.name) != off.end();
    const Line line = is_off ? Line{.state = "off"} : ReadAlone(info, options, root);
    table += fmt::format(kLine, info.name, line.series, line.processor_ms, line.took_ms, line.state,
                         info.reads);
  }
  return table;
}

}  // namespace haidang::agent
