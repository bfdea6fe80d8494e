#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collector/exposition.h"
#include "collector/metrics.h"
#include "core/io/host_port.h"
#include "core/io/http/waiting_port.h"
#include "core/result.h"

namespace haidang::collector {

// GET /metrics and /metrics/fleet in Prometheus' text format 0.0.4; /healthz, and /readyz: 503 with
// the reason where nothing arrives or nothing can be stored. prometheus-cpp keeps and
// serialises the metrics; its Exposer is not used, because it holds every series of the fleet as
// objects and as text at once (some 700 MB for 10 000 machines), where families written one after
// another need a hundredth of that.
class MetricsPort {
 public:
  static constexpr size_t kMaxConnections = 512;

  // `fleet` is asked on a thread of this port; nothing where no answer came in time.
  using AskFleet = std::function<std::optional<FleetNow>()>;

  // Asked likewise: why the collector is not ready, "" where it is.
  using AskReady = std::function<std::optional<std::string>()>;

  // Listens at once; an Error names the address.
  static Result<std::unique_ptr<MetricsPort>> Open(const HostPort& listen,
                                                   std::shared_ptr<prometheus::Registry> own,
                                                   AskFleet fleet, AskReady ready);
  // What listens in its place until the store is open.
  static Result<std::unique_ptr<http::WaitingPort>> Wait(const HostPort& listen);
  virtual ~MetricsPort() = default;

  virtual uint16_t port() const = 0;
  // Answers from now on, on threads of its own.
  virtual void Start() = 0;
  // Cuts off who has not taken its answer; ends when every thread has.
  virtual void Stop() = 0;
};

}  // namespace haidang::collector
