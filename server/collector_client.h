#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/query.h"
#include "core/query_journeys.h"
#include "core/result.h"
#include "server/options.h"

namespace haidang::server {

// What came of a question. Where the collector refused it because the question itself is wrong, the
// Error is in the collector's words, for whoever asked.
template <typename T>
struct Answer : Result<T> {
  using Result<T>::Result;
  bool refused = false;
};

// Asks the collector over HTTP (docs/architecture.md, "Asking the collector"). Thread-safe; each
// question has a connection of its own, patience of 1 s to connect and 2 s to answer, and takes at
// most 64 MiB.
class CollectorClient {
 public:
  CollectorClient(HostPort address, std::string secret_file);
  ~CollectorClient();
  CollectorClient(const CollectorClient&) = delete;
  CollectorClient& operator=(const CollectorClient&) = delete;

  using Params = std::vector<std::pair<std::string, std::string>>;

  Result<query::Overview> Overview();
  Answer<std::vector<query::Column>> Series(const Params& params);
  Answer<std::vector<query::Finding>> Findings(int64_t from_ms, int64_t to_ms);
  Answer<std::vector<query::EventRow>> Events(const Params& params);
  Answer<std::vector<query::Gap>> Gaps(const Params& params);
  Result<query::JourneysNow> Journeys();
  Result<query::Snapshot> Snapshot();
  Status PutSnapshot(const query::Snapshot& snapshot);

  // Ends questions that are under way and refuses further ones. Any thread.
  void Stop();

 private:
  Answer<std::string> Get(const std::string& path, const Params& params);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace haidang::server
