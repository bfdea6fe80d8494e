#pragma once

#include <span>

#include "core/catalogue.h"

// The catalogue's rows, each part sorted by name. Adding a metric: one row in the part of its
// owner.
namespace haidang::catalogue {

std::span<const MetricInfo> NodeMetrics();  // what an agent reads from its machine
std::span<const MetricInfo>
KernelMetrics();  // the rest of what node_exporter reads too: the kernel,
std::span<const MetricInfo> NetworkMetrics();   // the network,
std::span<const MetricInfo> HardwareMetrics();  // disks, sensors, clock, what the machine is
std::span<const MetricInfo> CheckMetrics();     // what an agent looks after: files, processes…
std::span<const MetricInfo> ProgramMetrics();   // what programs tell that an agent runs
std::span<const MetricInfo> ProbeMetrics();    // what an agent's probe and the agent itself measure
std::span<const MetricInfo> CentralMetrics();  // own metrics of collector and server

}  // namespace haidang::catalogue
