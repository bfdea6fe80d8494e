// haidang-fleet: a load of simulated agents over plain TCP, for benches and tests on loopback.
// Prints one JSON object; exits 0 where everything that was sent was acknowledged.
//   haidang-fleet          machines that send as fast as they may, all values changing
//   haidang-fleet return   real agents' code, back after hours without a link

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "tests/support/fleet/fleet.h"
#include "tests/support/fleet/returning_fleet.h"

namespace {

nlohmann::ordered_json ToJson(const haidang::fleet::Options& options,
                              const haidang::fleet::Report& report) {
  const haidang::fleet::Counters& total = report.total;
  return {
      {"agents", options.agents},
      {"series", options.series},
      {"values_per_second", static_cast<double>(report.measured_values) / report.measured_seconds},
      {"seconds", report.measured_seconds},
      {"values_acknowledged_in_measure", report.measured_values},
      {"cpu_seconds", report.cpu_seconds},
      {"watched_cpu_seconds", report.watched_cpu_seconds},
      {"overall_seconds", report.overall_seconds},
      {"values_sent", total.sent_values},
      {"values_acknowledged", total.settled_values},
      {"batches_sent", total.sent_batches},
      {"batches_sent_again", total.resent_batches},
      {"batches_unacknowledged", report.unsettled_batches},
      {"births", total.births},
      {"rebirth_requests", total.rebirth_requests},
      {"faults", total.faults},
      {"disconnects", report.disconnects}};
}

nlohmann::ordered_json ToJson(const haidang::fleet::ReturnOptions& options,
                              const haidang::fleet::ReturnReport& report) {
  return {{"agents", options.agents},
          {"hours", options.hours},
          {"series", options.series},
          {"backlog_batches", report.backlog_batches},
          {"recorded_batches", report.recorded_batches},
          {"sent_batches", report.sent_batches},
          {"caught_up", report.caught_up},
          {"catch_up_seconds", report.catch_up_seconds},
          {"cpu_seconds", report.cpu_seconds},
          {"batches_unacknowledged", report.unsettled},
          {"births", report.births},
          {"bad_commands", report.bad_commands},
          {"prepare_seconds", report.prepare_seconds},
          {"peak_rss_mib", report.peak_rss_mib}};
}

void AddReturn(CLI::App& app, haidang::fleet::ReturnOptions& options) {
  CLI::App* back = app.add_subcommand(
      "return", "agents that lived through an outage, and all come back at once");
  back->add_option("--host", options.host, "numeric address of the broker")->capture_default_str();
  back->add_option("--port", options.port, "its plain TCP port")->capture_default_str();
  back->add_option("--group", options.group, "Sparkplug group")->capture_default_str();
  back->add_option("--prefix", options.prefix, "machines are <prefix>-<number>")
      ->capture_default_str();
  back->add_option("--directory", options.directory, "of spools and ledgers")->required();
  back->add_flag("--ledgers", options.ledgers, "write what each machine's batches state");
  back->add_option("--agents", options.agents, "how many")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  back->add_option("--hours", options.hours, "without a link")
      ->check(CLI::Range(0.0, 336.0))
      ->capture_default_str();
  back->add_option("--series", options.series, "of each machine")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  back->add_option("--change", options.change, "share of the ticks at which a series changes")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  back->add_option("--backoff-max", options.backoff_max, "seconds, as the agents' [broker] key")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  back->add_option("--stay", options.stay, "seconds of live data after all have caught up")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  back->add_option("--patience", options.patience, "seconds until all must have caught up")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  back->add_option("--seed", options.seed, "of contents and waits")->capture_default_str();
}

int RunReturn(const haidang::fleet::ReturnOptions& options) {
  haidang::SetUpLog("haidang-fleet", "error");
  const auto report = haidang::fleet::ReturningFleet(options).Run();
  if (!report) {
    std::fprintf(stderr, "haidang-fleet: %s\n", report.error().message.c_str());
    return 2;
  }
  std::printf("%s\n", ToJson(options, *report).dump().c_str());
  return report->unsettled == 0 && report->bad_commands == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  haidang::fleet::Options options;
  CLI::App app{"A fleet of simulated agents: births, batches, acknowledgements over MQTT 5"};
  app.add_option("--host", options.host, "numeric address of the broker")->capture_default_str();
  app.add_option("--port", options.port, "its plain TCP port")->capture_default_str();
  app.add_option("--group", options.group, "Sparkplug group")->capture_default_str();
  app.add_option("--prefix", options.prefix, "machines are <prefix>-<index>")
      ->capture_default_str();
  app.add_option("--agents", options.agents, "how many")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--connections", options.connections, "shared by the agents; 0: one each")
      ->capture_default_str();
  app.add_option("--series", options.series, "values a batch, all changing")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "values a second; 0: as fast as acknowledged")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--window", options.window, "unacknowledged batches an agent where rate is 0")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-wait", options.max_wait,
                 "seconds that an agent's oldest batch may wait before it pauses; 0: any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up, "seconds of sending before the measure")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "of measure")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--drain", options.drain, "seconds to wait for the last acknowledgements")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--ramp", options.ramp, "seconds over which agents connect and are born")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of contents and waits")->capture_default_str();
  app.add_option("--watch", options.watched, "processes whose CPU time in the measure is told");
  haidang::fleet::ReturnOptions return_options;
  AddReturn(app, return_options);
  CLI11_PARSE(app, argc, argv);
  try {
    if (app.got_subcommand("return")) return RunReturn(return_options);
    const haidang::SystemClock clock;
    const haidang::fleet::Report report = haidang::fleet::Fleet(options, clock).Run();
    std::printf("%s\n", ToJson(options, report).dump().c_str());
    return report.unsettled_batches == 0 && report.total.faults == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "haidang-fleet: %s\n", error.what());
    return 2;
  }
}
