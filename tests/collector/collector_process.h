#pragma once

#include <fcntl.h>
#include <httplib.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "tests/collector/world.h"
#include "tests/support/broker_process.h"

namespace haidang::collector::testing {

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// haidang-collector in a directory of its own; killed with its owner.
class CollectorProcess {
 public:
  // `further`: lines of its configuration. With a broker that wants certificates it has one.
  CollectorProcess(haidang::testing::BrokerProcess& broker, const std::string& directory,
                   const std::string& further = "")
      : directory_(directory), log_(directory + "/log") {
    std::ofstream(directory + "/secret") << kSecret << '\n';
    chmod((directory + "/secret").c_str(), 0640);
    query_port_ = haidang::testing::FreePort();
    metrics_port_ = haidang::testing::FreePort();
    std::ofstream config(directory + "/collector.toml");
    config << "[collector]\nid = \"collector-1\"\ngroup = \"" << kGroup << "\"\n[broker]\nuri = \""
           << broker.uri() << "\"\n";
    if (broker.uri().starts_with("ssl:")) {
      const std::string own = broker.MakeCertificate("collector-1");
      config << "ca = \"" << broker.ca_file() << "\"\ncert = \"" << own << ".crt\"\nkey = \"" << own
             << ".key\"\n";
    }
    config << "[state]\ndirectory = \"" << directory
           << "/state\"\n[query]\nlisten = \"127.0.0.1:" << query_port_ << "\"\nsecret_file = \""
           << directory << "/secret\"\n[metrics]\nlisten = \"127.0.0.1:" << metrics_port_ << "\"\n"
           << further;
  }
  ~CollectorProcess() { Kill(); }

  void Start() {
    const std::string config = directory_ + "/collector.toml";
    pid_ = fork();
    if (pid_ == 0) {  // this process has threads: nothing here may allocate
      for (const int number : {SIGTERM, SIGINT}) signal(number, SIG_DFL);  // not Catch2's
      const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (log < 0 || dup2(log, STDERR_FILENO) < 0) _exit(126);
      execl(HAIDANG_COLLECTOR, "haidang-collector", "--config", config.c_str(), nullptr);
      _exit(127);
    }
  }
  // Once it runs its own code: before that nothing of it can hear a signal.
  bool HearsSignals() const {
    const std::string process = "/proc/" + std::to_string(pid_);
    if (!ReadAll(process + "/comm").starts_with("haidang-collec")) return false;  // our fork still
    const std::string status = ReadAll(process + "/status");
    const size_t at = status.find("SigCgt:");
    if (at == std::string::npos) return false;
    const uint64_t caught = std::strtoull(status.c_str() + at + 7, nullptr, 16);
    return (caught >> (SIGTERM - 1) & 1) != 0;
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // The exit status after SIGTERM, and how long it took.
  std::pair<int, std::chrono::milliseconds> Terminate() {
    const auto begun = std::chrono::steady_clock::now();
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    const auto took = std::chrono::steady_clock::now() - begun;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            std::chrono::duration_cast<std::chrono::milliseconds>(took)};
  }
  std::string Metrics(const std::string& path) const {
    httplib::Client client("127.0.0.1", metrics_port_);
    const auto answer = client.Get(path);
    return answer ? answer->body : "";
  }
  httplib::Result Ask(const std::string& path) const {
    httplib::Client client("127.0.0.1", query_port_);
    return client.Get(path, {{"Authorization", std::string("Bearer ") + kSecret}});
  }
  std::string database() const { return directory_ + "/state/telemetry.db"; }
  std::string log() const { return ReadAll(log_); }

 private:
  static constexpr const char* kSecret = "0123456789abcdef0123456789abcdef";

  std::string directory_;
  std::string log_;
  int query_port_ = 0;
  int metrics_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace haidang::collector::testing
