#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <optional>

#include "agent/path/mtu_search.h"

using namespace haidang::agent;

namespace {

using Fate = TrialResult::Fate;

const TrialResult kAnswered{.fate = Fate::kAnswered, .rtt_ns = 1};
const TrialResult kLost{};

TrialResult TooBig(size_t told, bool local = false) {
  return {.fate = Fate::kTooBig, .told_mtu = told, .local = local};
}

// A way with a device of its own that takes `device`; `way` says what becomes of a size.
struct Way {
  size_t device = 1500;
  std::function<TrialResult(size_t)> way;
  int large = 0;  // packets that left the machine

  std::optional<PathMtu> Search(int family = AF_INET, TrialResult small = kAnswered) {
    MtuSearch search(family);
    for (int pairs = 0; !search.over(); ++pairs) {
      REQUIRE(pairs < 40);
      if (search.size() > device) {
        search.OnPair(small, TooBig(device, true));
        continue;
      }
      ++large;
      search.OnPair(small, way(search.size()));
    }
    return search.found();
  }
};

// Takes up to `mtu`, and says so (`told`) or swallows the rest.
std::function<TrialResult(size_t)> Takes(size_t mtu, std::optional<size_t> told) {
  return [=](size_t size) {
    if (size <= mtu) return kAnswered;
    return told ? TooBig(*told) : kLost;
  };
}

}  // namespace

TEST_CASE("a way as wide as the device: one packet") {
  Way way{.way = Takes(1500, 1500)};
  CHECK(way.Search() == PathMtu{.bytes = 1500});
  CHECK(way.large == 1);
  Way jumbo{.device = 65536, .way = Takes(65536, 65536)};
  CHECK(jumbo.Search() == PathMtu{.bytes = MtuSearch::kMost});
  Way odd{.device = 1476, .way = Takes(1500, 1500)};
  CHECK(odd.Search() == PathMtu{.bytes = 1476});
}

TEST_CASE("routers that say what they take") {
  Way way{.way = Takes(1400, 1400)};
  CHECK(way.Search() == PathMtu{.bytes = 1400, .limited = true});
  CHECK(way.large == 2);
  // One after another.
  Way two{.way = [](size_t size) {
    return size > 1480 ? TooBig(1480) : size > 1400 ? TooBig(1400) : kAnswered;
  }};
  CHECK(two.Search() == PathMtu{.bytes = 1400, .limited = true});
}

TEST_CASE("routers that say nothing of use") {
  for (const size_t told : {0, 20, 67, 1500, 9000}) {
    INFO(told);
    Way way{.way = Takes(1400, told)};
    CHECK(way.Search() == PathMtu{.bytes = 1400, .limited = true});
  }
  // One that would have us take smaller and smaller steps.
  Way steps{.way = [](size_t size) { return TooBig(size - 1); }};
  CHECK_FALSE(steps.Search());
  // Less than every IPv6 network takes.
  Way six{.way = Takes(1280, 68)};
  CHECK(six.Search(AF_INET6) == PathMtu{.bytes = 1280, .limited = true});
}

TEST_CASE("large packets vanish without a word") {
  for (const size_t mtu : {1492, 1472, 1420, 1400, 1380, 1280, 576}) {
    INFO(mtu);
    Way way{.way = Takes(mtu, std::nullopt)};
    CHECK(way.Search() == PathMtu{.bytes = mtu, .problem = true, .limited = true});
    CHECK(way.large <= 12);
  }
  Way between{.way = Takes(1450, std::nullopt)};
  CHECK(between.Search() == PathMtu{.bytes = 1440, .problem = true, .limited = true});
  Way tiny{.way = Takes(300, std::nullopt)};
  CHECK(tiny.Search() == PathMtu{.problem = true, .limited = true});
  Way six{.way = Takes(1000, std::nullopt)};
  CHECK(six.Search(AF_INET6) == PathMtu{.problem = true, .limited = true});
}

TEST_CASE("loss is not taken for a narrow way") {
  Way dead{.way = [](size_t) { return kLost; }};
  CHECK_FALSE(dead.Search(AF_INET, kLost));
  CHECK(dead.large == 3);
  int seen = 0;
  Way once{.way = [&](size_t) { return seen++ < 2 ? kLost : kAnswered; }};
  CHECK(once.Search() == PathMtu{.bytes = 1500});
  // Three in a row were lost by chance: the last trial shows it.
  seen = 0;
  Way thrice{.way = [&](size_t) { return seen++ < 3 ? kLost : kAnswered; }};
  CHECK_FALSE(thrice.Search());
}

TEST_CASE("a hole behind a router that speaks") {
  Way way{.way = [](size_t size) {
    return size > 1492 ? TooBig(1492) : size > 1420 ? kLost : kAnswered;
  }};
  CHECK(way.Search() == PathMtu{.bytes = 1420, .problem = true, .limited = true});
}
