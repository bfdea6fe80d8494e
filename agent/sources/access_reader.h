#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/sources/access_counts.h"
#include "agent/sources/access_log.h"
#include "agent/sources/log_follow.h"
#include "core/result.h"

namespace haidang::agent {

// What one reading of an access log brought.
struct AccessReport {
  // False until the files were read to their end once: until then what was told before a restart
  // could be ahead of what was counted, and there is nothing to tell.
  bool settled = false;
  std::vector<Reading> readings;
  std::vector<uint64_t> volumes;  // as AccessLogOptions::volumes
  uint64_t unread_bytes = 0;
  std::string store_fault;  // why it could not be stored how far was read; empty: it was
};

// Reads and counts one access log. One thread at a time, which may block.
class AccessReader final : private LineSink {
 public:
  // `state_path` "": nothing is stored, the files are read from their start, all is told at once.
  AccessReader(const std::string& root, AccessLogOptions options, std::string state_path,
               uint64_t bytes_per_run = FollowOptions().bytes_per_run);
  AccessReader(const AccessReader&) = delete;
  AccessReader& operator=(const AccessReader&) = delete;

  // What is told was stored before, where it could be.
  Result<std::shared_ptr<const AccessReport>> Run();

 private:
  void Line(std::string& note, std::string_view line) override;
  void TooLong() override { counts_->Bad(); }
  void Passed(std::string& note, std::string_view head) override;
  void Lost(const std::string& path) override;

  Status Load();
  Status Store(bool sync);

  const AccessLogOptions options_;
  const std::string state_path_;
  std::unique_ptr<AccessCounts> counts_;
  LogFollower follower_;
  bool loaded_ = false;
  bool settled_ = false;
  uint64_t stores_ = 0;
  std::string stored_;  // text of the state file
};

}  // namespace haidang::agent
