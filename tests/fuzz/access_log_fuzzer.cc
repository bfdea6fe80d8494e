// Lines of access logs, formats, patterns of addresses and stored states of any origin.

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/sources/access_line.h"
#include "agent/sources/access_state.h"
#include "agent/sources/url_pattern.h"
#include "tests/fuzz/require.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

bool Within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() &&
          part.data() + part.size() <= whole.data() + whole.size()) ||
         part == "/";
}

void TryLine(const AccessFormat& format, std::string_view line, std::string& fields) {
  AccessLine out;
  if (format.Parse(line, fields, out) != LineKind::kRequest) return;
  FUZZ_REQUIRE(out.status >= 0 && out.status <= 999);
  FUZZ_REQUIRE(!out.seconds || *out.seconds >= 0);
  FUZZ_REQUIRE(Within(out.method, line) && Within(out.path, line));
  FUZZ_REQUIRE(MethodIndex(out.method) < kMethods.size());
  FUZZ_REQUIRE(StatusIndex(out.status) < kStatusClasses.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  const std::string_view first = input.substr(0, end);
  const std::string_view rest = end == std::string_view::npos ? "" : input.substr(end + 1);
  std::string fields(first);
  for (const std::string_view format :
       {std::string_view("combined"), std::string_view("w3c"), std::string_view("haproxy"),
        std::string_view(R"($status "$request" $request_time)"), first}) {
    const auto made = AccessFormat::Make(format, "auto");
    if (!made) continue;
    TryLine(*made, input, fields);
    TryLine(*made, rest, fields);
  }
  if (size < 4096) static_cast<void>(MatchesUrl(first, rest));

  const std::vector<UrlGroup> groups = {{"a", {"/a"}}};
  const std::vector<VolumeRule> volumes = {{"s", "k", {"/a"}, {}}};
  AccessCounts counts(groups, volumes);
  static_cast<void>(ParseAccessState(input, counts));
  static_cast<void>(counts.Load(first));
  AccessCounts again(groups, volumes);
  const std::string text = FormatAccessState({}, counts);
  FUZZ_REQUIRE(ParseAccessState(text, again).ok());
  FUZZ_REQUIRE(FormatAccessState({}, again) == text);
  FUZZ_REQUIRE(UnescapeWord(EscapeWord(input)) == input);
  return 0;
}
