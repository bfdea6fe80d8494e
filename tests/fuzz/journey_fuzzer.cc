// What a journey meets: pages, JSON, patterns and texts of any origin. The first byte says which.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "agent/journey/display.h"
#include "agent/journey/encode.h"
#include "agent/journey/html_form.h"
#include "agent/journey/json_value.h"
#include "agent/journey/mask.h"
#include "agent/journey/take.h"
#include "agent/journey/template.h"
#include "agent/journey/waterfall.h"
#include "core/utf8.h"
#include "tests/fuzz/require.h"

using namespace haidang::agent;
using nlohmann::json;

namespace {

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void Page(std::string_view name, std::string_view text) {
  const auto value = FindFormField(text, name);
  FUZZ_REQUIRE(!value || value->size() <= text.size());
  // What a browser reads is found, whatever precedes it, unless that hides it.
  std::string decoded;
  for (const char c : name) {
    decoded +=
        "&#" + std::to_string(static_cast<unsigned>(static_cast<unsigned char>(c) | 1)) + ";";
  }
  const std::string wanted = DecodeHtmlText(decoded);
  const auto found = FindFormField("<input value='1' name='" + decoded + "'>", wanted);
  FUZZ_REQUIRE(found == "1");
}

void Json(std::string_view pointer_text, std::string_view text) {
  const auto pointer = ParseJsonPointer(pointer_text);
  if (!pointer) return;
  const auto value = PickJsonValue(text, *pointer, 1 << 16);
  if (!value) return;
  const json whole = json::parse(text, nullptr, false);
  FUZZ_REQUIRE(!whole.is_discarded());
  const json* at = &whole;
  for (const std::string& token : *pointer) {
    const json* next = nullptr;
    if (at->is_object() && at->contains(token)) next = &at->at(token);
    for (size_t i = 0; at->is_array() && i < at->size(); ++i) {
      if (std::to_string(i) == token) next = &(*at)[i];
    }
    if (next == nullptr) {
      FUZZ_REQUIRE(value->kind == JsonKind::kMissing);
      return;
    }
    at = next;
  }
  FUZZ_REQUIRE(value->kind != JsonKind::kMissing);
  if (value->kind == JsonKind::kTooLarge) return;
  FUZZ_REQUIRE(json::parse(value->json) == *at);
  if (at->is_string()) FUZZ_REQUIRE(value->text == at->get<std::string>());
}

void Pattern(std::string_view pattern, std::string_view text) {
  const double begin = CpuSeconds();
  const auto regex = Regex::Compile(pattern);
  if (regex) regex->Search(text);
  FUZZ_REQUIRE(CpuSeconds() - begin < 1);  // with sanitizers
}

void Fill(std::string_view text, std::string_view value) {
  const auto value_of = [&](std::string_view) { return std::optional<std::string_view>(value); };
  for (const auto use : {TemplateUse::kPlain, TemplateUse::kUrl, TemplateUse::kQuery,
                         TemplateUse::kForm, TemplateUse::kJson, TemplateUse::kHeader}) {
    const auto made = Template::Parse(text, use);
    if (!made) continue;
    const auto filled = made->Fill(value_of);
    if (!filled) continue;
    if (use == TemplateUse::kJson) {
      const auto plain = made->Fill([](std::string_view) { return std::optional("0"); });
      const json with = json::parse(*filled, nullptr, false), without = json::parse(*plain);
      FUZZ_REQUIRE(!with.is_discarded() && with.type() == without.type());
      if (with.is_structured())
        FUZZ_REQUIRE(with.size() <= without.size() + made->variables().size());
    }
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (use == TemplateUse::kHeader) {
      FUZZ_REQUIRE(std::none_of(filled->begin(), filled->end(), control));
    }
    if (use == TemplateUse::kUrl && !made->variables().empty()) {
      const size_t path = text.find_first_of("/?", text.find("://") + 3);
      FUZZ_REQUIRE(filled->find("://") == text.find("://") && path != text.npos);
    }
  }
}

void Mask(std::string_view secret, std::string_view text) {
  if (secret.empty() || secret.find('\0') != secret.npos) return;
  FUZZ_REQUIRE(WrittenLength(secret, secret) >= secret.size());
  FUZZ_REQUIRE(WrittenLength(text, secret) <= text.size());
  for (const std::string& written : {PercentEncode(secret), FormEncode(secret)}) {
    FUZZ_REQUIRE(WrittenLength(written, secret) == written.size());
  }
  if (!haidang::IsUtf8(secret)) return;
  FUZZ_REQUIRE(WrittenLength(JsonEscape(secret), secret) >= JsonEscape(secret).size());
}

void Draw(std::string_view name, std::string_view text) {
  Walk walk{std::string(name), {}};
  for (size_t at = 0; at + 8 <= text.size() && at < 400; at += 8) {
    double seconds = 0;
    std::memcpy(&seconds, text.data() + at, sizeof seconds);
    WalkedStep step{.name = std::string(name), .begin_s = seconds};
    step.walked = at % 3 != 0;
    step.phases_s[at / 8 % kWaterfallPhases] = seconds;
    if (at % 5 == 0) step.reason = name;
    walk.steps.push_back(step);
  }
  FUZZ_REQUIRE(haidang::IsUtf8(DrawWaterfall(walk)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view head = input.substr(0, end),
                         text = input.substr(std::min(end + 1, input.size()));
  constexpr void (*kTargets[])(std::string_view, std::string_view) = {Page, Json, Pattern,
                                                                      Fill, Mask, Draw};
  kTargets[data[0] % std::size(kTargets)](head, text);
  const std::vector<std::string> cookies = {std::string(text)};
  for (const auto from : {TakeFrom::kHeader, TakeFrom::kCookie}) {
    if (const auto rule = MakeTakeRule("x", from, std::string(head)))
      Take(*rule, {"", text, cookies}).ok();
  }
  return 0;
}
