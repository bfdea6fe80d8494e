#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace haidang::collector {

// process_cpu_seconds_total and its like, of this process, read from /proc/self when asked. Any
// thread.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace haidang::collector
