#pragma once

#include <httplib.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/query.h"
#include "core/query_journeys.h"
#include "server/options.h"
#include "tests/support/temp_dir.h"

namespace haidang::testing {

// Answers as the collector does, on a free port, with what a test puts in. Thread-safe.
class FakeCollector {
 public:
  FakeCollector();
  ~FakeCollector();
  FakeCollector(const FakeCollector&) = delete;
  FakeCollector& operator=(const FakeCollector&) = delete;

  HostPort address() const { return {"127.0.0.1", static_cast<uint16_t>(port_)}; }
  const std::string& secret_file() const { return secret_file_; }

  void Set(query::Overview overview);
  void Set(query::Snapshot snapshot);
  void Set(query::JourneysNow journeys);
  query::Snapshot snapshot();
  int puts() const { return puts_; }
  // How often it was asked for journeys.
  int journeys_asked() const { return journeys_asked_; }
  // Answers everything with this status from now on; 0: properly again.
  void FailWith(int status) { failing_ = status; }
  // Refuses all but the overview and the snapshot as a wrong question, in these words.
  void RefuseWith(std::string words);
  // The target of the last question for series.
  std::string last_series();

 private:
  bool Refused(const httplib::Request& request, httplib::Response& response);
  void Route();

  TempDir directory_;
  std::string secret_file_;
  httplib::Server http_;
  int port_ = 0;
  std::atomic<int> failing_{0};
  std::atomic<int> puts_{0};
  std::atomic<int> journeys_asked_{0};
  std::mutex mutex_;
  query::Overview overview_;
  query::Snapshot snapshot_;
  query::JourneysNow journeys_;
  std::string last_series_;
  std::string refusal_;
  std::thread thread_;
};

// A province of two machines, one of them vanished, with one finding.
query::Overview SmallProvince();

// A step at two sites, of which one is unknown, with all that goes with it.
query::JourneysNow OneJourney();

}  // namespace haidang::testing
