#include "agent/sources/plugins.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/agent/log_capture.h"
#include "tests/agent/script.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::LogCapture;
using haidang::testing::Read;
using haidang::testing::RunUntil;
using haidang::testing::Script;
using haidang::testing::TempDir;

namespace {

PluginOptions Plugin(const std::string& name, std::vector<std::string> argv) {
  PluginOptions options;
  options.name = name;
  options.command.argv = std::move(argv);
  return options;
}

struct Bench {
  explicit Bench(const std::vector<PluginOptions>& plugins) : loop(MakeLoop()) {
    ChildRunnerOptions limits;
    limits.term_grace = 50ms;
    limits.leave_grace = 50ms;
    runner = std::make_shared<ChildRunner>(*loop, system, limits);
    source = MakePluginsSource(runner, clock, 15s, plugins);
  }

  // Prepares, waits for what that begins, and reads.
  haidang::testing::ReadResult Round() {
    source->Prepare();
    CHECK(RunUntil(*loop, [&] { return runner->running() == 0; }));
    CHECK(source->Ready());
    return Read(*source);
  }

  SystemClock system;
  FakeClock clock;
  std::unique_ptr<Loop> loop;
  std::shared_ptr<ChildRunner> runner;
  std::unique_ptr<Source> source;
};

// The text of a plug-in at the last reading, which has no number.
std::string TextOf(Source& source, const std::string& name) {
  std::vector<Reading> readings;
  std::vector<Event> events;
  REQUIRE(source.Read(0, readings, events).ok());
  for (const Reading& reading : readings) {
    if (reading.series.metric == "haidang_plugin_output" &&
        reading.series.labels.at("name") == name) {
      return std::get<std::string>(reading.value);
    }
  }
  return "no text";
}

std::vector<PluginOptions> Parse(const std::string& text, std::string* error = nullptr) {
  auto file = ConfigFile::Parse(text, "agent.toml").value();
  ConfigTable root = file->root();
  auto plugins = ReadPluginOptions(root);
  root.Finish();
  if (error != nullptr) {
    *error = file->error() ? file->error()->message : "";
  } else {
    CHECK_FALSE(file->error());
  }
  return plugins;
}

}  // namespace

TEST_CASE("plug-ins: state, text, performance data with thresholds") {
  const TempDir dir;
  const std::string script = Script(dir, "check",
                                    "echo \"DISK WARNING - ổ đĩa | '/var lib'=50%;40;90:;0;100 "
                                    "time=20ms;;~:1000 sent=7c n=5;@1:2 bad=x u=U\"; exit 1");
  Bench bench({Plugin("disk", {script}), Plugin("plain", {"/bin/echo", "fine"})});
  const auto read = bench.Round();
  CHECK(read.values.at(R"(haidang_plugin_state{name="disk"})") == 1);
  CHECK(read.values.at(R"(haidang_plugin_bad_perfdata{name="disk"})") == 1);
  CHECK(read.values.at(R"(haidang_plugin_duration_seconds{name="disk"})") >= 0);
  const auto value = [&](const std::string& metric, const std::string& label, const char* unit) {
    return read.values.at("haidang_plugin_" + metric + "{label=\"" + label +
                          "\",name=\"disk\",unit=\"" + unit + "\"}");
  };
  CHECK(value("value", "/var lib", "ratio") == 0.5);
  CHECK(value("value_min", "/var lib", "ratio") == 0);
  CHECK(value("value_max", "/var lib", "ratio") == 1);
  CHECK(value("warning_max", "/var lib", "ratio") == Approx(0.4));
  CHECK(value("critical_min", "/var lib", "ratio") == Approx(0.9));
  CHECK(value("value", "time", "seconds") == Approx(0.02));
  CHECK(value("critical_max", "time", "seconds") == Approx(1));
  CHECK(value("value", "n", "") == 5);
  CHECK(read.values.at(R"(haidang_plugin_counter_total{label="sent",name="disk"})") == 7);
  CHECK(read.values.size() == 8 + 9 + 2);
  CHECK(read.values.at(R"(haidang_plugin_state{name="plain"})") == 0);
  CHECK(TextOf(*bench.source, "disk") == "DISK WARNING - ổ đĩa");
  CHECK(TextOf(*bench.source, "plain") == "fine");
}

TEST_CASE("plug-ins: an event where a state changes") {
  const TempDir dir;
  const std::string script =
      Script(dir, "check", "cat " + dir / "says" + "; exit $(cat " + dir / "code" + ")");
  const auto says = [&](const std::string& text, int code) {
    std::ofstream(dir / "says") << text << "\n";
    std::ofstream(dir / "code") << code << "\n";
  };
  Bench bench({Plugin("web", {script})});
  const auto round = [&] {
    bench.clock.Advance(60s);
    return bench.Round().events;
  };
  says("fine", 0);
  CHECK(round().empty());
  says("down | t=1", 2);
  auto events = round();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == "plugin_state");
  CHECK(events[0].key == "web");
  CHECK(events[0].text == "critical: down, was ok");
  CHECK(events[0].time_ms == bench.clock.WallMs());
  says("still down", 2);
  CHECK(round().empty());
  says(std::string(1000, 'x'), 1);
  events = round();
  REQUIRE(events.size() == 1);
  CHECK(events[0].text.size() <= kMaxEventText);
  CHECK(events[0].text.ends_with("x, was critical"));
  // One that is not well from the start is told too.
  says("down", 2);
  Bench fresh({Plugin("web", {script})});
  events = fresh.Round().events;
  REQUIRE(events.size() == 1);
  CHECK(events[0].text == "critical: down");
}

TEST_CASE("plug-ins: what does not work is unknown and says why") {
  const LogCapture log;
  const TempDir dir;
  std::vector<PluginOptions> plugins = {
      Plugin("missing", {dir / "check_none"}),
      Plugin("code", {Script(dir, "code", "echo text; exit 7")}),
      Plugin("dies", {Script(dir, "dies", "echo 'begun | x=1'; kill -9 $$")}),
      Plugin("silent", {"/bin/true"}),
      Plugin("errors", {Script(dir, "errors", "echo; echo '  '>&2; echo 'no route' >&2; exit 3")}),
      Plugin("hangs", {Script(dir, "hangs", "echo 'connecting | x=1'; sleep 1000")}),
      Plugin("floods", {"/usr/bin/yes"}),
      Plugin("binary", {"/usr/bin/head", "-c", "3000", "/bin/true"}),
      Plugin("long",
             {Script(dir, "long", "echo 'x | a=1'; head -c 70000 /dev/zero | tr '\\0' 1; echo")}),
  };
  plugins[5].command.timeout = 200ms;
  Bench bench(plugins);
  const auto read = bench.Round();
  const auto state = [&](const std::string& name) {
    return read.values.at("haidang_plugin_state{name=\"" + name + "\"}");
  };
  for (const char* name : {"missing", "code", "dies", "errors", "hangs", "floods"}) {
    INFO(name);
    CHECK(state(name) == 3);
  }
  for (const char* name : {"silent", "binary", "long"}) CHECK(state(name) == 0);
  const auto text = [&](const char* name) { return TextOf(*bench.source, name); };
  CHECK(text("missing") == "check_none cannot be run: No such file or directory");
  CHECK(text("code") == "exit code 7: text");
  CHECK(text("dies") == "was ended by signal 9 (Killed): begun");
  CHECK(text("silent") == "has printed nothing");
  CHECK(text("errors") == "no route");
  CHECK(text("hangs") == "has not ended after 0.2 s: connecting");
  CHECK(text("floods") == "has written more than 1048576 bytes: y");
  CHECK(text("binary").starts_with("?ELF"));
  CHECK(text("long") == "x");
  CHECK(read.values.at(R"(haidang_plugin_value{label="a",name="long",unit=""})") == 1);
  // What did not come to its end is not believed.
  CHECK_FALSE(read.values.contains(R"(haidang_plugin_value{label="x",name="dies",unit=""})"));
  CHECK(log.Count("plugin missing: cannot be run: No such file or directory") == 1);
  CHECK(log.Count("plugin hangs: has not ended after 0.2 s") == 1);
  CHECK(log.Count("plugin code") == 0);
}

TEST_CASE("plug-ins run when they are due, and one at a time each") {
  const TempDir dir;
  const std::string script = Script(dir, "check", "echo x >> " + dir / "runs" + "; sleep 0.2");
  Bench bench({Plugin("slow", {script})});
  const auto runs = [&] {
    return std::filesystem::exists(dir / "runs") ? std::filesystem::file_size(dir / "runs") / 2 : 0;
  };
  CHECK(Read(*bench.source).values.empty());
  bench.source->Prepare();
  bench.clock.Advance(300s);
  bench.source->Prepare();  // it has not ended
  CHECK_FALSE(bench.source->Ready());
  bench.Round();
  CHECK(runs() == 1);
  CHECK(Read(*bench.source).values.at(R"(haidang_plugin_runs_total{name="slow"})") == 1);
  bench.clock.Advance(45s);  // counted from the beginning of the run, which was long ago
  bench.source->Prepare();
  CHECK(bench.source->Ready());  // what was before stands
  CHECK(Read(*bench.source).values.contains(R"(haidang_plugin_state{name="slow"})"));
  CHECK(RunUntil(*bench.loop, [&] { return runs() == 2; }));
}

TEST_CASE("plug-ins: without performance data where it is not wanted") {
  PluginOptions quiet = Plugin("quiet", {"/bin/echo", "OK | a=1 b"});
  quiet.perfdata = false;
  Bench bench({quiet});
  CHECK(bench.Round().values.size() == 4);
}

TEST_CASE("[[plugin]]") {
  const auto plugins = Parse(
      "[[plugin]]\nname = \"tai\"\ncommand = [\"/usr/lib/nagios/plugins/check_load\", \"-w\", "
      "\"5\"]\n[[plugin]]\nname = \"b\"\ncommand = [\"/x\"]\ninterval = \"5min\"\ntimeout = 30\n"
      "perfdata = false\nenvironment = { PGPASSFILE = \"/etc/pgpass\" }\n");
  REQUIRE(plugins.size() == 2);
  CHECK(plugins[0].command.argv.size() == 3);
  CHECK(plugins[0].interval == 60s);
  CHECK(plugins[0].command.timeout == 10s);
  CHECK(plugins[0].perfdata);
  CHECK_FALSE(plugins[0].command.user);
  CHECK(plugins[1].interval == 5min);
  CHECK(plugins[1].command.timeout == 30s);
  CHECK_FALSE(plugins[1].perfdata);
  CHECK(plugins[1].command.environment.at("PGPASSFILE") == "/etc/pgpass");
  const auto fault = [](const std::string& rest) {
    std::string error;
    Parse("[[plugin]]\nname = \"a\"\n" + rest, &error);
    return error;
  };
  using Catch::Matchers::StartsWith;
  CHECK_THAT(fault(""), StartsWith("agent.toml:1: plugin[0].command: is missing; allowed: "));
  CHECK_THAT(fault("comand = [\"/x\"]\n"), Catch::Contains("did you mean command?"));
  CHECK_THAT(fault("command = []\n"), Catch::Contains("must not be empty; allowed: "));
  CHECK_THAT(fault("command = \"/x\"\n"), Catch::Contains("must be a list of texts"));
  CHECK_THAT(fault("command = [\"check_load\"]\n"),
             Catch::Contains("path of a program; allowed: "));
  CHECK_THAT(fault("command = [\"/x\"]\ninterval = \"1s\"\n"), Catch::Contains("out of range"));
  CHECK_THAT(fault("command = [\"/x\"]\nuser = \"no-such\"\n"),
             Catch::Contains("plugin[0].user: there is no user \"no-such\"; allowed: "));
  CHECK_THAT(fault("command = [\"/x\"]\nenvironment = { \"A B\" = \"\" }\n"),
             Catch::Contains("no name of a variable; allowed: "));
  CHECK_THAT(fault("command = [\"/x\"]\n[[plugin]]\nname = \"a\"\ncommand = [\"/x\"]\n"),
             Catch::Contains("two [[plugin]] of this name; allowed: "));
  if (geteuid() == 0) {
    const auto other = Parse("[[plugin]]\nname = \"a\"\ncommand = [\"/x\"]\nuser = \"nobody\"\n");
    REQUIRE(other[0].command.user);
    CHECK(other[0].command.user->name == "nobody");
    CHECK_FALSE(
        Parse("[[plugin]]\nname = \"a\"\ncommand = [\"/x\"]\nuser = \"root\"\n")[0].command.user);
  }
}

TEST_CASE("Debian's monitoring plug-ins") {
  const std::string directory = "/usr/lib/nagios/plugins/";
  if (!std::filesystem::exists(directory + "check_load")) {
    WARN("monitoring-plugins-basic is not installed: not tried");
    return;
  }
  Bench bench({
      Plugin("load", {directory + "check_load", "-w", "10000", "-c", "20000"}),
      Plugin("disk", {directory + "check_disk", "-w", "1", "-c", "0", "-p", "/"}),
      Plugin("processes", {directory + "check_procs", "-w", "1:", "-c", "1:"}),
      Plugin("closed", {directory + "check_tcp", "-H", "127.0.0.1", "-p", "1"}),
      Plugin("dummy", {directory + "check_dummy", "1", "hello"}),
  });
  const auto read = bench.Round();
  const auto state = [&](const std::string& name) {
    return read.values.at("haidang_plugin_state{name=\"" + name + "\"}");
  };
  CHECK(state("load") == 0);
  CHECK(state("disk") == 0);
  CHECK(state("processes") == 0);
  CHECK(state("closed") == 2);
  CHECK(state("dummy") == 1);
  CHECK(TextOf(*bench.source, "dummy") == "WARNING: hello");
  CHECK(read.values.contains(R"(haidang_plugin_value{label="load15",name="load",unit=""})"));
  CHECK(read.values.at(R"(haidang_plugin_critical_max{label="load1",name="load",unit=""})") ==
        20000);
  CHECK(read.values.at(R"(haidang_plugin_value{label="/",name="disk",unit="bytes"})") > 1 << 20);
  CHECK(read.values.at(R"(haidang_plugin_value{label="procs",name="processes",unit=""})") >= 1);
  for (const auto& [series, value] : read.values) {
    INFO(series);
    if (series.starts_with("haidang_plugin_bad_perfdata")) CHECK(value == 0);
  }
}
