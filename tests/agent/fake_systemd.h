#pragma once

#include <systemd/sd-bus.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace haidang::testing {

// A unit as the stand-in shows it; UINT64_MAX is systemd's "not counted".
struct FakeUnit {
  std::string load = "loaded";
  std::string active = "active";
  std::string type = "simple";
  std::string result = "success";
  uint32_t restarts = 0;
  uint64_t memory = UINT64_MAX;
  uint64_t cpu_ns = UINT64_MAX;
  uint64_t tasks = UINT64_MAX;
  uint64_t start_us = 0;
  uint64_t trigger_us = 0;
  uint32_t accepted = 0;
};

// Stands in for systemd on a real dbus-daemon of its own, at root/run/dbus/system_bus_socket.
class FakeSystemd {
 public:
  // Throws std::runtime_error where no bus can be started.
  explicit FakeSystemd(const std::string& root);
  ~FakeSystemd();
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  // Units by name, from now on.
  void Set(std::map<std::string, FakeUnit> units);
  // Answers nothing any more, as a systemd that hangs.
  void Hang() { hanging_ = true; }
  // Ends the bus, as its restart does.
  void EndBus();

 private:
  static int List(sd_bus_message* message, void* self, sd_bus_error* error);
  static int Get(sd_bus_message* message, void* self, sd_bus_error* error);

  std::string socket_;
  pid_t daemon_ = 0;
  std::mutex mutex_;
  std::map<std::string, FakeUnit> units_;  // guarded by mutex_
  std::atomic<bool> hanging_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace haidang::testing
