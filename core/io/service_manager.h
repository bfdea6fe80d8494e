#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/io/loop.h"

namespace haidang {

// Tells the service manager that started this process how it stands, where it wants to know:
// systemd's protocol, sd_notify(3). Where none wants to, nothing happens. The thread of main only.
class ServiceManager {
 public:
  struct Wishes {
    std::string socket;                     // NOTIFY_SOCKET; "": none
    std::chrono::microseconds watchdog{0};  // how seldom it may be told that we live; 0: need not
  };
  // Takes them out of the environment, so that no child speaks for this process. Before any other
  // thread is started.
  static Wishes TakeWishes();

  explicit ServiceManager(Wishes wishes);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Started, but it cannot do its work yet, and tries again: why. To be called more often than the
  // watchdog wants; each time says that we live.
  void Waits(std::string_view why);

  // Started, and at work. While what is given lives, which must not outlive `loop` or this, says
  // twice in the watchdog's time that we live, as long as `alive` says so. Null: no watchdog.
  [[nodiscard]] std::unique_ptr<Timer> Works(
      Loop& loop, std::function<bool()> alive = [] { return true; });

  // Ends in order from now on.
  void Stops();

 private:
  void Tell(const std::string& message);

  const Wishes wishes_;
  int socket_ = -1;
  bool failed_ = false;  // and said so
};

}  // namespace haidang
