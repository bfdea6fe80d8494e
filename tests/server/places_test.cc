#include "server/places.h"

#include <catch2/catch.hpp>

#include "server/csv.h"

using namespace haidang;
using namespace haidang::server;
using query::Site;

namespace {

const std::string kHeader = "code,name,level,parent_code\n";

PlaceFile<Site> Sites(const std::string& rows) {
  auto file = ParseSites(kHeader + rows);
  if (!file) FAIL(file.error().message);
  return *file;
}

std::string Refusal(const std::string& text) {
  auto file = ParseSites(text);
  REQUIRE_FALSE(file.ok());
  return file.error().message;
}

}  // namespace

TEST_CASE("the province's real files are read, two levels and three") {
  for (const auto& [name, count] : {std::pair("quang-ninh-2tier", 55),
                                    {"quang-ninh-3tier", 185},
                                    {"quang-ninh-3tier-2023", 191}}) {
    const auto text = ReadFile(
        std::string(HAIDANG_SOURCE_DIR) + "/packaging/data/sites/" + name + ".csv", 1 << 20);
    REQUIRE(text.ok());
    auto file = ParseSites(*text);
    REQUIRE(file.ok());
    CHECK(file->rows.size() == static_cast<size_t>(count));
    CHECK_FALSE(file->dated);
  }
}

TEST_CASE("codes stay text, columns may stand in any order, further ones are ignored") {
  auto file =
      ParseSites("parent_code,note,code,level,name\n,x,22,province,Tỉnh\n22,,06652,commune,Xã\n");
  REQUIRE(file.ok());
  CHECK(file->rows[0].code == "06652");
  CHECK(file->rows[0].parent_code == "22");
}

TEST_CASE("what is no tree of places is refused") {
  CHECK(Refusal("") == "empty; the first line must name the columns");
  CHECK(Refusal("code,name,level\n") == "line 1: the column \"parent_code\" is missing");
  CHECK(Refusal("code,code,name,level,parent_code\n") == "line 1: the column \"code\" twice");
  CHECK(Refusal(kHeader + "1,A,p,\n1,B,p,\n") == "line 3: \"1\" stands in line 2 too");
  CHECK(Refusal(kHeader + ",A,p,\n") == "line 2: the code is empty");
  CHECK(Refusal(kHeader + "1,,p,\n") == "line 2: the name of \"1\" is empty");
  CHECK(Refusal(kHeader + "1,A,p,,x\n") == "line 2: more fields than columns");
  CHECK(Refusal(kHeader + "1,A,p,9\n") == "place \"1\": its parent \"9\" is not in the file");
  CHECK(Refusal(kHeader + "1,A,p,2\n2,B,p,1\n").find("within itself") != std::string::npos);
  CHECK(Refusal(kHeader + "1,A,p,1\n").find("within itself") != std::string::npos);
  std::string deep = kHeader + "0,A,p,\n";
  for (int i = 1; i < 40; ++i) {
    deep += std::to_string(i) + ",A,p," + std::to_string(i - 1) + "\n";
  }
  CHECK(Refusal(deep).find("deeper than 32") != std::string::npos);
}

TEST_CASE("days are midnights in Viet Nam") {
  CHECK(ParseDay("1970-01-01").value() == -7 * 3600 * 1000);
  CHECK(ParseDay("2025-07-01").value() == 1751302800000);
  for (const char* day : {"", "2025-7-1", "2025-02-30", "2025-13-01", "01-07-2025", "2025-07-01 ",
                          "-025-07-01", "2025-07-0x", "+025-07-01"}) {
    INFO(day);
    CHECK_FALSE(ParseDay(day).ok());
  }
}

TEST_CASE("a dated file is the whole history: each row ends where the next begins") {
  const std::string header = "code,name,level,parent_code,valid_from,valid_to\n";
  auto file = ParseSites(header +
                         "22,Tỉnh,province,,,\n06652,Phường Hà Phong,commune,22,,\n"
                         "06652,Phường Hà Tu,commune,22,2025-07-01,\n"
                         "193,Thành phố,district,22,,2025-07-01\n");
  REQUIRE(file.ok());
  CHECK(file->dated);
  const int64_t change = ParseDay("2025-07-01").value();
  CHECK(ValidAt(file->rows, change - 1).size() == 3);
  const auto now = ValidAt(file->rows, change);
  REQUIRE(now.size() == 2);
  CHECK(now[0].name == "Phường Hà Tu");
  CHECK(Merge({{"gone", "x", "", "", 0, std::nullopt}}, *file, 5).size() == 4);
  CHECK_FALSE(ParseSites(header + "1,A,p,,2025-07-01,2025-07-01\n").ok());
  CHECK_FALSE(ParseSites(header + "1,A,p,,today,\n").ok());
}

TEST_CASE("an undated file closes what it no longer says and never rewrites the past") {
  const auto first = Merge({}, Sites("22,Tỉnh,p,\n1,Xã A,c,22\n2,Xã B,c,22\n"), 100);
  REQUIRE(first.size() == 3);
  CHECK(first[0].valid_from_ms == 0);

  SECTION("the same again changes nothing") {
    const auto again = Merge(first, Sites("2,Xã B,c,22\n22,Tỉnh,p,\n1,Xã A,c,22\n"), 200);
    query::Snapshot a, b;
    a.sites = first;
    b.sites = again;
    CHECK(query::EncodeSnapshot(a) == query::EncodeSnapshot(b));
  }
  SECTION("a new name holds from now, a code that is gone has ended, both stay known before") {
    const auto second = Merge(first, Sites("22,Tỉnh,p,\n1,Xã Mới,c,22\n"), 200);
    CHECK(ValidAt(second, 199).size() == 3);
    const auto now = ValidAt(second, 200);
    REQUIRE(now.size() == 2);
    CHECK(now[0].name == "Xã Mới");
    CHECK(now[0].valid_from_ms == 200);
    SECTION("and may come back") {
      const auto third = Merge(second, Sites("22,Tỉnh,p,\n1,Xã Mới,c,22\n2,Xã B,c,22\n"), 300);
      CHECK(ValidAt(third, 250).size() == 2);
      CHECK(ValidAt(third, 300).size() == 3);
      CHECK(ValidAt(third, 150).size() == 3);
    }
  }
}

TEST_CASE("an inventory places machines") {
  auto file = ParseInventory("machine,site,class\nm1,06652,server\nm2,22,workstation\n");
  REQUIRE(file.ok());
  const auto placed = Merge({}, *file, 10);
  auto moved = ParseInventory("machine,site,class\nm1,22,server\nm2,22,workstation\n");
  const auto later = Merge(placed, *moved, 20);
  REQUIRE(later.size() == 3);
  CHECK(later[0].site == "06652");
  CHECK(later[0].valid_to_ms == 20);
  CHECK(later[1].site == "22");
  CHECK_FALSE(ParseInventory("machine,site,class\n,22,server\n").ok());
  CHECK_FALSE(ParseInventory("machine,site,class\nm,,server\n").ok());
}

TEST_CASE("an inventory says what machines serve") {
  const auto file = ParseInventory(
      "machine,site,class,serves\nps-db1,22,server,mot-cua; dan-cu-quoc-gia ;\nm2,22,server,\n");
  REQUIRE(file.ok());
  CHECK(file->rows[1].serves == std::vector<std::string>{"mot-cua", "dan-cu-quoc-gia"});
  CHECK(file->rows[0].serves.empty());
  CHECK_FALSE(
      ParseInventory("machine,site,class,serves\nm,22,server," + std::string(65, 'x') + "\n").ok());
  std::string many;
  for (int i = 0; i < 17; ++i) many += "s" + std::to_string(i) + ";";
  CHECK_FALSE(ParseInventory("machine,site,class,serves\nm,22,server," + many + "\n").ok());

  // What a machine serves changed: that is another placement from now on.
  auto before = ParseInventory("machine,site,class\nps-db1,22,server\n");
  auto after = ParseInventory("machine,site,class,serves\nps-db1,22,server,mot-cua\n");
  const auto known = Merge({}, *before, 1000);
  const auto merged = Merge(known, *after, 2000);
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].valid_to_ms == 2000);
  CHECK(merged[1].serves == std::vector<std::string>{"mot-cua"});
}
