#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <iostream>
#include <random>
#include <thread>

#include "collector/collector.h"
#include "collector/metrics_port.h"
#include "collector/query_port.h"
#include "core/log.h"

namespace haidang::collector {
namespace {

using namespace std::chrono_literals;

constexpr auto kBrokerPatience = 1000ms;  // for the goodbye
constexpr auto kHttpPatience = 500ms;     // for answers under way; together within 2 s

uint64_t Random64() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0 || errno == EEXIST) return {};
  return Error{path + ": cannot be made: " + std::strerror(errno) +
               "; make it and give it to the user that runs this program"};
}

// Held as long as the process lives: two collectors on one store would give the same ids twice.
Status LockDirectory(const std::string& path) {
  const std::string file = path + "/collector.lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{file + ": cannot be made: " + std::strerror(errno) +
                 "; check the directory's owner and mode, and that its file system is not full or "
                 "read-only"};
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  ::close(fd);
  return Error{path + ": another haidang-collector uses this directory; stop it first"};
}

// Ends both ports; where a client keeps one busy, the process ends without it: everything that was
// decided is committed.
void StopPorts(QueryPort& queries, MetricsPort& metrics) {
  std::promise<void> stopped;
  auto ended = stopped.get_future();
  std::thread stopper([&] {
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

Status Serve(const Options& options, const std::string& secret) {
  if (auto made = MakeDirectory(options.directory); !made) return made;
  if (auto locked = LockDirectory(options.directory); !locked) return locked;
  const SystemClock clock;
  const auto loop = MakeLoop();
  auto collector =
      Collector::Open(options, *loop, clock, Random64,
                      [&](std::vector<MqttSubscription> subscriptions, MqttHandlers handlers) {
                        return MakeMqttSession(*loop, clock, options.broker,
                                               std::move(subscriptions), std::move(handlers));
                      });
  if (!collector) return collector.error();
  auto metrics = MetricsPort::Open(options.metrics, (*collector)->metrics().shared(),
                                   (*collector)->AskFleet());
  if (!metrics) return metrics.error();
  auto queries = QueryPort::Open(options.query, secret, (*collector)->Backend());
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

int Run(const std::string& config, bool check_only) {
  auto options = LoadOptions(config);
  if (!options) {
    std::cerr << options.error().message << '\n';
    return 2;
  }
  auto secret = ReadSecret(options->secret_file);
  if (!secret) {
    std::cerr << secret.error().message << '\n';
    return 2;
  }
  if (check_only) {
    std::cout << config << ": ok\n";
    return 0;
  }
  SetUpLog("haidang-collector", options->log_level);
  if (auto served = Serve(*options, *secret); !served) {
    spdlog::error("{}", served.error().message);
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace haidang::collector

int main(int argc, char** argv) {
  CLI::App app("Takes in what agents send, stores it, acknowledges it, and answers questions.");
  std::string config;
  bool check_only = false;
  app.add_option("--config", config, "TOML file; packaging/sample/collector.toml explains it")
      ->required();
  app.add_flag("--check-config", check_only, "read the configuration and the secret, then end");
  app.set_version_flag("--version", std::string("haidang-collector ") + HAIDANG_VERSION);
  CLI11_PARSE(app, argc, argv);
  return haidang::collector::Run(config, check_only);
}
