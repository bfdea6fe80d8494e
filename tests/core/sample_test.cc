#include "core/sample.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/utf8.h"

using namespace haidang;

TEST_CASE("numbers and Booleans are numbers, the rest is NaN") {
  CHECK(AsNumber(int64_t{-3}) == -3);
  CHECK(AsNumber(uint64_t{3}) == 3);
  CHECK(AsNumber(0.5) == 0.5);
  CHECK(AsNumber(true) == 1);
  CHECK(std::isnan(AsNumber(Null{})));
  CHECK(std::isnan(AsNumber(std::string("3"))));
  CHECK(std::isnan(AsNumber(Bytes{"3"})));
}

TEST_CASE("a series is written as Prometheus writes it") {
  CHECK(ToString(SeriesId{"node_load1", {}}) == "node_load1");
  CHECK(ToString(SeriesId{"m", {{"b", "a\"\\\n"}, {"a", "x"}}}) == "m{a=\"x\",b=\"a\\\"\\\\\\n\"}");
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  CHECK(IsUtf8(""));
  CHECK(IsUtf8("Quảng Ninh 🏮 \xF4\x8F\xBF\xBF"));
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xFF", "\xE1\xBA"}) {
    CHECK_FALSE(IsUtf8(bad));
    CHECK(IsUtf8(ToUtf8(bad, 100)));
  }
}

TEST_CASE("mended text is cut at a character's edge") {
  CHECK(ToUtf8("a\xFFz", 100) == "a\xEF\xBF\xBDz");
  CHECK(ToUtf8("ảả", 5) == "ả");
  CHECK(ToUtf8("ảả", 6) == "ảả");
  CHECK(Printable("a\n\x1B[31m\x7F") == "a??[31m?");
}
