#include "collector/command_line.h"

#include <CLI/CLI.hpp>

namespace haidang::collector {
namespace {

using Kind = Command::Kind;

// What an unset variable of somebody's script makes of a file's name.
std::string RefuseEmpty(const std::string& path) {
  return path.empty() ? "is empty; allowed: a path" : "";
}

void AddCheck(CLI::App& app, Command& command) {
  auto* check = app.add_subcommand(
      "check",
      "read the whole store while no collector runs on it, or a backup, say what it holds and "
      "what is wrong, end; 0: whole, 3: faults, or it cannot be read");
  check->add_option("FILE", command.file, "a backup, in place of the store")
      ->type_name("")
      ->check(RefuseEmpty);
  check->parse_complete_callback([&] { command.kind = Kind::kCheck; });
}

void AddBackup(CLI::App& app, Command& command) {
  auto* backup = app.add_subcommand(
      "backup",
      "copy the store to FILE, as it is at one moment, and check the copy, end; a collector that "
      "runs makes it itself, and goes on meanwhile");
  backup->add_option("FILE", command.file, "in a directory that the collector may write in")
      ->type_name("")
      ->required()
      ->check(RefuseEmpty);
  backup->add_flag("--force", command.replace, "replace FILE where it is a database already");
  backup->parse_complete_callback([&] { command.kind = Kind::kBackup; });
}

void AddRestore(CLI::App& app, Command& command) {
  auto* restore = app.add_subcommand(
      "restore",
      "put a copy of FILE, a backup, in place of the store while no collector runs on it, and "
      "keep the store that was there beside it, end");
  restore->add_option("FILE", command.file, "what `backup` made")
      ->type_name("")
      ->required()
      ->check(RefuseEmpty);
  restore->parse_complete_callback([&] { command.kind = Kind::kRestore; });
}

void AddExport(CLI::App& app, Command& command) {
  auto* dump = app.add_subcommand(
      "export", "write what the store holds to stdout, while no collector runs on it, or a backup");
  ExportOrder& order = command.dump;
  auto* kinds = dump->add_option_group("kind");
  kinds->add_flag("--ledger", order.ledger, "every value that a machine stated, a JSON line each");
  kinds->add_flag("--openmetrics", order.openmetrics,
                  "each value at each tick at which it is known, as OpenMetrics text 1.0");
  kinds->add_flag("--csv", order.csv, "the same as CSV with a header, texts besides");
  kinds->require_option(1);
  dump->add_option("--store", order.file, "a backup, in place of the store")
      ->type_name("FILE")
      ->check(RefuseEmpty);
  const auto samples = [&](const char* name, auto& value, const char* help, const char* type) {
    return dump->add_option(name, value, help)->type_name(type)->excludes("--ledger");
  };
  samples("--from", order.from, "2026-11-23T07:00:00Z (or +07:00, or the day alone), or Unix ms",
          "TIME");
  samples("--to", order.to, "the same; inclusive", "TIME");
  samples("--machine", order.machines, "this one alone; may be given again", "NAME")
      ->allow_extra_args(false);
  samples("--metric", order.metrics, "this one alone; may be given again", "NAME")
      ->allow_extra_args(false);
  dump->parse_complete_callback([&] { command.kind = Kind::kExport; });
}

}  // namespace

std::optional<Command> ParseCommandLine(int argc, char** argv, int bad_usage, int* code) {
  CLI::App app("Takes in what agents send, stores it, acknowledges it, and answers questions.");
  Command command;
  app.add_option("--config", command.config,
                 "TOML file; packaging/sample/collector.toml explains it")
      ->type_name("FILE")
      ->capture_default_str();
  bool show_version = false, check_config = false;
  auto* version = app.add_flag("--version", show_version, "print the version, end");
  auto* check = app.add_flag("--check-config", check_config,
                             "read the configuration and the files that it names, print \"FILE: "
                             "ok\", end")
                    ->excludes(version);
  app.fallthrough();
  AddCheck(app, command);
  AddBackup(app, command);
  AddRestore(app, command);
  AddExport(app, command);
  app.require_subcommand(0, 1);
  for (CLI::App* tool : app.get_subcommands({})) tool->excludes(version)->excludes(check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *code = app.exit(error) == 0 ? 0 : bad_usage;
    return std::nullopt;
  }
  if (show_version) command.kind = Kind::kVersion;
  if (check_config) command.kind = Kind::kCheckConfig;
  return command;
}

}  // namespace haidang::collector
