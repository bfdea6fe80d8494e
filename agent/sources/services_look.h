#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sources/systemd_bus.h"
#include "core/result.h"

namespace haidang::agent {

// What is told of one unit. Nothing where systemd does not count it.
struct UnitState {
  std::string active;  // "active", "activating", "deactivating", "failed", "inactive"
  std::string type;    // of a service: "notify", "oneshot"…; "" of other units
  std::string result;  // why it failed: "exit-code", "timeout"…; "" where it did not
  std::optional<uint64_t> restarts;
  std::optional<uint64_t> memory_bytes;
  std::optional<uint64_t> cpu_ns;
  std::optional<uint64_t> tasks;
  std::optional<uint64_t> start_us;    // since 1970
  std::optional<uint64_t> trigger_us;  // of a timer: when it last elapsed, since 1970
  std::optional<uint64_t> accepted;    // of a socket: connections since it was started
};

struct ServicesState {
  bool has_bus = false;
  std::string system;  // "running", "degraded"…
  uint64_t failed = 0;
  std::map<std::string, uint64_t> counts;  // of all units, by active state
  std::map<std::string, UnitState> units;
};

// One look at systemd after the other, over one connection. Used by one thread at a time.
class ServicesLook {
 public:
  // `units`: names and patterns.
  ServicesLook(std::string socket, const std::vector<std::string>& units);

  // Not having a bus is no Error.
  Result<ServicesState> Run();

 private:
  Result<ServicesState> Ask();
  Status Add(const ListedUnit& unit, ServicesState& state);
  Status AddDetails(const ListedUnit& unit, UnitState& state);

  const std::string socket_;
  std::vector<std::string> names_;
  std::vector<std::string> patterns_;
  std::unique_ptr<SystemdBus> bus_;  // null: connect first
  uint64_t looks_ = 0;
  std::map<std::string, uint64_t> counts_;  // what they were when they were last counted
};

}  // namespace haidang::agent
