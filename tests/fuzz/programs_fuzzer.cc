// What programs write that the agent runs: monitoring plug-ins and smartctl.

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "agent/sources/plugin_output.h"
#include "agent/sources/smart_json.h"
#include "core/utf8.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

bool Good(const std::optional<double>& number) { return !number || std::isfinite(*number); }

bool Good(const PluginRange& range) { return Good(range.min) && Good(range.max); }

void TryPlugin(std::string_view input) {
  const PluginOutput output = ParsePluginOutput(input);
  FUZZ_REQUIRE(IsUtf8(output.text) && output.text.size() <= kMaxPluginText);
  FUZZ_REQUIRE(output.values.size() <= kMaxPluginValues);
  std::set<std::string> labels;
  for (const PluginValue& value : output.values) {
    FUZZ_REQUIRE(!value.label.empty() && value.label.size() <= kMaxPluginLabel);
    FUZZ_REQUIRE(IsUtf8(value.label) && IsUtf8(value.unit));
    FUZZ_REQUIRE(labels.insert(value.label).second);
    FUZZ_REQUIRE(Good(value.number) && Good(value.warning) && Good(value.critical));
    FUZZ_REQUIRE(Good(value.possible));
  }
}

void TrySmart(std::string_view input) {
  if (const auto devices = ParseSmartScan(input)) {
    FUZZ_REQUIRE(devices->size() <= kMaxSmartDevices);
    for (const SmartDevice& device : *devices) {
      const std::string text = device.name + (device.type.empty() ? "" : " -d " + device.type);
      FUZZ_REQUIRE(ParseSmartDevice(text) == device);
      FUZZ_REQUIRE(IsUtf8(LabelOf(device)));
    }
  }
  if (const auto state = ParseSmart(input)) {
    FUZZ_REQUIRE(IsUtf8(state->model) && IsUtf8(state->serial) && IsUtf8(state->firmware));
    for (const auto& number : {state->temperature_celsius, state->wear_ratio, state->spare_ratio,
                               state->power_on_seconds}) {
      FUZZ_REQUIRE(Good(number) && number.value_or(0) >= 0);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  TryPlugin(input);
  TrySmart(input);
  return 0;
}
