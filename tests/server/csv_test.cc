#include "server/csv.h"

#include <catch2/catch.hpp>
#include <random>

using namespace haidang;
using namespace haidang::server;

namespace {

std::string Refusal(std::string_view text) {
  auto rows = ParseCsv(text);
  REQUIRE_FALSE(rows.ok());
  return rows.error().message;
}

}  // namespace

TEST_CASE("fields, quotes, line ends and byte-order mark") {
  auto rows = ParseCsv(
      "\xEF\xBB\xBF"
      "a,b\r\n\"x, \"\"y\"\"\",\n\n06652,Phường Hà Tu");
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 3);
  CHECK(rows->at(0).fields == std::vector<std::string>{"a", "b"});
  CHECK(rows->at(1).fields == std::vector<std::string>{"x, \"y\"", ""});
  CHECK(rows->at(2).fields == std::vector<std::string>{"06652", "Phường Hà Tu"});
  CHECK(rows->at(2).line == 4);
  CHECK(ParseCsv("")->empty());
  CHECK(ParseCsv("\n\r\n\n")->empty());
  CHECK(ParseCsv("a,")->at(0).fields.size() == 2);
}

TEST_CASE("damage is refused with its line") {
  CHECK(Refusal("a\n\"b") == "line 2: a quote that never closes");
  CHECK(Refusal("a\n\"b\"c") == "line 2: text after a closing quote");
  CHECK(Refusal("a\"b") == "line 1: a quote within a field that does not begin with one");
  CHECK(Refusal(std::string_view("a\n\n\0", 4)) == "line 3: a control character in a field");
  CHECK(Refusal("\"a\nb\"") == "line 1: a control character in a field");
  CHECK(Refusal("a\xFF") == "not UTF-8 text; save it as UTF-8");
  CHECK(Refusal(std::string(2000, 'a')) == "line 1: a field above 1024 bytes");
  CHECK(Refusal(std::string(40, ',')) == "line 1: more than 32 fields");
  CsvLimits few;
  few.max_rows = 2;
  CHECK_FALSE(ParseCsv("a\nb\nc", few).ok());
  few.max_bytes = 3;
  CHECK_FALSE(ParseCsv("abcd", few).ok());
}

TEST_CASE("any bytes are taken or refused, never more") {
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "a,\"\n\r\xC3\xA0\0x";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto i = random() % 24; i > 0; --i) text += kLetters[random() % kLetters.size()];
    auto rows = ParseCsv(text);
    if (!rows) {
      CHECK_FALSE(rows.error().message.empty());
      continue;
    }
    size_t bytes = 0;
    for (const CsvRow& row : *rows) {
      CHECK_FALSE(row.fields.empty());
      for (const std::string& field : row.fields) bytes += field.size();
    }
    CHECK(bytes <= text.size());
  }
}

TEST_CASE("a file that is missing, a directory or too large is refused by name") {
  CHECK(ReadFile("/nonexistent/a.csv", 10).error().message.starts_with("/nonexistent/a.csv: "));
  CHECK_FALSE(ReadFile("/", 10).ok());
  CHECK_FALSE(ReadFile("/proc/self/maps", 10).ok());
}

TEST_CASE("a table is read by the names of its columns") {
  const auto table = ParseTable("note,b,a\n\n1,2,3\n4\n", {"a", "b"});
  REQUIRE(table.ok());
  REQUIRE(table->rows.size() == 2);
  CHECK(table->columns.Has("note"));
  CHECK_FALSE(table->columns.Has("c"));
  CHECK(table->columns.Get(table->rows[0], "a") == "3");
  CHECK(table->columns.Get(table->rows[1], "a").empty());
  CHECK(table->columns.Get(table->rows[0], "c").empty());
  CHECK(table->rows[1].line == 4);
  CHECK(ParseTable("a,b", {"a"})->rows.empty());

  CHECK(ParseTable("", {"a"}).error().message == "empty; the first line must name the columns");
  CHECK(ParseTable("\nb\n", {"a"}).error().message == "line 2: the column \"a\" is missing");
  CHECK(ParseTable("a,a\n", {"a"}).error().message == "line 1: the column \"a\" twice");
  CHECK(ParseTable("a\n1\n1,2\n", {"a"}).error().message == "line 3: more fields than columns");
  CHECK(ParseTable("a\n\"1\n", {"a"}).error().message.find("line 2") == 0);
}
