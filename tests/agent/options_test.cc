#include "agent/options.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <tuple>

#include "agent/sources/text.h"
#include "tests/support/sample_config.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;

namespace {

// A directory with ca.pem, agent.pem (common name ha-tu-1) and agent.key.
class Files {
 public:
  Files() {
    Make("agent", "/O=x/CN=ha-tu-1", "-nodes");
    std::filesystem::copy_file(dir_ / "agent.pem", dir_ / "ca.pem");
  }

  // name.pem and name.key.
  void Make(const std::string& name, const std::string& subject, const std::string& options) const {
    const std::string command =
        "cd " + dir_.path() +
        " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj '" +
        subject + "' -keyout " + name + ".key -out " + name + ".pem " + options + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
  }

  std::string operator/(const std::string& name) const { return dir_ / name; }

  std::string Broker() const {
    return "[broker]\nuri = \"ssl://localhost:8883\"\ngroup = \"quang-ninh\"\nca = \"" +
           dir_ / "ca.pem" + "\"\ncert = \"" + dir_ / "agent.pem" + "\"\nkey = \"" +
           dir_ / "agent.key" + "\"\n";
  }

 private:
  haidang::testing::TempDir dir_;
};

std::string Fault(const std::string& text, Need need = Need::kAll) {
  const auto options = ParseOptions(text, "agent.toml", need);
  REQUIRE_FALSE(options.ok());
  return options.error().message;
}

}  // namespace

TEST_CASE("a small configuration: the rest has defaults, the id is the certificate's") {
  const Files files;
  const auto options = ParseOptions(files.Broker(), "agent.toml", Need::kAll);
  REQUIRE(options.ok());
  CHECK(options->machine == "ha-tu-1");
  CHECK(options->machine_class == "server");
  CHECK(options->group == "quang-ninh");
  CHECK(options->interval == 15s);
  CHECK(options->probes.empty());
  CHECK(options->spool_max_bytes == 256 << 20);
  CHECK(options->spool_max_age == 14 * 24h);
  CHECK(options->spool_sync == 60s);
  CHECK(options->state_directory == "/var/lib/haidang-agent");
}

TEST_CASE("every key") {
  const Files files;
  const auto options = ParseOptions(
      files.Broker() +
          "keep_alive = 30\nconnect_timeout = \"5s\"\nbackoff_max = \"2min\"\n"
          "[machine]\nid = \"ha-tu-1\"\nclass = \"workstation\"\nsite = \"06652\"\n"
          "[state]\ndirectory = \"/tmp/x\"\n[sampling]\ninterval = \"30s\"\n"
          "[sources]\noff = [\"cpu\", \"time\"]\ncpu_per_core_up_to = 4\nprograms_at_once = 2\n"
          "[spool]\nmax_mib = 8\nmax_age = \"2d\"\nsync = \"0s\"\n[log]\nlevel = \"debug\"\n"
          "[[probe]]\njourney = \"mot-cua\"\nstep = \"tra-cuu\"\nurl = \"https://a.example/x\"\n"
          "interval = \"1min\"\ntimeout = \"3s\"\nstatus = [200, 404]\ncontains = \"x\"\n"
          "ca = \"" +
          files / "ca.pem" + "\"\nmax_body = 5\nmax_redirects = 0\n",
      "agent.toml", Need::kAll);
  REQUIRE(options.ok());
  CHECK(options->broker.keep_alive == 30s);
  CHECK(options->broker.connect_timeout == 5s);
  CHECK(options->broker.backoff_max == 2min);
  CHECK(options->machine_class == "workstation");
  CHECK(options->site == "06652");
  CHECK(options->state_directory == "/tmp/x");
  CHECK(options->interval == 30s);
  CHECK(options->sources_off == std::vector<std::string>{"cpu", "time"});
  CHECK(options->cpu_per_core_up_to == 4);
  CHECK(options->programs_at_once == 2);
  CHECK(options->spool_max_bytes == 8 << 20);
  CHECK(options->spool_max_age == 48h);
  CHECK(options->spool_sync == 0s);
  CHECK(options->log_level == "debug");
  REQUIRE(options->probes.size() == 1);
  const ProbeOptions& probe = options->probes[0];
  CHECK(probe.interval == 1min);
  CHECK(probe.timeout == 3s);
  CHECK(probe.status == std::vector<int64_t>{200, 404});
  CHECK(probe.contains == std::vector<std::string>{"x"});
  CHECK(probe.max_body == 5);
  CHECK(probe.max_redirects == 0);
}

TEST_CASE("a site is a code, not lines of text") {
  const auto refusal = [](const std::string& site) {
    const auto options = ParseOptions(
        "[broker]\nuri = \"tcp://b:1883\"\ngroup = \"g\"\n[machine]\nid = \"m\"\nsite = \"" + site +
            "\"\n",
        "agent.toml", Need::kAll);
    return options.ok() ? "" : options.error().message;
  };
  CHECK(refusal("06652").empty());
  CHECK(refusal("").empty());
  CHECK(refusal("06652\\nFAKE") ==
        "agent.toml:6: machine.site: has control characters; allowed: the code of a place, such as "
        "\"06652\"");
  CHECK(refusal("\\tx").starts_with("agent.toml:6: machine.site: has control characters"));
  CHECK(refusal("\\u0085").starts_with("agent.toml:6: machine.site: has control characters"));
  CHECK(refusal(std::string(64, 'x')).empty());
  CHECK(refusal(std::string(65, 'x')).starts_with("agent.toml:6: machine.site: is longer than 64"));
}

TEST_CASE("faults name file, line, key and what is allowed") {
  const Files files;
  const std::string broker = files.Broker();  // lines 1 to 6
  CHECK(Fault("") == "agent.toml:1: broker.uri: is missing; allowed: a text that is not empty");
  CHECK(Fault(broker + "[sampling]\nintervall = 3\n") ==
        "agent.toml:8: sampling.intervall: unknown key, did you mean interval?; allowed: interval");
  CHECK(Fault(broker + "[sampling]\ninterval = \"0.5s\"\n")
            .starts_with("agent.toml:8: sampling.interval: is out of range, is the text \"0.5s\"; "
                         "allowed: 1s to 1h"));
  CHECK(Fault(broker + "[sampling]\ninterval = true\n")
            .starts_with("agent.toml:8: sampling.interval: must be a duration, is true"));
  CHECK(
      Fault(broker + "[machine]\nclass = \"desktop\"\n") ==
      "agent.toml:8: machine.class: must be one of a few words, is the text \"desktop\"; allowed: "
      "\"server\", \"workstation\"");
  CHECK(Fault(broker + "[machine]\nid = \"other\"\n") ==
        "agent.toml:8: machine.id: is \"other\", but broker.cert is made out to \"ha-tu-1\"; "
        "allowed: "
        "\"ha-tu-1\", or leave the key out");
  CHECK(Fault(broker + "[sources]\noff = [\"disk\"]\n")
            .starts_with("agent.toml:8: sources.off: there is no source \"disk\"; allowed: "
                         "access_log, agent, "));
  CHECK(Fault(broker + "[sampler]\n")
            .starts_with("agent.toml:7: sampler: unknown key, did you mean sampling?; allowed: "));
  CHECK(Fault(broker + "[probe]\n").find("sections [[probe]]") != std::string::npos);
  CHECK(Fault("[broker]\nuri = \"http://x\"\n")
            .starts_with("agent.toml:2: broker.uri: must begin with ssl:// or tcp://"));
  CHECK(Fault("[broker]\nuri = \"tcp://localhost:1883\"\ngroup = \"a/b\"\n")
            .starts_with("agent.toml:3: broker.group: "));
  CHECK(Fault("[broker]\nuri = \"tcp://localhost:1883\"\ngroup = \"a\"\n")
            .starts_with("agent.toml:1: machine.id: is missing"));
  CHECK(Fault("[broker]\nuri = \"ssl://localhost:1883\"\ngroup = \"a\"\nca = \"/nowhere/ca.pem\"\n"
              "cert = \"x\"\nkey = \"y\"\n") ==
        "agent.toml:4: broker.ca: cannot read /nowhere/ca.pem: No such file or directory; allowed: "
        "a PEM file that this user may read");
}

TEST_CASE("faults of probes") {
  const Files files;
  const std::string probe = "[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://a/\"\n";
  CHECK(ParseOptions(files.Broker() + probe, "a", Need::kAll).ok());
  CHECK(Fault(probe + probe, Need::kReading) ==
        "agent.toml:7: probe[1].step: there are two probes of journey \"j\", step \"s\"; allowed: "
        "each pair once");
  CHECK(Fault("[[probe]]\nurl = \"http://a/\"\n", Need::kReading) ==
        "agent.toml:1: probe[0].journey: is missing; allowed: a text that is not empty");
  CHECK(Fault("[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://u:p@a/\"\n",
              Need::kReading) ==
        "agent.toml:4: probe[0].url: it must not hold a user name or password; allowed: "
        "\"https://host/path\"");
  CHECK(Fault(probe + "status = [99]\n", Need::kReading)
            .starts_with("agent.toml:5: probe[0].status: holds the number 99; allowed: "));
  std::string many;
  for (int i = 0; i < 33; ++i) {
    many +=
        "[[probe]]\njourney = \"j\"\nstep = \"" + std::to_string(i) + "\"\nurl = \"http://a/\"\n";
  }
  CHECK(Fault(many, Need::kReading).find("has 33 entries") != std::string::npos);
}

TEST_CASE("to read once, neither broker nor identity is needed") {
  CHECK(ParseOptions("", "agent.toml", Need::kReading).ok());
  CHECK(ParseOptions("[sampling]\ninterval = 5\n", "agent.toml", Need::kReading).ok());
  CHECK(Fault("x = 1", Need::kReading).starts_with("agent.toml:1: x: unknown key"));
}

TEST_CASE("files that TLS cannot work with are faults at their own keys") {
  const Files files;
  const std::string broker = files.Broker();
  const auto with = [&](const std::string& name, const std::string& instead) {
    std::string text = broker;
    return text.replace(text.find(files / name), (files / name).size(), instead);
  };
  std::ofstream(files / "junk.pem") << "no PEM";
  files.Make("other", "/O=x/CN=other-1", "-nodes");
  files.Make("nameless", "/O=x", "-nodes");
  files.Make("slash", "/O=x/CN=a\\/b", "-nodes");
  files.Make("locked", "/O=x/CN=ha-tu-1", "-passout pass:secret");

  for (const auto& [name, line, key] :
       std::initializer_list<std::tuple<const char*, int, const char*>>{
           {"ca.pem", 4, "ca"}, {"agent.pem", 5, "cert"}, {"agent.key", 6, "key"}}) {
    const std::string where =
        "agent.toml:" + std::to_string(line) + ": broker." + std::string(key) + ": ";
    for (const std::string& bad : {files / "absent", files / "junk.pem", files / "."}) {
      const std::string fault = Fault(with(name, bad));
      INFO(fault);
      CHECK(fault.starts_with(where));
      CHECK(fault.find(bad) != std::string::npos);
      CHECK(fault.find("; allowed: ") != std::string::npos);
    }
    CHECK(Fault(with(name, "")).starts_with(where + "must not be empty; allowed: "));
  }
  CHECK(Fault(with("agent.key", files / "other.key")).starts_with("agent.toml:6: broker.key: "));
  CHECK(Fault(with("agent.pem", files / "other.pem")).starts_with("agent.toml:6: broker.key: "));
  CHECK(Fault(with("agent.key", files / "locked.key")).starts_with("agent.toml:6: broker.key: "));
  for (const std::string name : {"nameless", "slash"}) {
    std::string text = with("agent.pem", files / (name + ".pem"));
    text.replace(text.find(files / "agent.key"), (files / "agent.key").size(),
                 files / (name + ".key"));
    const std::string fault = Fault(text);
    INFO(fault);
    CHECK(fault.starts_with("agent.toml:5: broker.cert: "));
    CHECK(fault.find("; allowed: ") != std::string::npos);
  }
}

TEST_CASE("addresses of brokers and probes that cannot be") {
  const Files files;
  for (const std::string uri :
       {"broker:8883", "mqtt://b:1",  "ssl://",        "ssl://b",
        "ssl://b:",    "ssl://b:0",   "ssl://b:65536", "ssl://b:99999999999999999999",
        "ssl://b:x",   "ssl://b:1x",  "ssl://b:+1",    "ssl://b:-1",
        "ssl://b:1/",  "ssl://:1",    "ssl://a b:1",   " ssl://b:1",
        "ssl://b:1 ",  "ssl://[::1]", "ssl://[::x]:1", "ssl://::1:1",
        "tcp://a/b:1", "tcp://u@b:1", "SSL://b:1"}) {
    std::string text = files.Broker();
    const std::string good = "ssl://localhost:8883";
    const std::string fault = Fault(text.replace(text.find(good), good.size(), uri));
    INFO(fault);
    CHECK(fault.starts_with("agent.toml:2: broker.uri: "));
    CHECK(fault.find("; allowed: ") != std::string::npos);
    CHECK_FALSE(ParseOptions("[broker]\nuri = \"" + uri + "\"\n", "a", Need::kReading).ok());
  }
  for (const std::string url : {"a/b",
                                "ftp://a/",
                                "http//a",
                                "http://",
                                "http:///x",
                                "http://a b/",
                                "http://a/ b",
                                "http://a:0/",
                                "http://a:65536/",
                                "http://a:x/",
                                "http://a:8080x/",
                                "http://a:-1/",
                                "http://[::1/",
                                "http://[::x]/",
                                "http://::1/",
                                "http://ha long/",
                                "http://..",
                                "http://a..b/",
                                "http://-a/",
                                "http://hạ-long/"}) {
    const std::string fault =
        Fault("[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"" + url + "\"\n", Need::kReading);
    INFO(fault);
    CHECK(fault.starts_with("agent.toml:4: probe[0].url: "));
    CHECK(fault.find("; allowed: ") != std::string::npos);
  }
  std::ofstream(files / "junk.pem") << "no PEM";
  for (const std::string name : {"absent.pem", "junk.pem"}) {
    const std::string fault =
        Fault(files.Broker() + "[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://a/\"\n" +
              "ca = \"" + files / name + "\"\n");
    INFO(fault);
    CHECK(fault.starts_with("agent.toml:11: probe[0].ca: "));
    CHECK(fault.find("; allowed: ") != std::string::npos);
  }
}

TEST_CASE("a state directory that cannot be made or written is a fault, and a check leaves none") {
  const Files files;
  const std::string path = files / "agent.toml";
  const auto load = [&](const std::string& directory) {
    std::ofstream(path) << files.Broker() << "[state]\ndirectory = \"" << directory << "\"\n";
    return LoadOptions(path, Need::kAll);
  };
  CHECK(load(files / "made/below").ok());
  CHECK_FALSE(std::filesystem::exists(files / "made"));
  std::filesystem::create_directory(files / "there");
  CHECK(load(files / "there").ok());
  CHECK(std::filesystem::is_empty(files / "there"));
  for (const std::string& bad :
       {files / "ca.pem", files / "ca.pem/below", std::string("/proc/haidang/x"), std::string()}) {
    const auto options = load(bad);
    REQUIRE_FALSE(options.ok());
    INFO(options.error().message);
    CHECK(options.error().message.starts_with(path + ":8: state.directory: "));
    CHECK(options.error().message.find("; allowed: ") != std::string::npos);
  }
}

// The sample must be accepted as it stands, with its commented keys too, and must name every key.
TEST_CASE("the sample configuration is true") {
  const Files files;
  std::string sample = ReadSample(SAMPLE);
  for (const char* name : {"ca.pem", "agent.pem", "agent.key"}) {
    const std::string path = std::string("/etc/haidang/") + name;
    for (size_t at; (at = sample.find(path)) != std::string::npos;) {
      sample.replace(at, path.size(), files / name);
    }
  }
  const auto plain = ParseOptions(sample, "agent.toml", Need::kAll);
  INFO((plain.ok() ? "" : plain.error().message));
  REQUIRE(plain.ok());

  const std::string all = Uncommented(sample);
  const auto full = ParseOptions(all, "agent.toml", Need::kAll);
  INFO((full.ok() ? "" : full.error().message));
  REQUIRE(full.ok());
  REQUIRE(full->probes.size() == 1);
  // What the comments call defaults are the defaults.
  const Options defaults;
  CHECK(full->log_level == defaults.log_level);
  CHECK(full->machine == plain->machine);
  CHECK(full->machine_class == defaults.machine_class);
  CHECK(full->site == defaults.site);
  CHECK(full->broker.keep_alive == defaults.broker.keep_alive);
  CHECK(full->broker.connect_timeout == defaults.broker.connect_timeout);
  CHECK(full->broker.backoff_max == defaults.broker.backoff_max);
  CHECK(full->state_directory == defaults.state_directory);
  CHECK(full->interval == defaults.interval);
  CHECK(full->sources_off == defaults.sources_off);
  CHECK(full->cpu_per_core_up_to == defaults.cpu_per_core_up_to);
  CHECK(full->programs_at_once == defaults.programs_at_once);
  CHECK(plain->journeys.empty());
  REQUIRE(full->journeys.size() == 1);
  const JourneyOptions journey;
  CHECK(full->journeys[0].interval == journey.interval);
  CHECK(full->journeys[0].shared == journey.shared);
  CHECK_FALSE(plain->path);
  REQUIRE(full->path);
  const PathOptions path;
  CHECK((full->path->hub.empty() && full->path->hosts.empty() && full->path->names.empty()));
  CHECK(full->path->interval == path.interval);
  CHECK(full->path->gateway == path.gateway);
  CHECK(full->path->echoes == path.echoes);
  CHECK(full->path->method == path.method);
  REQUIRE(full->plugins.size() == 1);
  const PluginOptions plugin;
  CHECK(full->plugins[0].interval == plugin.interval);
  CHECK(full->plugins[0].command.timeout == plugin.command.timeout);
  CHECK(full->plugins[0].perfdata == plugin.perfdata);
  CHECK(full->plugins[0].command.environment.empty());
  CHECK_FALSE(full->plugins[0].command.user);
  CHECK(full->smart.configured);
  CHECK_FALSE(plain->smart.configured);
  CHECK(full->smart.command.argv == defaults.smart.command.argv);
  CHECK(full->smart.command.timeout == defaults.smart.command.timeout);
  CHECK(full->smart.interval == defaults.smart.interval);
  CHECK(full->smart.devices.empty());
  CHECK(full->spool_max_bytes == defaults.spool_max_bytes);
  CHECK(full->spool_max_age == defaults.spool_max_age);
  CHECK(full->spool_sync == defaults.spool_sync);
  const ProbeOptions probe;
  CHECK(full->probes[0].interval == defaults.interval);  // a probe's own is "at each tick"
  CHECK(full->probes[0].timeout == probe.timeout);
  CHECK(full->probes[0].status == probe.status);
  CHECK(full->probes[0].contains == probe.contains);
  CHECK(full->probes[0].access.ca_file == probe.access.ca_file);
  CHECK(full->probes[0].max_body == probe.max_body);
  CHECK(full->probes[0].max_redirects == probe.max_redirects);

  // An unknown key makes the reader list those that it knows: each must stand in the sample.
  for (const std::string section :
       {"broker", "machine", "state", "sampling", "sources", "spool", "log", "smart", "path"}) {
    const std::string fault = Fault("[" + section + "]\nzzzzzzzz = 1\n", Need::kReading);
    for (const std::string& key : KeysAllowedBy(fault)) {
      INFO(section << "." << key);
      CHECK(all.find("\n" + key + " = ") != std::string::npos);
    }
  }
}
