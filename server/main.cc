#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <future>

#include "core/clock.h"
#include "core/io/directory_lock.h"
#include "core/io/loop.h"
#include "core/log.h"
#include "server/api.h"
#include "server/collector_client.h"
#include "server/control_db.h"
#include "server/csv.h"
#include "server/feed.h"
#include "server/http/http_server.h"
#include "server/live.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/places.h"
#include "server/watcher.h"

namespace haidang::server {
namespace {

constexpr size_t kMaxFileBytes = 16U << 20;
constexpr size_t kConnections = 1024;
constexpr size_t kThreadsBesideStreams = 48;
constexpr std::chrono::milliseconds kStopPatience{1500};

enum Exit : int { kOk = 0, kBadConfig = 1, kBadUsage = 2, kCannotRun = 3 };

// What the files name that the configuration points at.
struct Files {
  std::optional<PlaceFile<query::Site>> sites;
  std::optional<PlaceFile<query::Placement>> inventory;
};

template <typename File, typename Parse>
Status ReadPlaces(const std::string& path, Parse parse, std::optional<File>& out) {
  if (path.empty()) return {};
  Result<std::string> text = ReadFile(path, kMaxFileBytes);
  if (!text) return text.error();
  Result<File> file = parse(*text);
  if (!file) return Error{path + ": " + file.error().message};
  out = std::move(*file);
  return {};
}

Result<Files> ReadFiles(const Options& options) {
  Files files;
  if (Status read = ReadPlaces(options.sites_file, ParseSites, files.sites); !read) {
    return read.error();
  }
  if (Status read = ReadPlaces(options.inventory_file, ParseInventory, files.inventory); !read) {
    return read.error();
  }
  if (auto secret = CollectorClient::ReadSecret(options.secret_file); !secret) {
    return secret.error();
  }
  return files;
}

Result<ControlDb> OpenControl(const Options& options, const Files& files, const Clock& clock) {
  if (::mkdir(options.state_directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return Error{options.state_directory + ": cannot be made: " + std::strerror(errno) +
                 "; make it and give it to the user that runs this program"};
  }
  if (Status locked = LockDirectory(options.state_directory, "server"); !locked) {
    return locked.error();
  }
  Result<ControlDb> control = ControlDb::Open(options.state_directory + "/control.db");
  if (!control) return control;
  ControlDb::Sources sources;
  if (files.sites) sources.sites = &*files.sites;
  if (files.inventory) sources.inventory = &*files.inventory;
  sources.objectives = options.objectives;
  if (Status imported = control->Import(sources, clock.WallMs()); !imported) {
    return imported.error();
  }
  return control;
}

// Each connection is a descriptor: ask for as many as we may have.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kConnections + 512);
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Ends everything; where something hangs beyond patience (name resolution can), the process ends
// without it: everything that was decided is committed already.
void StopAll(Live& live, CollectorClient& client, HttpServer& http, Watcher& watcher) {
  std::promise<void> stopped;
  auto done = stopped.get_future();
  std::thread stopper([&] {
    live.Close();
    client.Stop();
    http.Stop();
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

Status Serve(const Options& options, const Files& files) {
  const SystemClock clock;
  Result<ControlDb> control = OpenControl(options, files, clock);
  if (!control) return control.error();
  Metrics metrics(clock);
  Live live(clock);
  if (auto snapshot = control->Snapshot(); snapshot) {
    metrics.SnapshotIs(snapshot->version);
    live.SetSnapshot(std::move(*snapshot));
  } else {
    return snapshot.error();
  }
  CollectorClient client(options.collector, options.secret_file);
  Feed feed(clock, live, metrics, options.max_streams);
  const Router router = MakeRouter({clock, live, feed, client, metrics, options});
  RaiseDescriptorLimit();
  FrontOptions front;
  front.listen = options.listen;
  front.max_connections = kConnections;
  front.max_threads = static_cast<size_t>(options.max_streams) + kThreadsBesideStreams;
  auto http = HttpServer::Listen(front, router, metrics, clock);
  if (!http) return http.error();
  Watcher watcher(clock, client, std::move(*control), live, metrics);

  const auto loop = MakeLoop();
  loop->OnTerminate([&loop] { loop->Stop(); });
  watcher.Start();
  (*http)->Start();
  spdlog::info("haidang-server {} listens on http://{}", HAIDANG_VERSION,
               ToString(HostPort{options.listen.host, (*http)->port()}));
  loop->Run();
  spdlog::info("stopping");
  StopAll(live, client, **http, watcher);
  return {};
}

int Main(int argc, char** argv) {
  CLI::App app{"haidang-server: the live page, the API and what people decide"};
  std::string config = "/etc/haidang/server.toml";
  bool check = false;
  app.add_option("--config", config, "TOML file; packaging/sample/server.toml explains each key");
  app.add_flag("--check-config", check, "read the configuration and the files it names, then end");
  app.set_version_flag("--version", std::string("haidang-server ") + HAIDANG_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadUsage;
  }

  Result<Options> options = LoadOptions(config);
  if (!options) {
    std::fprintf(stderr, "haidang-server: %s\n", options.error().message.c_str());
    return kBadConfig;
  }
  Result<Files> files = ReadFiles(*options);
  if (!files) {
    std::fprintf(stderr, "haidang-server: %s\n", files.error().message.c_str());
    return kBadConfig;
  }
  if (check) {
    std::printf("%s: ok\n", config.c_str());
    return kOk;
  }
  SetUpLog("haidang-server", options->log_level);
  if (Status served = Serve(*options, *files); !served) {
    spdlog::error("{}", served.error().message);
    return kCannotRun;
  }
  return kOk;
}

}  // namespace
}  // namespace haidang::server

int main(int argc, char** argv) { return haidang::server::Main(argc, argv); }
