#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "tests/support/onestop/app.h"
#include "tests/support/onestop/control.h"
#include "tests/support/onestop/press.h"
#include "tests/support/onestop/store.h"

// haidang-onestop: a stand-in for an electronic one-stop system, for the demo, tests and benches.
namespace haidang::onestop {
namespace {

struct MainOptions {
  AppOptions app;
  StoreOptions store;
  int control_port = 0;
  int64_t dossiers = 2000;
  PressOptions press;
  double press_seconds = 10;
};

int Fail(const Error& error) {
  std::fprintf(stderr, "haidang-onestop: %s\n", error.message.c_str());
  return 1;
}

int RunPress(MainOptions& options) {
  options.press.duration =
      std::chrono::milliseconds(static_cast<int64_t>(options.press_seconds * 1000));
  const auto result = Press(options.press);
  if (!result) return Fail(result.error());
  std::printf("%s\n", ToJson(*result).c_str());
  return 0;
}

Status FillUp(Store& store, int64_t wanted) {
  const auto count = store.Count();
  if (!count) return count.error();
  return *count < wanted ? store.Seed(wanted - *count) : Status();
}

int Serve(const MainOptions& options) {
  sigset_t signals;  // blocked before any thread starts, so that sigwait below gets them
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto store = Store::Open(options.store);
  if (!store) return Fail(store.error());
  if (auto filled = FillUp(**store, options.dossiers); !filled) return Fail(filled.error());
  App app(options.app, **store);
  if (auto started = app.Start(); !started) return Fail(started.error());
  auto control = Control::Start(app, **store, options.app.host, options.control_port);
  if (!control) return Fail(control.error());
  const char* scheme = options.app.cert_file.empty() ? "http" : "https";
  std::printf("{\"url\":\"%s://%s:%d\",\"control\":\"http://%s:%d\"}\n", scheme,
              options.app.host.c_str(), app.port(), options.app.host.c_str(), (*control)->port());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  app.Stop();
  return 0;
}

int Main(int argc, char** argv) {
  MainOptions options;
  CLI::App cli("A stand-in one-stop system, for demo and tests");
  cli.set_version_flag("--version", std::string("haidang-onestop ") + HAIDANG_VERSION);
  cli.add_option("--host", options.app.host, "address to listen on");
  cli.add_option("--port", options.app.port, "0: any free one")->check(CLI::Range(0, 65535));
  cli.add_option("--control-port", options.control_port, "0: any free one")
      ->check(CLI::Range(0, 65535));
  auto* cert = cli.add_option("--cert", options.app.cert_file, "PEM certificate: serves HTTPS");
  auto* key = cli.add_option("--key", options.app.key_file, "PEM key");
  cert->needs(key);
  key->needs(cert);
  cli.add_option("--database", options.store.path, "SQLite file");
  cli.add_option("--dossiers", options.dossiers, "at least this many stand in the database")
      ->check(CLI::Range(0, 5000000));
  cli.add_option("--connections", options.store.connections, "searches that run at once")
      ->check(CLI::Range(1, 64));
  cli.add_flag("--rollback-journal", options.store.rollback_journal,
               "readers wait for writers, instead of reading beside them");
  cli.add_option("--national", options.app.national,
                 "URL of the national service that /dan-cu/<12 digits> asks: http://host:port");
  cli.add_option("--workers", options.app.workers, "requests taken at once")
      ->check(CLI::Range(1, 1024));
  auto* press =
      cli.add_option("--press", options.press.url, "search at this URL instead of serving");
  cli.add_option("--people", options.press.people, "who press at once")->check(CLI::Range(1, 1000));
  cli.add_option("--seconds", options.press_seconds, "how long they press")
      ->check(CLI::Range(0.1, 86400.0));
  cli.add_option("--ca", options.press.ca_file, "PEM file that the pressed server is checked with");
  cli.add_option("--query", options.press.query, "what they search");
  CLI11_PARSE(cli, argc, argv);
  if (press->count() > 0) return RunPress(options);
  if (options.store.path.empty()) return Fail({"--database is required"});
  return Serve(options);
}

}  // namespace
}  // namespace haidang::onestop

int main(int argc, char** argv) { return haidang::onestop::Main(argc, argv); }
