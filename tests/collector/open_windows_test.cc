#include "collector/store/open_windows.h"

#include <catch2/catch.hpp>

#include "collector/store/window.h"

using namespace haidang::store;

namespace {

constexpr int64_t kBegin = 100 * kWindowMs;
constexpr int64_t kEnd = kBegin + kWindowMs + OpenWindows::kGraceMs;

}  // namespace

TEST_CASE("windows begin where they should, before 1970 too") {
  CHECK(WindowOf(kBegin) == kBegin);
  CHECK(WindowOf(kBegin + kWindowMs - 1) == kBegin);
  CHECK(WindowOf(-1) == -kWindowMs);
}

TEST_CASE("a window is due once it ended and nothing comes any more") {
  OpenWindows windows;
  CHECK_FALSE(windows.FirstRow());
  windows.Came(1, kBegin + 5, 10, 0);
  windows.Came(1, kBegin + 6, 12, 1000);
  windows.Came(2, kBegin + kWindowMs, 11, 1000);
  CHECK(windows.FirstRow() == 10);
  const int64_t quiet = 1000 + OpenWindows::kQuietMs;
  CHECK(windows.Due(kEnd - 1, quiet, 9).empty());
  CHECK(windows.Due(kEnd, quiet - 1, 9).empty());
  CHECK(windows.Due(kEnd, quiet, 9) == std::vector<Window>{{1, kBegin}});
  CHECK(windows.Due(kEnd + kWindowMs, quiet, 9) ==
        std::vector<Window>{{1, kBegin}, {2, kBegin + kWindowMs}});
  CHECK(windows.Due(kEnd + kWindowMs, quiet, 1).size() == 1);
}

TEST_CASE("the lag is that of what waits longest although it could be a block") {
  OpenWindows windows;
  CHECK(windows.LagMs(kEnd, 0) == 0);
  windows.Came(1, kBegin + 5, 10, 1000);
  windows.Came(2, kBegin + kWindowMs, 11, 1000);
  CHECK(windows.LagMs(kEnd - 1, 900'000) == 0);
  CHECK(windows.LagMs(kEnd + 2000, 900'000) == 2000);
  // Of long ago, come now.
  windows.Came(1, kBegin - 50 * kWindowMs, 12, 890'000);
  CHECK(windows.LagMs(kEnd + 2000, 900'000) == 10'000);
  windows.Made({1, kBegin - 50 * kWindowMs}, 12);
  windows.Came(1, kBegin + 6, 13, 899'000);
  windows.Made({1, kBegin}, 10);  // the one that came meanwhile waits from then on
  CHECK(windows.LagMs(kEnd + 2000, 900'000) == 1000);
}

TEST_CASE("a backlog that goes on is taken in from time to time") {
  OpenWindows windows;
  for (size_t i = 1; i < OpenWindows::kManyRows; ++i) {
    windows.Came(1, kBegin, static_cast<int64_t>(i), 0);
    CHECK(windows.Due(kEnd, 0, 9).empty());
  }
  windows.Came(1, kBegin, 1000, 0);
  REQUIRE(windows.Due(kEnd, 0, 9).size() == 1);
  windows.Came(1, kBegin, 1001, 0);  // while it is made
  windows.Made({1, kBegin}, 1000);
  CHECK(windows.FirstRow() == 1001);
  CHECK(windows.Due(kEnd, 0, 9).empty());
  windows.Made({1, kBegin}, 1001);
  CHECK_FALSE(windows.FirstRow());
  windows.Made({1, kBegin}, 1001);
  CHECK(windows.size() == 0);
}

TEST_CASE("rows that were there at the start are told in any order") {
  OpenWindows windows;
  windows.Came(1, kBegin, 30, 0);
  windows.Came(1, kBegin, 10, 0);
  windows.Came(1, kBegin, 20, 0);
  CHECK(windows.FirstRow() == 10);
  windows.Made({1, kBegin}, 20);
  CHECK(windows.size() == 1);
  windows.Made({1, kBegin}, 30);
  CHECK(windows.size() == 0);
}
