#include "collector/store/chunk/texts.h"

#include <catch2/catch.hpp>

#include "tests/collector/chunk/generators.h"

using namespace haidang::store;
using haidang::store::testing::Generator;
using haidang::store::testing::Hex;

namespace {

constexpr size_t kBytes = 1 << 20;

TextColumn Decoded(const std::string& chunk, size_t max_ticks) {
  TextColumn column;
  const auto status = DecodeTexts(chunk, max_ticks, kBytes, column);
  if (!status.ok()) FAIL(status.error().message);
  return column;
}

std::string Encoded(const std::vector<std::string>& texts, std::span<const Presence> presence) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return EncodeTexts(views, presence);
}

// The bytes that they take.
size_t RoundTrip(const std::vector<std::string>& texts, const std::vector<Presence>& presence) {
  const std::string chunk = Encoded(texts, presence);
  const TextColumn column = Decoded(chunk, texts.size());
  REQUIRE(column.which.size() == texts.size());
  if (IsPartial(presence)) REQUIRE(column.presence == presence);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!presence.empty() && presence[i] != Presence::kValue) continue;
    REQUIRE(column.texts.at(column.which[i]) == texts[i]);
  }
  return chunk.size();
}

std::string PlugInOutput(Generator& generator) {
  return "DISK OK - free space: / " + std::to_string(40'000 + generator.Below(500)) +
         " MiB (61,3 %); còn trống | /=" + std::to_string(generator.Below(99'999)) + "MiB;0;0;0";
}

}  // namespace

TEST_CASE("a state that holds takes its text and next to nothing more") {
  std::vector<std::string> texts(480, "đang chạy");
  CHECK(RoundTrip(texts, {}) <= 24);
  texts[100] = "đã dừng";
  CHECK(RoundTrip(texts, {}) <= 44);
  for (size_t i = 200; i < 480; i += 40) texts[i] = "đã dừng";
  CHECK(RoundTrip(texts, {}) <= 70);
}

TEST_CASE("texts that differ each time cost what differs") {
  Generator generator(7);
  std::vector<std::string> texts;
  size_t bytes = 0;
  for (int i = 0; i < 480; ++i) bytes += texts.emplace_back(PlugInOutput(generator)).size();
  const size_t size = RoundTrip(texts, {});
  INFO(size << " bytes of " << bytes);
  CHECK(size * 12 <= bytes);
}

TEST_CASE("texts of any bytes come back, with their marks") {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Generator generator(seed);
    const size_t size = 1 + generator.Below(120);
    std::vector<std::string> known = {"", std::string("\0", 1)};
    std::vector<std::string> texts;
    for (size_t i = 0; i < size; ++i) {
      if (generator.OneIn(5)) known.push_back(generator.Bytes(40));
      if (generator.OneIn(9)) known.push_back(PlugInOutput(generator));
      texts.push_back(known[generator.Below(known.size())]);
    }
    INFO("seed " << seed);
    RoundTrip(texts, {});
    RoundTrip(texts, generator.PresenceOf(size));
  }
}

TEST_CASE("texts longer than was allowed are refused, and so is what is no chunk of texts") {
  const std::string chunk = Encoded({"một", "hai", "một"}, {});
  TextColumn column;
  CHECK(DecodeTexts(chunk, 3, 8, column).ok());
  CHECK_FALSE(DecodeTexts(chunk, 3, 7, column).ok());
  CHECK_FALSE(DecodeTexts(chunk, 2, 8, column).ok());
  CHECK_FALSE(DecodeTexts("", 9, 9, column).ok());
  CHECK_FALSE(DecodeTexts("\x21\x03", 9, 9, column).ok());
}

TEST_CASE("damaged texts and any bytes are texts or an error, within bounds") {
  TextColumn column;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Generator generator(seed);
    std::vector<std::string> texts;
    for (int i = 0; i < 30; ++i) texts.push_back(PlugInOutput(generator).substr(30));
    const std::string chunk = generator.OneIn(2) ? "\x41\x20" + generator.Bytes(90)
                                                 : generator.Damaged(Encoded(texts, {}));
    if (!DecodeTexts(chunk, 64, 4096, column).ok()) continue;
    REQUIRE(column.which.size() <= 64);
    size_t bytes = 0;
    for (const auto& text : column.texts) bytes += text.size();
    REQUIRE(bytes <= 4096);
    for (const uint32_t which : column.which) REQUIRE((which == 0 || which < column.texts.size()));
  }
}

TEST_CASE("the bytes of texts are those of docs/store-format.md for ever") {
  const std::vector<Presence> presence = {Presence::kValue, Presence::kUnknown, Presence::kValue,
                                          Presence::kValue};
  CHECK(Hex(Encoded({"up", "", "down", "up"}, presence)) == "4104b470c3ab866152d879");
}
