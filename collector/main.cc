#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <random>

#include "collector/backup_tool.h"
#include "collector/collector.h"
#include "collector/command_line.h"
#include "collector/export_tool.h"
#include "collector/hold_state.h"
#include "collector/metrics_port.h"
#include "collector/query_port.h"
#include "collector/tools.h"
#include "core/io/http/listener.h"
#include "core/io/secret.h"
#include "core/io/service_manager.h"
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
  Waiting(const Options& options, ServiceManager& manager) : options_(options), manager_(manager) {}

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
    manager_.Waits(why.message);
    return {};
  }

 private:
  const Options& options_;
  ServiceManager& manager_;
  std::unique_ptr<http::WaitingPort> metrics_, queries_;
};

// A signal ends the process while it waits for its disk: there is nothing to put in order yet.
Result<std::unique_ptr<Collector>> OpenCollector(const Options& options, Loop& loop,
                                                 const Clock& clock, ServiceManager& manager) {
  bool claimed = false;
  Waiting waiting(options, manager);
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
        const Status settled = SettleState(options.directory);
        if (!settled) return settled.error();
        return Collector::Open(options, loop, clock, Random64, make_session);
      },
      [&](const Error& why) { return waiting.Because(why); });
}

Status Serve(const Options& options, ServiceManager& manager) {
  const auto secret = ReadSecret(options.secret_file);
  if (!secret) return secret.error();
  http::AllowDescriptors(QueryPort::kMaxConnections + MetricsPort::kMaxConnections);
  const SystemClock clock;
  const auto loop = MakeLoop();
  auto collector = OpenCollector(options, *loop, clock, manager);
  if (!collector) return collector.error();
  auto metrics = MetricsPort::Open(options.metrics, (*collector)->metrics().shared(),
                                   (*collector)->AskFleet(), (*collector)->AskReady());
  if (!metrics) return metrics.error();
  Backups backups(options.directory + "/telemetry.db");
  QueryBackend backend = (*collector)->Backend();
  backend.start_backup = std::bind_front(&Backups::Start, &backups);
  backend.backup = std::bind_front(&Backups::state, &backups);
  auto queries = QueryPort::Open(options.query, *secret, std::move(backend));
  if (!queries) return queries.error();
  loop->OnTerminate([&] {
    spdlog::info("stopping");
    manager.Stops();
    backups.Stop();
    (*collector)->Stop(kBrokerPatience, [&] { loop->Stop(); });
  });
  (*metrics)->Start();
  (*queries)->Start();
  (*collector)->Start();
  spdlog::info("haidang-collector {}: queries on port {}, metrics on port {}", HAIDANG_VERSION,
               (*queries)->port(), (*metrics)->port());
  const auto watchdog = manager.Works(*loop);
  loop->Run();
  StopPorts(**queries, **metrics);
  return {};
}

// What a subcommand found out, said where an operator looks.
int Told(const Result<bool>& whole) {
  if (!whole) std::fprintf(stderr, "haidang-collector: %s\n", whole.error().message.c_str());
  return whole && *whole ? kOk : kCannotRun;
}

Result<bool> Done(const Status& done) {
  if (!done) return done.error();
  return true;
}

// What the command does beside serving; not called for that.
int RunTool(const Command& command, const Options& options) {
  using Kind = Command::Kind;
  switch (command.kind) {
    case Kind::kCheckConfig:
      std::printf("%s: ok\n", command.config.c_str());
      return kOk;
    case Kind::kCheck:
      return Told(CheckStoreIn(options.directory, command.file));
    case Kind::kExport:
      return Told(Done(ExportStore(options.directory, command.dump)));
    case Kind::kBackup:
      return Told(Done(BackUp(options, command.file, command.replace)));
    case Kind::kRestore:
      return Told(Done(RestoreStoreIn(options.directory, command.file)));
    case Kind::kServe:
    case Kind::kVersion:
      break;
  }
  return kBadUsage;
}

int Main(int argc, char** argv) {
  int code = kOk;
  const auto command = ParseCommandLine(argc, argv, kBadUsage, &code);
  if (!command) return code;
  if (command->kind == Command::Kind::kVersion) {
    std::puts("haidang-collector " HAIDANG_VERSION);
    return kOk;
  }
  const bool tool = command->kind != Command::Kind::kServe;
  if (tool) DieOnTerminate();
  const auto options = LoadOptions(command->config);
  if (!options) {
    std::fprintf(stderr, "haidang-collector: %s\n", options.error().message.c_str());
    return kBadConfig;
  }
  if (tool) return RunTool(*command, *options);
  SetUpLog("haidang-collector", options->log_level);
  ServiceManager manager(ServiceManager::TakeWishes());
  if (const Status served = Serve(*options, manager); !served) {
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
