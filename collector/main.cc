#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <random>

#include "collector/collector.h"
#include "collector/metrics_port.h"
#include "collector/query_port.h"
#include "collector/tools.h"
#include "core/io/http/listener.h"
#include "core/io/secret.h"
#include "core/io/signals.h"
#include "core/io/state_directory.h"
#include "core/io/thread.h"
#include "core/log.h"

namespace haidang::collector {
namespace {

using namespace std::chrono_literals;

constexpr auto kBrokerPatience = 600ms;  // for the goodbye
constexpr auto kHttpPatience = 300ms;    // for answers under way; together well within 2 s

enum Exit : int { kOk = 0, kBadConfig = 1, kBadUsage = 2, kCannotRun = 3 };

uint64_t Random64() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

// Ends both ports; where a client keeps one busy, the process ends without it: everything that was
// decided is committed.
void StopPorts(QueryPort& queries, MetricsPort& metrics) {
  std::promise<void> stopped;
  auto ended = stopped.get_future();
  std::thread stopper = StartThread([&] {
    queries.Stop();
    metrics.Stop();
    stopped.set_value();
  });
  if (ended.wait_for(kHttpPatience) != std::future_status::ready) {
    spdlog::shutdown();
    std::_Exit(0);
  }
  stopper.join();
}

// What stands in for both ports while the disk takes nothing.
class Waiting {
 public:
  explicit Waiting(const Options& options) : options_(options) {}

  Status Because(const Error& why) {
    if (metrics_ == nullptr) {
      spdlog::error("cannot begin: {}; trying again until something can be stored", why.message);
      auto metrics = MetricsPort::Wait(options_.metrics);
      if (!metrics) return metrics.error();
      metrics_ = std::move(*metrics);
      auto queries = QueryPort::Wait(options_.query);
      if (!queries) return queries.error();
      queries_ = std::move(*queries);
    }
    for (http::WaitingPort* port : {metrics_.get(), queries_.get()}) port->Because(why.message);
    return {};
  }

 private:
  const Options& options_;
  std::unique_ptr<http::WaitingPort> metrics_, queries_;
};

// A signal ends the process while it waits for its disk: there is nothing to put in order yet.
Result<std::unique_ptr<Collector>> OpenCollector(const Options& options, Loop& loop,
                                                 const Clock& clock) {
  bool claimed = false;
  Waiting waiting(options);
  const auto make_session = [&](std::vector<MqttSubscription> subscriptions,
                                MqttHandlers handlers) {
    return MakeMqttSession(loop, clock, options.broker, std::move(subscriptions),
                           std::move(handlers));
  };
  return OpenWhenDiskTakes<std::unique_ptr<Collector>>(
      options.directory,
      [&]() -> Result<std::unique_ptr<Collector>> {
        if (!claimed) {
          const Status claim = ClaimStateDirectory(options.directory, "collector");
          if (!claim) return claim.error();
          claimed = true;
        }
        return Collector::Open(options, loop, clock, Random64, make_session);
      },
      [&](const Error& why) { return waiting.Because(why); });
}

Status Serve(const Options& options) {
  const auto secret = ReadSecret(options.secret_file);
  if (!secret) return secret.error();
  http::AllowDescriptors(QueryPort::kMaxConnections + MetricsPort::kMaxConnections);
  const SystemClock clock;
  const auto loop = MakeLoop();
  auto collector = OpenCollector(options, *loop, clock);
  if (!collector) return collector.error();
  auto metrics = MetricsPort::Open(options.metrics, (*collector)->metrics().shared(),
                                   (*collector)->AskFleet(), (*collector)->AskReady());
  if (!metrics) return metrics.error();
  auto queries = QueryPort::Open(options.query, *secret, (*collector)->Backend());
  if (!queries) return queries.error();
  loop->OnTerminate([&] {
    spdlog::info("stopping");
    (*collector)->Stop(kBrokerPatience, [&] { loop->Stop(); });
  });
  (*metrics)->Start();
  (*queries)->Start();
  (*collector)->Start();
  spdlog::info("haidang-collector {}: queries on port {}, metrics on port {}", HAIDANG_VERSION,
               (*queries)->port(), (*metrics)->port());
  loop->Run();
  StopPorts(**queries, **metrics);
  return {};
}

// What a subcommand found out, said where an operator looks.
int Told(const Result<bool>& whole) {
  if (!whole) std::fprintf(stderr, "haidang-collector: %s\n", whole.error().message.c_str());
  return whole && *whole ? kOk : kCannotRun;
}

Result<bool> Exported(const Status& exported) {
  if (!exported) return exported.error();
  return true;
}

int Main(int argc, char** argv) {
  CLI::App app("Takes in what agents send, stores it, acknowledges it, and answers questions.");
  std::string config = "/etc/haidang/collector.toml";
  bool check_only = false;
  app.add_option("--config", config, "TOML file; packaging/sample/collector.toml explains it")
      ->type_name("FILE")
      ->capture_default_str();
  bool show_version = false;
  auto* version = app.add_flag("--version", show_version, "print the version, end");
  auto* check_config =
      app.add_flag("--check-config", check_only,
                   "read the configuration and the files that it names, print \"FILE: ok\", end")
          ->excludes(version);
  app.fallthrough();
  auto* check = app.add_subcommand(
      "check",
      "read the whole store while no collector runs on it, say what it holds and what is wrong, "
      "end; 0: whole, 3: faults, or it cannot be read");
  auto* dump = app.add_subcommand(
      "export", "write what the store holds to stdout, while no collector runs on it, end");
  bool ledger = false;
  dump->add_flag("--ledger", ledger, "every value that a machine stated, a JSON line each")
      ->required();
  app.require_subcommand(0, 1);
  for (CLI::App* tool : {check, dump}) tool->excludes(version)->excludes(check_config);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadUsage;
  }
  if (show_version) {
    std::puts("haidang-collector " HAIDANG_VERSION);
    return kOk;
  }
  const bool tool = check->parsed() || dump->parsed();
  if (check_only || tool) DieOnTerminate();
  const auto options = LoadOptions(config);
  if (!options) {
    std::fprintf(stderr, "haidang-collector: %s\n", options.error().message.c_str());
    return kBadConfig;
  }
  if (check_only) {
    std::printf("%s: ok\n", config.c_str());
    return kOk;
  }
  if (check->parsed()) return Told(CheckStoreIn(options->directory));
  if (dump->parsed()) return Told(Exported(ExportLedgerOf(options->directory)));
  SetUpLog("haidang-collector", options->log_level);
  if (const Status served = Serve(*options); !served) {
    spdlog::error("{}", served.error().message);
    return kCannotRun;
  }
  return kOk;
}

}  // namespace
}  // namespace haidang::collector

int main(int argc, char** argv) {
  haidang::ExitOnTerminate();
  return haidang::collector::Main(argc, argv);
}
