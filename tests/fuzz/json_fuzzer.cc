// JSON documents and pointers of any origin: what is picked is what stands there in the whole
// document.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "agent/sources/json_pick.h"
#include "agent/sources/oom.h"
#include "agent/sources/text.h"
#include "agent/sources/wtmp.h"
#include "tests/fuzz/require.h"

using namespace haidang::agent;
using nlohmann::json;

namespace {

// What `value` is as a number.
std::optional<double> NumberOf(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return ParseReal(value.get<std::string>());
  return std::nullopt;
}

// What stands at `pointer`; null where nothing does.
const json* Find(const json& whole, const JsonPointer& pointer) {
  const json* at = &whole;
  for (const std::string& token : pointer) {
    if (at->is_object()) {
      const auto found = at->find(token);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      const auto index = ParseUnsigned(token);
      if (!index || std::to_string(*index) != token || *index >= at->size()) return nullptr;
      at = &(*at)[*index];
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  ParseOomRecord(input);
  ParseWtmp(input);
  const size_t end = input.find('\n');
  const auto pointer = ParseJsonPointer(input.substr(0, end));
  const std::string_view text = end == input.npos ? "" : input.substr(end + 1);
  if (!pointer) return 0;
  const auto picked = PickJsonNumbers(text, {*pointer, *pointer});
  const json whole = json::parse(text, nullptr, false);
  if (!picked) return 0;  // no JSON, or too deep
  FUZZ_REQUIRE(!whole.is_discarded());
  FUZZ_REQUIRE(picked->size() == 2 && (*picked)[0].number == (*picked)[1].number);
  const json* there = Find(whole, *pointer);
  FUZZ_REQUIRE((*picked)[0].number == (there != nullptr ? NumberOf(*there) : std::nullopt));
  return 0;
}
