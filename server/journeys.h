#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "server/collector_client.h"
#include "server/live.h"

namespace haidang::server {

// How journeys go, asked of the collector once for all browsers that ask within kKept.
// Thread-safe; whoever comes while a question is under way waits for its outcome.
class Journeys {
 public:
  static constexpr std::chrono::milliseconds kKept{2000};

  // All must outlive this.
  Journeys(const Clock& clock, CollectorClient& collector, Live& live);

  // query::JourneysNow as JSON (never null), with names for places that the collector has none for;
  // else why there is none. While the collector counts as unreachable it is not asked.
  Result<std::shared_ptr<const std::string>> Text();

 private:
  Result<std::shared_ptr<const std::string>> Ask(const query::Snapshot& snapshot);

  const Clock& clock_;
  CollectorClient& collector_;
  Live& live_;

  std::mutex mutex_;  // guards what follows; held while the collector is asked
  std::optional<Result<std::shared_ptr<const std::string>>> outcome_;  // nothing: never asked
  int64_t asked_ns_ = 0;  // monotonic: when that outcome came
};

}  // namespace haidang::server
