#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/sources/text.h"
#include "core/io/database.h"
#include "tests/agent/agent_program.h"
#include "tests/agent/raw_server.h"
#include "tests/support/temp_dir.h"

// The real program, from its command line to its exit.
using namespace haidang;
using namespace std::chrono_literals;
using haidang::testing::Agent;
using haidang::testing::Ended;
using haidang::testing::RawServer;
using haidang::testing::Run;
using haidang::testing::Running;
using haidang::testing::Steady;
using haidang::testing::TempDir;
using haidang::testing::Write;

TEST_CASE("version, help and usage") {
  const TempDir dir;
  CHECK(Run(dir, {"--version"}).out == "haidang-agent " HAIDANG_VERSION "\n");
  const Ended help = Run(dir, {"--help"});
  CHECK(help.code == 0);
  CHECK(help.out.find("--check-config") != std::string::npos);
  const Ended unknown = Run(dir, {"--chekc-config"});
  CHECK(unknown.code == 2);
  CHECK_FALSE(unknown.err.empty());
}

TEST_CASE("of what is done once only one is taken") {
  const TempDir dir;
  const std::string config = Running(dir, 1883, dir / "state");
  const std::vector<std::string> once = {"--version", "--check-config", "--print-metrics", "spool",
                                         "sources"};
  for (const std::string& one : once) {
    for (const std::string& other : once) {
      if (one == other) continue;
      const Ended both = Run(dir, {"--config", config, one, other});
      CAPTURE(one, other, both.out, both.err);
      CHECK(both.code == 2);
      CHECK(both.out.empty());
      CHECK_THAT(both.err, Catch::Contains(one) && Catch::Contains(other));
    }
  }
}

TEST_CASE("--check-config") {
  const TempDir dir;
  const std::string good = Running(dir, 1883, dir / "state");
  const Ended ok = Run(dir, {"--config", good, "--check-config"});
  CHECK(ok.code == 0);
  CHECK(ok.out == good + ": ok\n");
  CHECK(ok.err.empty());
  const std::string bad = Write(dir, "[broker]\nurl = \"x\"\n");
  const Ended fault = Run(dir, {"--check-config", "--config", bad});
  CHECK(fault.code == 1);
  CHECK(fault.out.empty());
  CHECK(fault.err ==
        "haidang-agent: " + bad +
            ":2: broker.url: unknown key, did you mean uri?; allowed: backoff_max, ca, "
            "cert, connect_timeout, group, keep_alive, key, uri\n");
  const Ended absent = Run(dir, {"--check-config", "--config", dir / "no.toml"});
  CHECK(absent.code == 1);
  CHECK(absent.err.find("No such file") != std::string::npos);
}

TEST_CASE("--check-config: what works, but not as it may be meant, is told beside the ok") {
  const TempDir dir;
  std::string steps;
  for (int step = 0; step < 32; ++step) {
    steps += "[[journey.step]]\nname = \"s" + std::to_string(step) + "\"\nurl = \"http://a/\"\n";
  }
  std::string journeys;
  for (int journey = 0; journey < 9; ++journey) {
    journeys += "[[journey]]\nname = \"j" + std::to_string(journey) + "\"\n" + steps;
  }
  const std::string good = Running(dir, 1, dir / "state");
  std::ofstream(good, std::ios::app) << journeys;
  const Ended told = Run(dir, {"--check-config", "--config", good});
  CHECK(told.code == 0);
  CHECK(told.out == good + ": ok\n");
  CHECK_THAT(told.err, Catch::StartsWith("haidang-agent: " + good + ": warning: [[probe]] and "));
  const TempDir logs;
  Agent agent(logs, {"--config", good});
  CHECK(agent.Says("[[probe]] and [[journey]] come to up to "));
}

TEST_CASE("a proxy's password is in nothing that is printed") {
  const TempDir dir;
  const std::string config = Running(dir, 1, dir / "state");
  std::ofstream(config, std::ios::app)
      << "[log]\nlevel = \"debug\"\n[[journey]]\nname = \"j\"\nshare = \"none\"\n"
         "proxy = \"http://u:Matkhau9@127.0.0.1:1\"\n"
         "[[journey.step]]\nname = \"s\"\nurl = \"https://127.0.0.1:1/\"\n";
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"--check-config"},
                                               {"--print-metrics"},
                                               {"sources"},
                                               {"probe", "j"},
                                               {"spool"}}) {
    std::vector<std::string> all = {"--config", config};
    all.insert(all.end(), args.begin(), args.end());
    const Ended ended = Run(dir, all);
    CHECK(ended.code == 1);
    CHECK_THAT(ended.err, Catch::Contains("proxy: it must not hold a user name or password"));
    CHECK((ended.out + ended.err).find("Matkhau9") == std::string::npos);
  }
}

TEST_CASE("spool: what waits, while the agent runs and when it does not") {
  const TempDir dir;
  const std::string config = Running(dir, 1, dir / "state");
  Ended ended = Run(dir, {"spool", "--config", config});
  CHECK(ended.code == 3);
  CHECK_THAT(ended.err, Catch::Contains("no agent has run with this directory"));
  {
    const TempDir logs;
    Agent agent(logs, {"--config", config});
    REQUIRE(agent.Says("version"));
    ended = Run(dir, {"spool", "--config", config});
    for (int i = 0; i < 200 && ended.code != 0; ++i) {
      std::this_thread::sleep_for(10ms);  // it writes it right after that
      ended = Run(dir, {"spool", "--config", config});
    }
    CHECK(ended.code == 0);
    CHECK_THAT(ended.out,
               Catch::Matches("an agent runs here; as it was [0-9]+ s ago, at 2(.|\n)*"));
    std::ofstream(dir / "state/spool.status") << "2020-02-29 23:59:59 UTC\nwaiting: 7 batches\n";
    ended = Run(dir, {"spool", "--config", config});
    CHECK(ended.code == 0);
    CHECK_THAT(ended.out, Catch::Contains("these figures are stale") &&
                              Catch::Contains("is the disk full") &&
                              Catch::Contains("2020-02-29 23:59:59 UTC\nwaiting: 7 batches\n"));
    agent.Signal(SIGTERM);
    CHECK(agent.Wait() == 0);
  }
  ended = Run(dir, {"spool", "--config", config});
  CHECK(ended.code == 0);
  CHECK_THAT(ended.out, Catch::Contains("no agent runs here"));
  CHECK_THAT(ended.out, Catch::Contains("waiting: "));
  CHECK_THAT(ended.out, Catch::Contains("(current)"));
}

TEST_CASE("--print-metrics of a fixture machine: the whole output") {
  const TempDir dir;
  const std::string config =
      Write(dir, "[sources]\noff = [\"filesystem\", \"host\", \"time\", \"timex\"]\n");
  const std::string root = std::string(FIXTURES) + "/machines/commune-server";
  const Ended ended = Run(dir, {"--config", config, "--print-metrics", "--root", root});
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
  std::string text = ended.out;
  // How long sources took is this machine's, and so is the size of its pages.
  for (const char* own :
       {"\nnode_scrape_collector_duration_seconds{", "\nprocess_resident_memory"}) {
    for (size_t at; (at = text.find(own)) != std::string::npos;) {
      text.erase(at, text.find('\n', at + 1) - at);
    }
  }
  CHECK(text == agent::ReadSmallFile(std::string(FIXTURES) + "/print-metrics.txt").value());
}

TEST_CASE("--print-metrics --source: one source alone, also one that is switched off") {
  const TempDir dir;
  const std::string config = Write(dir, "[sources]\noff = [\"loadavg\"]\n");
  const std::string root = std::string(FIXTURES) + "/machines/commune-server";
  const auto print = [&](const std::string& name) {
    return Run(dir, {"--config", config, "--root", root, "--print-metrics", "--source", name});
  };
  const Ended load = print("loadavg");
  CHECK(load.code == 0);
  CHECK_THAT(load.out, Catch::Contains("node_load5 ") && !Catch::Contains("node_cpu"));
  const Ended unknown = print("load");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err,
             Catch::Contains("\"load\"") && Catch::Contains("loadavg, mdadm, meminfo"));
  const Ended idle = print("probe");
  CHECK(idle.code == 3);
  CHECK_THAT(idle.err, Catch::Contains("nothing to read") && Catch::Contains("[[probe]]"));
  const Ended alone = Run(dir, {"--config", config, "--source", "cpu"});
  CHECK(alone.code == 2);
}

TEST_CASE("sources: a line each, with what a reading costs") {
  const TempDir dir;
  const std::string config = Write(dir, "[sources]\noff = [\"loadavg\"]\n");
  const std::string root = std::string(FIXTURES) + "/machines/commune-server";
  const Ended told = Run(dir, {"--config", config, "--root", root, "sources"});
  CHECK(told.code == 0);
  using Catch::Matchers::Matches;
  CHECK_THAT(told.out, Matches("SOURCE +SERIES +CPU ms +TOOK ms +STATE +READS\n[^]*"));
  CHECK_THAT(told.out, Matches("[^]*\ncpu +20 +[0-9.]+ +[0-9.]+ +on +/proc/stat\n[^]*"));
  CHECK_THAT(told.out, Matches("[^]*\nloadavg +off +/proc/loadavg\n[^]*"));
  CHECK_THAT(told.out, Matches("[^]*\nprobe +no \\[\\[probe\\]\\] +[^]*"));
  const std::string broken = std::string(FIXTURES) + "/machines/broken";
  const Ended failing = Run(dir, {"--config", config, "--root", broken, "sources"});
  CHECK(failing.code == 0);
  CHECK_THAT(failing.out, Matches("[^]*\nmeminfo +0 +[0-9.]+ +[0-9.]+ +FAILS: [^\n]*meminfo[^]*"));
}

TEST_CASE("--print-metrics of this machine, with a probe that fails, without a broker") {
  const TempDir dir;
  int port = 0;
  {
    port = RawServer([](int, const std::string&) {}).port();
  }
  const std::string config =
      Write(dir, "[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://127.0.0.1:" +
                     std::to_string(port) + "/\"\n");
  const Ended ended = Run(dir, {"--config", config, "--print-metrics"});
  CHECK(ended.code == 0);
  for (const char* line :
       {"\nprobe_success{journey=\"j\",step=\"s\"} 0\n", "\nnode_load1 ",
        "# haidang_probe_reason{journey=\"j\",step=\"s\"} \"refused\"\n",
        "\nnode_filesystem_size_bytes{", "\nprocess_open_fds ", "\nnode_boot_time_seconds "}) {
    INFO(line);
    CHECK(ended.out.find(line) != std::string::npos);
  }
  // Without a configuration the defaults are read.
  const Ended plain = Run(dir, {"--print-metrics"});
  CHECK(plain.code == 0);
  CHECK(plain.out.find("\nnode_load1 ") != std::string::npos);
}

TEST_CASE("what a check refuses, a start refuses in the same words, and the other way round") {
  const TempDir dir;
  std::ofstream(dir / "file") << "x";
  const std::string text = agent::ReadSmallFile(Running(dir, 1, dir / "state")).value();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    return changed.replace(changed.find(from), from.size(), to);
  };
  for (const std::string& bad :
       {with("127.0.0.1:1", "a b:1"), with("127.0.0.1:1", "127.0.0.1:0"), with("tcp:", "ssl:"),
        with("\"g\"", "\"g/h\""), with("\"m\"", "\"\""), with("\"1s\"", "\"1ms\""),
        with(dir / "state", ""), with(dir / "state", dir / "file"),
        with(dir / "state", dir / "file/below"), with(dir / "state", "/proc/haidang"),
        text + "[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://a:65536/\"\n"}) {
    const std::string config = Write(dir, bad);
    const Ended start = Run(dir, {"--config", config});
    const Ended check = Run(dir, {"--config", config, "--check-config"});
    INFO(start.err);
    CHECK(start.code == 1);
    CHECK(check.code == 1);
    CHECK(start.err == check.err);
    CHECK(start.err.starts_with("haidang-agent: " + config + ":"));
    CHECK(start.err.find("; allowed: ") != std::string::npos);
    CHECK(check.out.empty());
  }
}

TEST_CASE("a check disturbs no agent that runs") {
  const TempDir dir;
  const TempDir second;
  const std::string config = Running(dir, 1, dir / "state");
  const Agent first(dir, {"--config", config});
  REQUIRE(first.Says("version"));
  const Ended check = Run(second, {"--config", config, "--check-config"});
  CHECK(check.code == 0);
  CHECK(check.out == config + ": ok\n");
}

TEST_CASE("two agents do not share a state directory") {
  const TempDir dir;
  const TempDir second;
  const std::string config = Running(dir, 1, dir / "state");
  const Agent first(dir, {"--config", config});
  REQUIRE(first.Says("version"));
  const Ended ended = Run(second, {"--config", config});
  CHECK(ended.code == 3);
  CHECK(ended.err.find("another haidang-agent uses this directory") != std::string::npos);
}

TEST_CASE("SIGTERM ends it within 2 s, whatever the network does") {
  const TempDir dir;
  // Takes connections and never answers.
  RawServer hole([](int fd, const std::string&) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  });
  for (const int port : {hole.port(), 1}) {
    for (const int number : {SIGTERM, SIGINT}) {
      Agent agent(dir, {"--config", Running(dir, port, dir / "state")});
      REQUIRE(agent.Says("version"));
      const auto begin = Steady::now();
      agent.Signal(number);
      const int code = agent.Wait();
      const auto took = Steady::now() - begin;
      INFO(agent.err());
      CHECK(code == 0);
      CHECK(took < 2s);
      CHECK(agent.err().find("stopping") != std::string::npos);
    }
  }
}

TEST_CASE("SIGTERM ends it and the programs that it runs, whatever they think of it") {
  const TempDir dir;
  const std::string text = agent::ReadSmallFile(Running(dir, 1, dir / "state")).value();
  const std::string config =
      Write(dir, text +
                     "[[plugin]]\nname = \"deaf\"\ncommand = [\"/bin/sh\", \"-c\", \"trap '' TERM; "
                     "echo $$ > " +
                     dir / "pid" +
                     "; while :; do sleep 1; done\"]\ntimeout = \"5min\"\n[[plugin]]\nname = "
                     "\"flood\"\ncommand = [\"/usr/bin/yes\"]\n");
  Agent agent(dir, {"--config", config});
  CHECK(agent.Says("plugin flood: has written more than 1048576 bytes"));
  const auto begin = Steady::now();
  pid_t deaf = 0;
  while (deaf == 0 && Steady::now() - begin < 20s) {
    const auto told = agent::ReadSmallFile(dir / "pid");
    if (told && told->ends_with('\n')) deaf = static_cast<pid_t>(std::stol(*told));
    std::this_thread::sleep_for(5ms);
  }
  REQUIRE(deaf > 0);
  const auto end = Steady::now();
  agent.Signal(SIGTERM);
  CHECK(agent.Wait() == 0);
  CHECK(Steady::now() - end < 2s);
  CHECK(kill(deaf, 0) != 0);
}

TEST_CASE("SIGTERM at any moment of the start leaves the spool in order") {
  const TempDir dir;
  const std::string state = dir / "state";
  const std::string config = Running(dir, 1, state);
  for (int i = 0; i < 60; ++i) {
    Agent agent(dir, {"--config", config});
    std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
    agent.Signal(SIGTERM);
    const int code = agent.Wait();
    INFO("after " << 500 * i << " µs: " << agent.err());
    // Before main nothing of ours runs: the signal has its usual effect.
    CHECK((code == 0 || agent.err().empty()));
    if (!std::filesystem::exists(state + "/spool.db")) continue;
    auto db = Database::Open(state + "/spool.db", {});
    REQUIRE(db.ok());
    auto in_use = db->Prepare("SELECT count(*) FROM meta WHERE key='in_use' AND value=1");
    if (!in_use) continue;  // no tables yet
    REQUIRE(*in_use->Step());
    CHECK(in_use->Int(0) == 0);
  }
}

TEST_CASE("promtool reads --print-metrics") {
  if (std::system("command -v promtool >/dev/null") != 0) {
    WARN("promtool is not installed: not tried");
    return;
  }
  const TempDir dir;
  std::ofstream(dir / "metrics") << Run(dir, {"--print-metrics"}).out;
  // It dislikes what node_exporter makes of the kernel's own names, and nothing else.
  const std::string command = "promtool check metrics < " + dir / "metrics" + " > " + dir / "said" +
                              " 2>&1; test $? -eq 0 -o $? -eq 3";
  CHECK(std::system(command.c_str()) == 0);
  std::ifstream said(dir / "said");
  for (std::string line; std::getline(said, line);) {
    INFO(line);
    const bool kernel_name = line.starts_with("node_netstat_") || line.starts_with("node_vmstat_");
    const bool capitals =
        (kernel_name || line.starts_with("node_memory_") || line.starts_with("node_sockstat_")) &&
        line.ends_with("'snake_case' not 'camelCase'");
    const bool no_total = kernel_name && line.ends_with("should have \"_total\" suffix");
    const bool bits = line.starts_with("node_entropy_") && line.ends_with("instead of \"bits\"");
    CHECK((capitals || no_total || bits));
  }
}
