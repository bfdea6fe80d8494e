#include "tests/collector/remote/receiver_process.h"

#include <fcntl.h>
#include <httplib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/broker_process.h"

namespace haidang::testing {
namespace {

using nlohmann::json;

std::string Replaced(std::string text, const std::string& word, const std::string& by) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size()) {
    text.replace(at, word.size(), by);
  }
  return text;
}

std::string NameOf(const json& metric) {
  std::string name, rest;
  for (const auto& [label, value] : metric.items()) {
    if (label == "__name__") {
      name = value.get<std::string>();
    } else {
      rest += (rest.empty() ? "" : ",") + label + "=\"" + value.get<std::string>() + "\"";
    }
  }
  return name + "{" + rest + "}";
}

std::pair<int64_t, double> SampleOf(const json& pair) {
  return {std::llround(pair[0].get<double>() * 1000), std::stod(pair[1].get<std::string>())};
}

}  // namespace

ReceiverProcess::ReceiverProcess(Program program)
    : program_(std::move(program)), port_(FreePort()) {
  std::ofstream(dir_ / "config.yml") << program_.configuration;
  Start();
}

void ReceiverProcess::Start() {
  std::vector<std::string> words;
  for (const std::string& word : program_.command) {
    words.push_back(
        Replaced(Replaced(word, "%DIR%", dir_.path()), "%PORT%", std::to_string(port_)));
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log_file = dir_ / "log";
  pid_ = fork();
  if (pid_ == 0) {  // this process has threads: nothing here may allocate
    for (const int number : {SIGTERM, SIGINT}) signal(number, SIG_DFL);
    const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    httplib::Client client("127.0.0.1", port_);
    const auto answer = client.Get(program_.ready);
    if (answer && answer->status == 200) return;
    if (waitpid(pid_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(words[0] + " did not come up: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void ReceiverProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string ReceiverProcess::WriteUrl() const {
  return "http://127.0.0.1:" + std::to_string(port_) + program_.write;
}

std::string ReceiverProcess::Get(const std::string& query) const {
  httplib::Client client("127.0.0.1", port_);
  client.set_read_timeout(60);
  const auto answer = client.Get(query);
  if (!answer || answer->status != 200) {
    throw std::runtime_error("GET " + query + ": " +
                             (answer ? answer->body : httplib::to_string(answer.error())));
  }
  return answer->body;
}

ReceiverProcess::Samples ReceiverProcess::Query(const std::string& expression,
                                                int64_t at_ms) const {
  const httplib::Params params = {{"query", expression},
                                  {"time", std::to_string(static_cast<double>(at_ms) / 1000)}};
  const json answer =
      json::parse(Get("/api/v1/query?" + httplib::detail::params_to_query_str(params)));
  Samples samples;
  for (const json& series : answer.at("data").at("result")) {
    auto& of = samples[NameOf(series.at("metric"))];
    if (series.contains("value")) of.push_back(SampleOf(series["value"]));
    if (!series.contains("values")) continue;
    for (const json& pair : series["values"]) of.push_back(SampleOf(pair));
  }
  return samples;
}

std::string ReceiverProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(dir_ / "log").rdbuf();
  return text.str();
}

ReceiverProcess::Program Prometheus(const std::string& window, bool native_histograms) {
  ReceiverProcess::Program program;
  program.command = {"prometheus",
                     "--config.file=%DIR%/config.yml",
                     "--storage.tsdb.path=%DIR%/data",
                     "--web.listen-address=127.0.0.1:%PORT%",
                     "--web.enable-remote-write-receiver",
                     "--log.level=warn"};
  if (native_histograms) program.command.emplace_back("--enable-feature=native-histograms");
  program.configuration = "storage:\n  tsdb:\n    out_of_order_time_window: " + window + "\n";
  program.ready = "/-/ready";
  program.write = "/api/v1/write";
  return program;
}

ReceiverProcess::Program VictoriaMetrics() {
  ReceiverProcess::Program program;
  program.command = {
      "victoria-metrics",     "-storageDataPath=%DIR%/data",  "-httpListenAddr=127.0.0.1:%PORT%",
      "-retentionPeriod=1",   "-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s",
      "-search.disableCache", "-memory.allowedBytes=256MB"};
  program.ready = "/health";
  program.write = "/api/v1/write";
  return program;
}

ReceiverProcess::Samples Export(const ReceiverProcess& victoria_metrics,
                                const std::string& metric) {
  ReceiverProcess::Samples samples;
  std::istringstream lines(victoria_metrics.Get("/api/v1/export?match[]=" + metric));
  for (std::string line; std::getline(lines, line);) {
    const json series = json::parse(line);
    auto& of = samples[NameOf(series.at("metric"))];
    const json &times = series.at("timestamps"), &values = series.at("values");
    for (size_t i = 0; i < times.size(); ++i) {
      // The end of a series is exported as null.
      if (!values[i].is_null()) of.emplace_back(times[i].get<int64_t>(), values[i].get<double>());
    }
  }
  return samples;
}

}  // namespace haidang::testing
