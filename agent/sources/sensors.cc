#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/paced_source.h"
#include "agent/sources/sys_tree.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxSensors = 512;

// As node_exporter spells chips: lower case, what is no letter or digit as "_".
std::string Cleaned(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    out += std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  const size_t begin = out.find_first_not_of('_');
  if (begin == std::string::npos) return {};
  return out.substr(begin, out.find_last_not_of('_') + 1 - begin);
}

// The device's bus and name, "platform_coretemp_0"; else what the driver calls itself.
std::string ChipOf(const std::string& path, const std::string& entry) {
  const std::string device = Cleaned(LinkTarget(path + "device"));
  const std::string bus = Cleaned(LinkTarget(path + "device/subsystem"));
  if (!device.empty()) return bus.empty() ? device : bus + "_" + device;
  if (const auto name = ReadWord(path + "name")) return Cleaned(*name);
  return entry;
}

// "temp1_crit" is of sensor temp1, of the kind temp, its property crit.
struct SensorFile {
  std::string_view sensor;
  std::string_view kind;
  std::string_view property;
};
std::optional<SensorFile> ParseSensorFile(std::string_view name) {
  size_t digits = 0;
  while (digits < name.size() && std::isalpha(static_cast<unsigned char>(name[digits])) != 0)
    ++digits;
  size_t end = digits;
  while (end < name.size() && std::isdigit(static_cast<unsigned char>(name[end])) != 0) ++end;
  if (digits == 0 || end == digits || end + 1 >= name.size() || name[end] != '_')
    return std::nullopt;
  return SensorFile{name.substr(0, end), name.substr(0, digits), name.substr(end + 1)};
}

// What a kind's values are in, and what one of the kernel's is of it.
struct Unit {
  std::string_view kind;
  std::string_view unit;
  double each;
};
constexpr Unit kUnits[] = {
    {"temp", "celsius", 1e-3}, {"fan", "rpm", 1},       {"in", "volts", 1e-3},
    {"curr", "amps", 1e-3},    {"power", "watt", 1e-6},
};
constexpr std::string_view kProperties[] = {"input", "average", "crit",      "max",
                                            "min",   "alarm",   "crit_alarm"};

void LookAtSensor(const std::string& path, const std::string& chip, const SensorFile& file,
                  std::vector<Reading>& readings) {
  const std::string name = std::string(file.sensor) + "_" + std::string(file.property);
  Labels labels = {{"chip", chip}, {"sensor", std::string(file.sensor)}};
  if (file.property == "label") {
    labels.emplace("label", ToUtf8(ReadWord(path + name).value_or(""), 128));
    Add(readings, "node_hwmon_sensor_label", std::move(labels), true);
    return;
  }
  const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&](const Unit& one) { return one.kind == file.kind; });
  const bool hysteresis = file.kind == "temp" && file.property == "crit_hyst";
  const bool told = hysteresis || std::find(std::begin(kProperties), std::end(kProperties),
                                            file.property) != std::end(kProperties);
  if (unit == std::end(kUnits) || !told) return;
  const auto value = ReadInteger(path + name);
  if (!value) return;
  std::string metric = "node_hwmon_" + std::string(file.kind);
  if (file.property != "input") metric += "_" + std::string(file.property);
  const bool plain = file.property == "alarm";
  if (!plain) metric += "_" + std::string(unit->unit);
  Add(readings, metric, std::move(labels), static_cast<double>(*value) * (plain ? 1 : unit->each));
}

Result<std::vector<Reading>> LookAtHwmon(const std::string& hwmon) {
  std::vector<Reading> readings;
  for (const std::string& entry : EntriesOf(hwmon, 64)) {
    const std::string path = hwmon + entry + "/";
    const std::string chip = ChipOf(path, entry);
    if (const auto name = ReadWord(path + "name")) {
      Add(readings, "node_hwmon_chip_names", {{"chip", chip}, {"chip_name", Cleaned(*name)}}, true);
    }
    for (const std::string& file : EntriesOf(path)) {
      const auto parsed = ParseSensorFile(file);
      if (parsed && readings.size() < kMaxSensors) LookAtSensor(path, chip, *parsed, readings);
    }
  }
  return readings;
}

// What cools, a fan or a processor that is held back: how much of how much.
void LookAtCooling(const std::string& path, const std::string& name,
                   std::vector<Reading>& readings) {
  const Labels labels = {{"name", name},
                         {"type", ToUtf8(ReadWord(path + "type").value_or(""), 128)}};
  const auto tell = [&](const char* file, const char* metric) {
    const auto state = ReadInteger(path + file);
    if (state && *state >= 0) Add(readings, metric, labels, static_cast<uint64_t>(*state));
  };
  tell("cur_state", "node_cooling_device_cur_state");
  tell("max_state", "node_cooling_device_max_state");
}

Result<std::vector<Reading>> LookAtThermalZones(const std::string& thermal) {
  std::vector<Reading> readings;
  constexpr std::string_view kZone = "thermal_zone";
  constexpr std::string_view kCooling = "cooling_device";
  for (const std::string& entry : EntriesOf(thermal)) {
    if (IsNumbered(entry, kCooling) && readings.size() < kMaxSensors) {
      LookAtCooling(thermal + entry + "/", entry.substr(kCooling.size()), readings);
    }
    if (!IsNumbered(entry, kZone) || readings.size() == kMaxSensors) continue;
    const auto milli = ReadInteger(thermal + entry + "/temp");
    if (!milli) continue;
    Add(readings, "node_thermal_zone_temp",
        {{"type", ToUtf8(ReadWord(thermal + entry + "/type").value_or(""), 128)},
         {"zone", entry.substr(kZone.size())}},
        static_cast<double>(*milli) / 1000);
  }
  return readings;
}

// Errors of the memory that were corrected, or could not be.
Result<std::vector<Reading>> LookAtEdac(const std::string& edac) {
  std::vector<Reading> readings;
  const auto count = [&](const std::string& file, const char* metric, const Labels& labels) {
    const auto number = ReadInteger(file);
    if (number && *number >= 0) Add(readings, metric, labels, static_cast<uint64_t>(*number));
  };
  for (const std::string& controller : EntriesOf(edac, 64)) {
    if (!IsNumbered(controller, "mc")) continue;
    const std::string path = edac + controller + "/";
    const Labels whole = {{"controller", controller.substr(2)}};
    count(path + "ce_count", "node_edac_correctable_errors_total", whole);
    count(path + "ue_count", "node_edac_uncorrectable_errors_total", whole);
    const auto row = [&](const std::string& folder, std::string name) {
      const Labels labels = {{"controller", controller.substr(2)}, {"csrow", std::move(name)}};
      count(folder + "ce_count", "node_edac_csrow_correctable_errors_total", labels);
      count(folder + "ue_count", "node_edac_csrow_uncorrectable_errors_total", labels);
    };
    for (const std::string& entry : EntriesOf(path)) {
      if (IsNumbered(entry, "csrow")) row(path + entry + "/", entry.substr(5));
    }
    // Errors of which the controller does not know the row.
    const Labels unknown = {{"controller", controller.substr(2)}, {"csrow", "unknown"}};
    count(path + "ce_noinfo_count", "node_edac_csrow_correctable_errors_total", unknown);
    count(path + "ue_noinfo_count", "node_edac_csrow_uncorrectable_errors_total", unknown);
  }
  return readings;
}

}  // namespace

std::unique_ptr<Source> MakeHwmonSource(const std::string& root, Loop& loop, const Clock& clock) {
  return MakePacedSource("hwmon", loop, clock, 60s,
                         [path = root + "sys/class/hwmon/"] { return LookAtHwmon(path); });
}

std::unique_ptr<Source> MakeThermalZoneSource(const std::string& root, Loop& loop,
                                              const Clock& clock) {
  return MakePacedSource("thermal_zone", loop, clock, 60s,
                         [path = root + "sys/class/thermal/"] { return LookAtThermalZones(path); });
}

std::unique_ptr<Source> MakeEdacSource(const std::string& root, Loop& loop, const Clock& clock) {
  return MakePacedSource("edac", loop, clock, 60s, [path = root + "sys/devices/system/edac/mc/"] {
    return LookAtEdac(path);
  });
}

}  // namespace haidang::agent
