#include <langinfo.h>
#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>

#include "agent/footprint.h"
#include "agent/journey/lease.h"
#include "agent/journey/walk_once.h"
#include "agent/link.h"
#include "agent/make_sources.h"
#include "agent/options.h"
#include "agent/probe/probe_source.h"
#include "agent/read_once.h"
#include "agent/reboot.h"
#include "agent/recorder.h"
#include "agent/sampler.h"
#include "agent/source_list.h"
#include "agent/spool.h"
#include "agent/spool_status.h"
#include "agent/test_ledger.h"
#include "core/io/service_manager.h"
#include "core/io/signals.h"
#include "core/io/state_directory.h"
#include "core/log.h"
#include "core/trouble.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr char kDefaultConfig[] = "/etc/haidang/agent.toml";
constexpr milliseconds kStopDeadline{1500};
constexpr milliseconds kFirstRelease{20'000};   // of code that start-up needed; connected by then
constexpr milliseconds kReleaseEvery{600'000};  // reconnecting runs much of it again

enum Exit : int { kOk = 0, kBadConfig = 1, kBadUsage = 2, kCannotRun = 3 };

struct CommandLine {
  std::string config = kDefaultConfig;
  std::string root = "/";
  std::string test_ledger;
  bool version = false;
  bool check_config = false;
  bool print_metrics = false;
  std::string source;  // read alone
  bool spool = false;
  bool sources = false;
  std::string probe;  // the journey that is walked once; "": none
};

int Complain(Exit code, const std::string& message) {
  std::fprintf(stderr, "haidang-agent: %s\n", message.c_str());
  return code;
}

int Print(const Result<std::string>& text) {
  if (!text) return Complain(kCannotRun, text.error().message);
  if (std::fwrite(text->data(), 1, text->size(), stdout) != text->size() ||
      std::fflush(stdout) != 0) {
    return Complain(kCannotRun, std::string("cannot write to stdout: ") + std::strerror(errno));
  }
  return kOk;
}

// The width of the terminal that stdout is; 100 columns where it is none.
WaterfallOptions LookOfStdout() {
  WaterfallOptions look;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.width = size.ws_col;
  const char* locale = std::setlocale(LC_CTYPE, "");
  look.ascii = locale == nullptr || std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
  return look;
}

int WalkAndPrint(const Options& options, const std::string& journey) {
  const auto walked = WalkOnce(options, journey, LookOfStdout());
  if (!walked) return Complain(kCannotRun, walked.error().message);
  const int printed = Print(walked->text);
  return printed == kOk && !walked->succeeded ? kCannotRun : printed;
}

LinkOptions LinkOptionsOf(const Options& options, JourneyLeases& leases) {
  LinkOptions link;
  link.leased = [&leases](const std::vector<sparkplug::Lease>& said) { leases.Set(said); };
  link.group = options.group;
  link.machine = options.machine;
  link.machine_class = options.machine_class;
  link.site = options.site;
  link.os = "linux";
  link.version = HAIDANG_VERSION;
  link.interval = options.interval;
  link.mqtt = options.broker;
  return link;
}

// The parts that work together while the agent runs; wired here, torn down in reverse.
class Daemon {
 public:
  Daemon(const Options& options, uint64_t boot_id, std::unique_ptr<Spool> spool,
         std::unique_ptr<TestLedger> ledger, JourneyLeases& leases, Loop& loop, const Clock& clock,
         std::mt19937_64& random)
      : loop_(loop),
        clock_(clock),
        state_directory_(options.state_directory),
        spool_(std::move(spool)),
        ledger_(std::move(ledger)),
        recorder_(*spool_, clock, {.boot_id = boot_id, .ledger = ledger_.get()}),
        link_(loop, clock, LinkOptionsOf(options, leases), recorder_, *spool_,
              [&random] { return std::uniform_real_distribution<double>(0, 1)(random); }),
        lost_(clock) {}

  Status Start(const Options& options, std::vector<std::unique_ptr<Source>> sources,
               std::optional<Event> reboot) {
    if (Status started = link_.Start(); !started.ok()) return started;
    sampler_ = std::make_unique<Sampler>(
        loop_, clock_,
        SamplerOptions{.interval = options.interval,
                       .offset = SplayOf(options.machine, options.interval)},
        std::move(sources), [this](Tick&& tick) { OnTick(std::move(tick)); });
    if (reboot) sampler_->AddEvent(std::move(*reboot));
    sampler_->AddEvent({clock_.WallMs(), "agent_started", options.machine, HAIDANG_VERSION});
    sampler_->Start();
    first_release_ = loop_.After(kFirstRelease, ReleaseIdleCode);
    releases_ = loop_.Every(kReleaseEvery, ReleaseIdleCode);
    TellSpool();
    tellings_ = loop_.Every(kSpoolStatusEvery, [this] { TellSpool(); });
    return {};
  }

  AgentStats stats() const {
    const LinkStats link = link_.stats();
    return {.connected = link.connected,
            .waiting_batches = link.waiting_batches,
            .waiting_bytes = static_cast<uint64_t>(link.waiting_bytes),
            .held_bytes = static_cast<uint64_t>(spool_->held_bytes()),
            .dropped_batches = link.dropped_batches,
            .resent_batches = link.resent_batches,
            .births = link.births,
            .bad_commands = link.bad_commands,
            .refused_readings = recorder_.refused_series(),
            .lost_ticks = lost_ticks_,
            .clock_offset_seconds =
                link.clock ? std::optional(link.clock->offset_seconds) : std::nullopt,
            .clock_error_seconds =
                link.clock ? std::optional(link.clock->error_seconds) : std::nullopt};
  }

  // Ends the loop once the collector has been told, or could not be.
  void Stop() {
    if (stopping_) return;
    stopping_ = true;
    sampler_->Stop();
    spdlog::info("stopping");
    Tick last;
    last.wall_ms = clock_.WallMs();
    last.since_boot_ms = clock_.SinceBootMs();
    last.events.push_back({last.wall_ms, "agent_stopping", "", ""});
    auto batch = recorder_.Record(std::move(last), sparkplug::AgentState::kStopping);
    link_.Stop(batch ? std::optional(*batch) : std::nullopt, kStopDeadline,
               [this] { loop_.Stop(); });
  }

  Status Close() {
    const Status closed = spool_->Close();
    TellSpool();
    return closed;
  }

 private:
  // For `haidang-agent spool`.
  void TellSpool() {
    const Result<SpoolReport> report = spool_->Report();
    const Status told = report ? WriteSpoolStatus(state_directory_, *report, clock_.WallMs())
                               : Status(report.error());
    // Where the disk is full, the spool says so.
    if (!told) spdlog::debug("{}; haidang-agent spool tells what was before", told.error().message);
  }

  void OnTick(Tick&& tick) {
    const auto batch = recorder_.Record(std::move(tick));
    if (!batch) {
      ++lost_ticks_;
      if (lost_.Met()) spdlog::error("what was read is lost: {}", batch.error().message);
      return;
    }
    if (const auto count = lost_.Over()) {
      spdlog::info("what is read is stored again; {} readings were lost", *count);
    }
    link_.Submit(*batch);
  }

  Loop& loop_;
  const Clock& clock_;
  const std::string state_directory_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<TestLedger> ledger_;  // null but in tests
  Recorder recorder_;
  Link link_;
  std::unique_ptr<Sampler> sampler_;
  Trouble lost_;  // ticks
  std::unique_ptr<Timer> first_release_;
  std::unique_ptr<Timer> releases_;
  std::unique_ptr<Timer> tellings_;
  uint64_t lost_ticks_ = 0;
  bool stopping_ = false;
};

int Run(const Options& options, const std::string& root, const std::string& test_ledger) {
  // One arena and early trimming: a few threads that seldom work need no heap of their own.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 64 << 10);
  ServiceManager manager(ServiceManager::TakeWishes());
  SetUpLog("haidang-agent", options.log_level);
  for (const std::string& warning : options.warnings) spdlog::warn("{}", warning);
  auto claim = [&options, claimed = false]() mutable -> Status {
    if (claimed) return {};
    const Status done = ClaimStateDirectory(options.state_directory, "agent");
    claimed = done.ok();
    if (!done) return Error{"state.directory " + done.error().message};
    return {};
  };
  if (const Status claimed = claim(); !claimed && !DiskTakesNothing(options.state_directory)) {
    return Complain(kCannotRun, claimed.error().message);
  }
  const SystemClock clock;
  const auto boot = ReadBootFacts(root, clock);
  if (!boot) return Complain(kCannotRun, boot.error().message);

  std::random_device seed;
  std::mt19937_64 random((uint64_t{seed()} << 32) | seed());
  const auto loop = MakeLoop();
  JourneyLeases leases;
  std::optional<Daemon> daemon;
  auto sources = MakeSources(options, {*loop, clock, root, [&daemon] { return daemon->stats(); },
                                       options.state_directory, &leases});
  if (!sources) return Complain(kCannotRun, sources.error().message);
  // From here on a signal waits until the loop runs, and ends it in order: the spool is in use.
  loop->OnTerminate([&] {
    manager.Stops();
    daemon->Stop();
  });
  auto spool = Spool::Open({.path = options.state_directory + "/spool.db",
                            .max_bytes = options.spool_max_bytes,
                            .max_age = options.spool_max_age,
                            .sync = options.spool_sync,
                            .machine = options.machine,
                            .claim = claim},
                           clock, [&random] { return random(); });
  if (!spool) return Complain(kCannotRun, spool.error().message);

  std::unique_ptr<TestLedger> ledger;
  if (!test_ledger.empty()) {
    auto opened = TestLedger::Open(test_ledger, options.machine, **spool);
    if (!opened) return Complain(kCannotRun, opened.error().message);
    ledger = std::move(*opened);
  }
  daemon.emplace(options, boot->boot_id, std::move(*spool), std::move(ledger), leases, *loop, clock,
                 random);
  spdlog::info("version {}, machine {}, every {} ms to {}", HAIDANG_VERSION, options.machine,
               options.interval.count(), options.broker.uri);
  auto reboot = TellReboot(root, options.state_directory, *boot);
  if (!reboot)
    spdlog::warn("whether the machine was booted anew is not known: {}", reboot.error().message);
  const Status started =
      daemon->Start(options, std::move(*sources), reboot ? std::move(*reboot) : std::nullopt);
  if (started) {
    const auto watchdog = manager.Works(*loop);
    loop->Run();
  }
  const Status closed = daemon->Close();
  if (!closed) spdlog::error("the spool was not closed in order: {}", closed.error().message);
  daemon.reset();
  return started ? kOk : Complain(kBadConfig, started.error().message);
}

// What start would refuse, and nothing else; leaves nothing behind.
int CheckConfig(const Options& options, const std::string& path) {
  if (!options.probes.empty() || !options.journeys.empty() || !options.http_json.empty()) {
    if (const Status probing = CheckProbing(); !probing) {
      return Complain(kCannotRun, probing.error().message);
    }
  }
  for (const std::string& warning : options.warnings) {
    std::fprintf(stderr, "haidang-agent: %s: warning: %s\n", path.c_str(), warning.c_str());
  }
  return std::printf("%s: ok\n", path.c_str()) >= 0 ? kOk : kCannotRun;
}

int PrintVersion() {
  return std::puts("haidang-agent " HAIDANG_VERSION) >= 0 && std::fflush(stdout) == 0 ? kOk
                                                                                      : kCannotRun;
}

int Main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Hải Đăng's agent: reads this machine and sends what it reads to the collector.");
  auto* version = app.add_flag("--version", line.version, "print the version, end");
  const auto* config = app.add_option("--config", line.config, "configuration file")
                           ->type_name("FILE")
                           ->capture_default_str();
  auto* check = app.add_flag("--check-config", line.check_config,
                             "check the configuration and what it names, print \"FILE: ok\", end")
                    ->excludes(version);
  auto* print =
      app.add_flag(
             "--print-metrics", line.print_metrics,
             "read everything once, print it in Prometheus' text format, end; needs no broker")
          ->excludes(version)
          ->excludes(check);
  const auto* only = app.add_option("--source", line.source, "with --print-metrics: read this one")
                         ->type_name("NAME")
                         ->needs(print);
  app.add_option("--test-ledger", line.test_ledger,
                 "for tests only: append every value that a stored batch states, a JSON line each")
      ->type_name("FILE");
  app.add_option("--root", line.root, "read /proc below this directory (containers, tests)")
      ->type_name("DIR")
      ->capture_default_str();
  auto* spool =
      app.add_subcommand("spool", "print what waits for the collector, how old and how big it is")
          ->fallthrough()
          ->excludes(version)
          ->excludes(check)
          ->excludes(print);
  auto* sources =
      app.add_subcommand("sources",
                         "read every source once: a table of what they are, read and cost")
          ->fallthrough()
          ->excludes(version)
          ->excludes(check)
          ->excludes(print)
          ->excludes(spool);
  auto* probe =
      app.add_subcommand("probe", "walk a journey once, now, and draw where its time went")
          ->fallthrough()
          ->excludes(version)
          ->excludes(check)
          ->excludes(print)
          ->excludes(spool)
          ->excludes(sources);
  probe->add_option("NAME", line.probe, "the journey")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadUsage;
  }
  if (line.version) return PrintVersion();
  if (!line.root.ends_with('/')) line.root += '/';
  line.spool = spool->parsed();
  line.sources = sources->parsed();
  if (only->count() > 0 && FindSource(line.source) == nullptr) {
    return Complain(kBadUsage, "--source: there is no source \"" + Printable(line.source) +
                                   "\"; allowed: " + std::string(SourceNames()));
  }
  const bool reads_once = line.print_metrics || line.sources;
  if (line.check_config || reads_once || !line.probe.empty()) DieOnTerminate();

  const bool defaults = reads_once && config->count() == 0 && !std::filesystem::exists(line.config);
  const bool asks = reads_once || line.spool || !line.probe.empty();
  const Need need = asks ? Need::kReading : Need::kAll;
  const auto options =
      defaults ? ParseOptions("", line.config, need) : LoadOptions(line.config, need);
  if (!options) return Complain(kBadConfig, options.error().message);
  if (line.check_config) return CheckConfig(*options, line.config);
  if (line.spool) return Print(ReadSpoolStatus(options->state_directory, SystemClock()));
  if (!line.probe.empty()) return WalkAndPrint(*options, line.probe);
  if (line.sources) return Print(DescribeSources(*options, line.root));
  if (line.print_metrics) return Print(ReadMetricsOnce(*options, line.root, line.source));
  return Run(*options, line.root, line.test_ledger);
}

}  // namespace
}  // namespace haidang::agent

int main(int argc, char** argv) {
  haidang::ExitOnTerminate();
  return haidang::agent::Main(argc, argv);
}
