#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"

namespace haidang::testing {

// A real receiver of remote write on a free port of 127.0.0.1, in a directory of its own; killed
// with its owner. Throws where it does not come up.
class ReceiverProcess {
 public:
  struct Program {
    std::vector<std::string> command;  // %DIR% and %PORT% stand for its directory and port
    std::string configuration;         // of the file config.yml in its directory
    std::string ready;                 // path that answers 200 once it serves
    std::string write;                 // path that takes remote write
  };
  // A query's answer: by series (labels in their order), time in ms and value.
  using Samples = std::map<std::string, std::vector<std::pair<int64_t, double>>>;

  explicit ReceiverProcess(Program program);
  ~ReceiverProcess() { Kill(); }
  ReceiverProcess(const ReceiverProcess&) = delete;
  ReceiverProcess& operator=(const ReceiverProcess&) = delete;

  // On the same port and directory as before; returns once it serves.
  void Start();
  void Kill();  // SIGKILL

  std::string WriteUrl() const;
  // The body of a GET, which must succeed; `query` is path and query.
  std::string Get(const std::string& query) const;
  // What PromQL says at a time: raw samples for a range ("x[1h]"), else one for each series.
  Samples Query(const std::string& expression, int64_t at_ms) const;
  std::string log() const;

 private:
  const Program program_;
  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// Prometheus as Debian has it. `window`: how late samples may come ("1h", "0s").
ReceiverProcess::Program Prometheus(const std::string& window, bool native_histograms = false);
ReceiverProcess::Program VictoriaMetrics();

// What VictoriaMetrics keeps of `metric`, sample by sample.
ReceiverProcess::Samples Export(const ReceiverProcess& victoria_metrics, const std::string& metric);

}  // namespace haidang::testing
