#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/link.h"
#include "agent/recorder.h"
#include "agent/spool.h"
#include "core/clock.h"
#include "core/result.h"

// A machine with its agent, and the model of what it read.
namespace haidang::testing {

template <typename T>
T Must(Result<T> result) {
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return std::move(*result);
}

// As kill -9 leaves them: the files of a database as they stand now.
inline void CopyDatabase(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::remove(to + suffix);
    if (std::filesystem::exists(from + suffix)) {
      std::filesystem::copy_file(from + suffix, to + suffix);
    }
  }
}

// A machine's wall clock, which may be wrong.
class MachineClock final : public Clock {
 public:
  explicit MachineClock(const Clock& true_clock) : true_(true_clock) {}
  int64_t WallMs() const override { return true_.WallMs() + ahead_ms; }
  int64_t MonotonicNs() const override { return true_.MonotonicNs(); }
  int64_t SinceBootMs() const override { return true_.SinceBootMs(); }
  int64_t ahead_ms = 0;

 private:
  const Clock& true_;
};

// What a machine read at a tick; its number is the value. The model of what must be stored.
struct ReadTick {
  int64_t ts_ms = 0;         // by the machine's clock
  bool at_agent = true;      // its directory has not been rolled back since
  bool may_be_lost = false;  // neither side had it at some time, nor anything that names it
  uint64_t spool_id = 0;
  uint64_t number = 0;
};

struct Agent {
  Agent(const Clock& true_clock, std::string name) : machine(std::move(name)), clock(true_clock) {}

  std::string machine;
  MachineClock clock;
  std::string path;    // of its spool
  std::string backup;  // of its spool, "" where there is none
  size_t backup_readings = 0;
  std::vector<ReadTick> readings;
  std::unique_ptr<agent::Spool> spool;
  std::unique_ptr<agent::Recorder> recorder;
  std::unique_ptr<agent::Link> link;
};

}  // namespace haidang::testing
