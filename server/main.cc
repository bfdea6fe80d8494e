#include <CLI/CLI.hpp>
#include <cstdio>
#include <future>
#include <utility>

#include "core/clock.h"
#include "core/io/http/http_server.h"
#include "core/io/http/listener.h"
#include "core/io/http/waiting_port.h"
#include "core/io/loop.h"
#include "core/io/service_manager.h"
#include "core/io/signals.h"
#include "core/io/state_directory.h"
#include "core/io/thread.h"
#include "core/log.h"
#include "server/api.h"
#include "server/collector_client.h"
#include "server/configuration.h"
#include "server/control_db.h"
#include "server/feed.h"
#include "server/journeys.h"
#include "server/live.h"
#include "server/metrics.h"
#include "server/watcher.h"

namespace haidang::server {
namespace {

constexpr size_t kConnections = 1024;
constexpr size_t kThreadsBesideStreams = 48;
constexpr std::chrono::milliseconds kStopPatience{1000};

enum Exit : int { kOk = 0, kBadConfig = 1, kBadUsage = 2, kCannotRun = 3 };

Result<ControlDb> OpenControl(const Configuration& configuration, const Clock& clock) {
  const Options& options = configuration.options;
  Result<ControlDb> control = ControlDb::Open(options.state_directory + "/control.db");
  if (!control) return control;
  ControlDb::Sources sources;
  if (configuration.sites) sources.sites = &*configuration.sites;
  if (configuration.inventory) sources.inventory = &*configuration.inventory;
  sources.objectives = options.objectives;
  sources.calendar = configuration.calendar;
  if (Status imported = control->Import(sources, clock.WallMs()); !imported) {
    return imported.error();
  }
  return control;
}

// Ends everything; where something hangs beyond patience (name resolution can), the process ends
// without it: everything that was decided is committed already.
void StopAll(Live& live, CollectorClient& client, http::HttpServer& http_server, Watcher& watcher) {
  std::promise<void> stopped;
  auto done = stopped.get_future();
  std::thread stopper = StartThread([&] {
    live.Close();
    client.Stop();
    http_server.Stop();
    watcher.Stop();
    stopped.set_value();
  });
  if (done.wait_for(kStopPatience) != std::future_status::ready) {
    spdlog::warn("not everything ended in time; leaving all the same");
    spdlog::shutdown();
    std::_Exit(0);
  }
  stopper.join();
}

http::FrontOptions MakeFrontOptions(const Options& options) {
  http::FrontOptions front;
  front.listen = options.listen;
  front.max_connections = kConnections;
  front.max_threads = static_cast<size_t>(options.max_streams) + kThreadsBesideStreams;
  return front;
}

// Where the disk takes nothing, waits until it does; the port tells why. A signal ends the process
// meanwhile: there is nothing to put in order yet.
Result<ControlDb> ClaimAndOpen(const Configuration& configuration, const Clock& clock,
                               const Metrics& metrics, ServiceManager& manager) {
  const Options& options = configuration.options;
  bool claimed = false;
  std::unique_ptr<http::WaitingPort> port;
  const auto open = [&]() -> Result<ControlDb> {
    if (!claimed) {
      const Status claim = ClaimStateDirectory(options.state_directory, "server");
      if (!claim) return claim.error();
      claimed = true;
    }
    return OpenControl(configuration, clock);
  };
  const auto waiting = [&](const Error& why) -> Status {
    if (port == nullptr) {
      spdlog::error("cannot begin: {}; trying again until something can be stored", why.message);
      auto opened = http::WaitingPort::Open(
          MakeFrontOptions(options), [&](const http::Request&) { return MetricsReply(metrics); });
      if (!opened) return opened.error();
      port = std::move(*opened);
    }
    port->Because(why.message);
    manager.Waits(why.message);
    return {};
  };
  return OpenWhenDiskTakes<ControlDb>(options.state_directory, open, waiting);
}

Status Serve(const Configuration& configuration, ServiceManager& manager) {
  const Options& options = configuration.options;
  const SystemClock clock;
  Metrics metrics(clock);
  Result<ControlDb> control = ClaimAndOpen(configuration, clock, metrics, manager);
  if (!control) return control.error();
  Live live(clock);
  if (auto snapshot = control->Snapshot(); snapshot) {
    metrics.SnapshotIs(snapshot->version);
    live.SetSnapshot(std::move(*snapshot));
  } else {
    return snapshot.error();
  }
  CollectorClient client(options.collector, options.secret_file);
  Feed feed(clock, live, metrics, options.max_streams);
  Journeys journeys(clock, client, live);
  const http::Router router = MakeRouter({clock, live, feed, client, journeys, metrics, options});
  http::AllowDescriptors(kConnections);
  auto http_server =
      http::HttpServer::Listen(MakeFrontOptions(options), router, MakeHooks(metrics));
  if (!http_server) return http_server.error();
  Watcher watcher(clock, client, std::move(*control), live, metrics);

  const auto loop = MakeLoop();
  loop->OnTerminate([&] {
    manager.Stops();
    loop->Stop();
  });
  watcher.Start();
  (*http_server)->Start();
  spdlog::info("haidang-server {} listens on http://{}", HAIDANG_VERSION,
               ToString(HostPort{options.listen.host, (*http_server)->port()}));
  const auto watchdog = manager.Works(*loop, [&watcher, rounds = uint64_t{0}]() mutable {
    return watcher.rounds() != std::exchange(rounds, watcher.rounds());
  });
  loop->Run();
  spdlog::info("stopping");
  StopAll(live, client, **http_server, watcher);
  return {};
}

int Main(int argc, char** argv) {
  CLI::App app{"haidang-server: the live page, the API and what people decide"};
  std::string config = "/etc/haidang/server.toml";
  bool check = false;
  app.add_option("--config", config, "TOML file; packaging/sample/server.toml explains each key")
      ->type_name("FILE")
      ->capture_default_str();
  bool show_version = false;
  auto* version = app.add_flag("--version", show_version, "print the version, then end");
  app.add_flag("--check-config", check, "read the configuration and the files it names, then end")
      ->excludes(version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadUsage;
  }
  if (show_version) {
    std::puts("haidang-server " HAIDANG_VERSION);
    return kOk;
  }
  if (check) DieOnTerminate();
  const Result<Configuration> configuration = LoadConfiguration(config);
  if (!configuration) {
    std::fprintf(stderr, "haidang-server: %s\n", configuration.error().message.c_str());
    return kBadConfig;
  }
  if (check) {
    std::printf("%s: ok\n", config.c_str());
    return kOk;
  }
  SetUpLog("haidang-server", configuration->options.log_level);
  ServiceManager manager(ServiceManager::TakeWishes());
  if (Status served = Serve(*configuration, manager); !served) {
    spdlog::error("{}", served.error().message);
    return kCannotRun;
  }
  return kOk;
}

}  // namespace
}  // namespace haidang::server

int main(int argc, char** argv) {
  haidang::ExitOnTerminate();
  return haidang::server::Main(argc, argv);
}
