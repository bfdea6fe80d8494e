#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "agent/journey/display.h"
#include "agent/journey/waterfall.h"

using namespace haidang;
using namespace haidang::agent;

namespace {

// What a person reads, kept in tests/fixtures/waterfall.
std::string Golden(const std::string& name) {
  std::ifstream file(std::string(FIXTURES) + "/waterfall/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

Walk GoodWalk() {
  return {"một cửa",
          {{.name = "đăng nhập",
            .status = 200,
            .bytes = 5120,
            .phases_s = {0.150, 0.004, 0.009, 0.021, 0.640, 0.012},
            .hops_s = {0.100, 0.050},
            .protocol = "HTTP/1.1",
            .address = "192.0.2.10:443",
            .cert_days = 61.4},
           {.name = "tra cứu hồ sơ",
            .status = 200,
            .bytes = 2'621'440,
            .begin_s = 1.836,
            .phases_s = {0, 0.0005, 0.009, 0.020, 0.300, 0.450},
            .protocol = "HTTP/1.1",
            .address = "[2001:db8::10]:443",
            .cert_days = 61.4},
           {.name = "thoát", .status = 204, .begin_s = 2.7, .phases_s = {0, 0, 0, 0, 0.003, 0}}}};
}

Walk FailedWalk() {
  Walk walk = GoodWalk();
  walk.steps[1] = {.name = "tra cứu hồ sơ",
                   .reason = "timeout",
                   .detail = "no first byte within 10 s\x1b[31m",
                   .begin_s = 0.836,
                   .phases_s = {0, 0.0005, 0.009, 0.020, 9.9705, 0},
                   .address = "192.0.2.10:443",
                   .cert_days = -2};
  walk.steps[2] = {.name = "thoát", .walked = false};
  return walk;
}

void CheckWidth(const std::string& drawn, size_t width) {
  std::istringstream lines(drawn);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(Columns(line) <= width);
    CHECK((line.empty() || line.back() != ' '));
  }
}

}  // namespace

TEST_CASE("waterfalls as people see them") {
  CHECK(DrawWaterfall(GoodWalk()) == Golden("good.txt"));
  CHECK(DrawWaterfall(FailedWalk()) == Golden("failed.txt"));
  CHECK(DrawWaterfall(FailedWalk(), {.width = 72, .ascii = true}) == Golden("narrow.txt"));
}

TEST_CASE("waterfalls fit any terminal") {
  for (size_t width = 60; width <= 240; width += 7) {
    CheckWidth(DrawWaterfall(GoodWalk(), {.width = width}), width);
  }
  CHECK(DrawWaterfall(GoodWalk(), {.width = 0}) == DrawWaterfall(GoodWalk(), {.width = 60}));
  CHECK(DrawWaterfall(GoodWalk(), {.width = 9999}) == DrawWaterfall(GoodWalk(), {.width = 240}));
}

TEST_CASE("waterfalls of what is odd") {
  CheckWidth(DrawWaterfall({}), 100);
  Walk walk{std::string(300, 'x') + "\n\xff", {}};
  walk.steps.push_back({.name = "名前\x01 dài quá ba mươi ký tự một hàng",
                        .reason = "new\nword",
                        .begin_s = -1,
                        .phases_s = {-1, 0, 0, 0, 0, 0}});
  const std::string drawn = DrawWaterfall(walk);
  CHECK(drawn.find("new?word") != std::string::npos);
  CHECK(drawn.find('\x01') == std::string::npos);
  CheckWidth(drawn, 100);
}

TEST_CASE("columns of a terminal") {
  CHECK(Columns("") == 0);
  CHECK(Columns("tra cứu hồ sơ") == 13);
  CHECK(Columns("tra cu\u031b\u0301u") == 7);  // letters and their marks apart
  CHECK(Columns("名前") == 4);
  CHECK(PadToColumns("ệ", 3) == "ệ  ");
  CHECK(PadToColumns("ệệệệ", 3) == "ệệệệ");
  CHECK(CutToColumns("tra cứu", 7) == "tra cứu");
  CHECK(CutToColumns("tra cứu", 6) == "tra c…");
  CHECK(CutToColumns("名前名", 4) == "名…");
  CHECK(CutToColumns("ab", 1) == "…");
}
