#include "agent/sources/smart_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/sources/text.h"
#include "core/query_json.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using nlohmann::json;

constexpr size_t kMaxText = 64;  // bytes, of a model and the like
// Bits of smartctl's exit status.
constexpr int64_t kBadCall = 1;
constexpr int64_t kNotOpened = 2;

// What stands at a path of keys; null where nothing does.
const json* Find(const json& object, std::initializer_list<const char*> keys) {
  const json* at = &object;
  for (const char* key : keys) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(key);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

// A number that is not negative, and fits a count.
std::optional<double> Number(const json* value) {
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->get<double>();
  if (!(number >= 0 && number < 0x1p63)) return std::nullopt;
  return number;
}

std::optional<double> Number(const json& object, std::initializer_list<const char*> keys) {
  return Number(Find(object, keys));
}

std::optional<uint64_t> Count(std::optional<double> number) {
  if (!number) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::string Text(const json& object, std::initializer_list<const char*> keys) {
  const json* value = Find(object, keys);
  if (value == nullptr || !value->is_string()) return {};
  return Printable(value->get_ref<const std::string&>(), kMaxText);
}

const json* Array(const json& object, std::initializer_list<const char*> keys) {
  const json* value = Find(object, keys);
  return value != nullptr && value->is_array() ? value : nullptr;
}

// --- ATA -----------------------------------------------------------------------------------------

const json* AttributeOf(const json& document, uint64_t id) {
  const json* table = Array(document, {"ata_smart_attributes", "table"});
  if (table == nullptr) return nullptr;
  for (const json& row : *table) {
    if (Number(row, {"id"}) == static_cast<double>(id)) return &row;
  }
  return nullptr;
}

// Some disks put more than the count into the raw value's 48 bits: smartctl's text of it begins
// with what it takes for the count.
std::optional<uint64_t> RawOf(const json& document, uint64_t id) {
  const json* row = AttributeOf(document, id);
  if (row == nullptr) return std::nullopt;
  const std::string text = Text(*row, {"raw", "string"});
  const size_t digits = text.find_first_not_of("0123456789");
  if (const auto number = ParseUnsigned(std::string_view(text).substr(0, digits))) return number;
  return Count(Number(*row, {"raw", "value"}));
}

// From the attributes, whose normalized value falls from 100 as the flash wears; which one it is
// differs by maker.
std::optional<double> WearByAttributes(const json& document) {
  constexpr std::array<std::string_view, 6> kNames = {
      "Percent_Lifetime_Remain", "SSD_Life_Left",       "Remaining_Lifetime_Perc",
      "Media_Wearout_Indicator", "Wear_Leveling_Count", "Percent_Life_Remaining"};
  const json* table = Array(document, {"ata_smart_attributes", "table"});
  if (table == nullptr || Number(document, {"rotation_rate"}).value_or(0) != 0) return std::nullopt;
  for (const std::string_view name : kNames) {
    for (const json& row : *table) {
      const auto value = Number(row, {"value"});
      if (Text(row, {"name"}) == name && value && *value <= 100) return (100 - *value) / 100;
    }
  }
  return std::nullopt;
}

// From the log of device statistics, which ATA itself defines.
std::optional<double> WearByStatistics(const json& document) {
  const json* pages = Array(document, {"ata_device_statistics", "pages"});
  if (pages == nullptr) return std::nullopt;
  for (const json& page : *pages) {
    const json* table = Array(page, {"table"});
    if (table == nullptr) continue;
    for (const json& row : *table) {
      if (Text(row, {"name"}) != "Percentage Used Endurance Indicator") continue;
      const json* valid = Find(row, {"flags", "valid"});
      const auto value = Number(row, {"value"});
      if (value && (valid == nullptr || *valid == true)) return *value / 100;
    }
  }
  return std::nullopt;
}

// --- All -----------------------------------------------------------------------------------------

std::optional<double> WearOf(const json& document) {
  for (const auto percent :
       {Number(document, {"endurance_used", "current_percent"}),
        Number(document, {"nvme_smart_health_information_log", "percentage_used"}),
        Number(document, {"scsi_percentage_used_endurance_indicator"})}) {
    if (percent) return *percent / 100;
  }
  const auto wear = WearByStatistics(document);
  return wear ? wear : WearByAttributes(document);
}

std::optional<uint64_t> MediaErrorsOf(const json& document) {
  if (const auto errors = Number(document, {"nvme_smart_health_information_log", "media_errors"})) {
    return Count(errors);
  }
  if (Find(document, {"ata_smart_attributes"}) != nullptr) return RawOf(document, 187);
  std::optional<double> sum;
  for (const char* what : {"read", "write", "verify"}) {
    const auto errors =
        Number(document, {"scsi_error_counter_log", what, "total_uncorrected_errors"});
    if (errors) sum = sum.value_or(0) + *errors;
  }
  return sum && *sum < 0x1p63 ? Count(sum) : std::nullopt;
}

std::string ModelOf(const json& document) {
  std::string model = Text(document, {"model_name"});
  if (model.empty()) model = Text(document, {"scsi_model_name"});
  if (model.empty()) model = Text(document, {"product"});
  return model;
}

std::string FirmwareOf(const json& document) {
  for (const char* key : {"firmware_version", "scsi_revision", "revision"}) {
    if (std::string version = Text(document, {key}); !version.empty()) return version;
  }
  return {};
}

// Why smartctl could not do it; empty where it could.
std::string FaultOf(const json& document) {
  const json* status = Find(document, {"smartctl", "exit_status"});
  if (status == nullptr || !status->is_number_integer()) return "is not what smartctl writes";
  if ((status->get<int64_t>() & (kBadCall | kNotOpened)) == 0) return {};
  std::string fault;
  if (const json* messages = Array(document, {"smartctl", "messages"})) {
    for (const json& message : *messages) {
      if (fault.empty() || Text(message, {"severity"}) == "error") {
        const json* text = Find(message, {"string"});
        if (text != nullptr && text->is_string()) {
          fault = Printable(text->get_ref<const std::string&>());
        }
      }
    }
  }
  return fault.empty() ? "smartctl cannot ask it" : fault;
}

bool IsType(std::string_view type) {
  return !type.empty() && type.size() <= kMaxText && type[0] != '-' &&
         std::all_of(type.begin(), type.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == ',' || c == '+' || c == '_' || c == '-' || c == '/';
         });
}

bool IsName(std::string_view name) {
  return name.starts_with("/dev/") && name.size() > 5 && name.size() <= kMaxText &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

std::string LabelOf(const SmartDevice& device) {
  std::string label = device.name.substr(std::string_view("/dev/").size());
  if (device.type.find(',') != std::string::npos) label += ":" + device.type;
  return label;
}

std::optional<SmartDevice> ParseSmartDevice(std::string_view text) {
  SmartDevice device;
  device.name = TakeField(text);
  const std::string_view option = TakeField(text);
  device.type = TakeField(text);
  const bool plain = option.empty() || (option == "-d" && IsType(device.type));
  if (!plain || !IsName(device.name) || !TakeField(text).empty()) return std::nullopt;
  return device;
}

Result<std::vector<SmartDevice>> ParseSmartScan(std::string_view text) {
  const auto document = query::ParseJsonObject(text, kMaxSmartJson);
  if (!document) return document.error();
  if (const std::string fault = FaultOf(*document); !fault.empty()) return Error{fault};
  std::vector<SmartDevice> devices;
  const json* list = Array(*document, {"devices"});
  if (list == nullptr) return devices;
  for (const json& entry : *list) {
    SmartDevice device{Text(entry, {"name"}), Text(entry, {"type"})};
    const bool good = IsName(device.name) && (device.type.empty() || IsType(device.type)) &&
                      Find(entry, {"open_error"}) == nullptr;
    if (!good || std::find(devices.begin(), devices.end(), device) != devices.end()) continue;
    if (devices.size() == kMaxSmartDevices) break;
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<SmartState> ParseSmart(std::string_view text) {
  const auto document = query::ParseJsonObject(text, kMaxSmartJson);
  if (!document) return document.error();
  if (const std::string fault = FaultOf(*document); !fault.empty()) return Error{fault};
  SmartState state;
  state.model = ModelOf(*document);
  state.serial = Text(*document, {"serial_number"});
  state.firmware = FirmwareOf(*document);
  state.protocol = Text(*document, {"device", "protocol"});
  if (const json* passed = Find(*document, {"smart_status", "passed"});
      passed != nullptr && passed->is_boolean()) {
    state.passed = passed->get<bool>();
  }
  state.temperature_celsius = Number(*document, {"temperature", "current"});
  state.wear_ratio = WearOf(*document);
  if (const auto spare =
          Number(*document, {"nvme_smart_health_information_log", "available_spare"})) {
    state.spare_ratio = *spare / 100;
  }
  if (const auto hours = Number(*document, {"power_on_time", "hours"})) {
    state.power_on_seconds = *hours * 3600;
  }
  state.power_cycles = Count(Number(*document, {"power_cycle_count"}));
  state.reallocated_sectors = RawOf(*document, 5);
  if (!state.reallocated_sectors) {
    state.reallocated_sectors = Count(Number(*document, {"scsi_grown_defect_list"}));
  }
  state.pending_sectors = RawOf(*document, 197);
  state.media_errors = MediaErrorsOf(*document);
  return state;
}

}  // namespace haidang::agent
