#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// What smartctl --json says (smartmontools 7.0 or newer) of ATA, NVMe and SCSI disks.
namespace haidang::agent {

// A disk as smartctl finds it: what it is to be called with.
struct SmartDevice {
  std::string name;  // "/dev/sda", "/dev/bus/0"
  std::string type;  // of -d: "sat", "nvme", "megaraid,1"; "": smartctl finds out
  auto operator<=>(const SmartDevice&) const = default;
};

// What the disk is called in the data: "sda", "nvme0"; behind a controller "bus/0:megaraid,1".
std::string LabelOf(const SmartDevice& device);

// "/dev/sda" or "/dev/bus/0 -d megaraid,1", as in smartd.conf; nothing where it is neither.
std::optional<SmartDevice> ParseSmartDevice(std::string_view text);

// The disks that --scan-open found, at most kMaxSmartDevices, each once.
Result<std::vector<SmartDevice>> ParseSmartScan(std::string_view json);

inline constexpr size_t kMaxSmartDevices = 64;
inline constexpr size_t kMaxSmartJson = 256U << 10;  // bytes

// What a disk says of itself; nothing where it does not.
struct SmartState {
  std::string model;
  std::string serial;
  std::string firmware;
  std::string protocol;  // "ATA", "NVMe", "SCSI"
  std::optional<bool> passed;
  std::optional<double> temperature_celsius;
  std::optional<double> wear_ratio;   // of what its maker promises; may be above 1
  std::optional<double> spare_ratio;  // of its spare blocks, those left
  std::optional<double> power_on_seconds;
  std::optional<uint64_t> power_cycles;
  std::optional<uint64_t> reallocated_sectors;  // grown defects
  std::optional<uint64_t> pending_sectors;      // that could not be read and wait for a decision
  std::optional<uint64_t> media_errors;         // that the disk could not mend
};

// An Error where this is not JSON, or smartctl could not ask the disk; then it says why.
Result<SmartState> ParseSmart(std::string_view json);

}  // namespace haidang::agent
