#include <cmath>
#include <random>

#include "collector/store/reader.h"
#include "tests/collector/remote/journal_feed_fixture.h"

using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Fixture = FeedFixture;

TEST_CASE_METHOD(Fixture, "begun at any row, a receiver in order is told each sample once") {
  Receive(agent.Birth());
  std::mt19937 random(7);
  const bool some_late = GENERATE(false, true);
  for (uint64_t n = 1; n <= 120; ++n) {
    const auto said = [&](uint64_t of) {
      return Stated{{load, static_cast<double>(of)}, {cpu, static_cast<double>(of % 7)}};
    };
    if (!some_late || n % 17 != 0) Live(n, said(n), n % 40 == 1);
    if (some_late && n % 17 == 3 && n > 17) Late(n - 3, said(n - 3));
  }
  ModelReceiver whole(false);
  Open({});
  CHECK(Run(whole));
  for (int round = 0; round < 20; ++round) {
    // Some requests were taken, and the cursor of a while before was stored.
    const auto accepted = std::uniform_int_distribution<int64_t>(1, 120)(random);
    ModelReceiver receiver(false);
    remote.requests.max_samples = 1 + random() % 20;
    Open({.cursor = 0, .lead_from = 1});
    auto slice = feed->Next(0, clock.WallMs());
    REQUIRE(slice);
    int64_t reached = 0;
    for (const Request& request : slice->requests) {
      if (request.cursor.value_or(0) > accepted) break;
      reached = request.cursor.value_or(0);
      REQUIRE(receiver.Take(request));
    }
    const int64_t stored = std::max<int64_t>(0, reached - static_cast<int64_t>(random() % 10));
    remote.requests.max_samples = 1000;
    Open({.cursor = stored, .lead_from = 1, .doubtful = 120});
    Run(receiver);  // refuses what it has
    CHECK(receiver.HasSameAs(whole));
    CHECK(receiver.Values(load_name).size() == (some_late ? 113 : 120));
  }
}

namespace {

// What a receiver must hold in the end: what the store's reader says, tick by tick.
void CheckLikeReader(Fixture& world, const ModelReceiver& receiver, const std::string& metric,
                     const std::string& name) {
  auto reader = store::OpenReader(world.dir + "/telemetry.db");
  REQUIRE(reader);
  constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
  const int64_t begin_ms = TestAgent("pc-1").epoch_ms - kDayMs;
  auto answer = (*reader)->Range(store::AsRange({.machine = "pc-1",
                                                 .metric = metric,
                                                 .labels = {},
                                                 .from_ms = begin_ms,
                                                 .to_ms = begin_ms + 30 * kDayMs,
                                                 .step_ms = {}}),
                                 {});
  REQUIRE(answer);
  REQUIRE(answer->columns.size() == 1);
  const query::Column& column = answer->columns[0];
  ModelReceiver::Series expected;
  for (size_t i = 0; i < column.times_ms.size(); ++i) {
    const int64_t at = column.times_ms[i];
    INFO(name << " at " << at);
    if (std::isnan(column.values[i])) {
      CHECK_FALSE(receiver.At(name, at));
    } else {
      expected.emplace(at, column.values[i]);
      CHECK(receiver.At(name, at) == column.values[i]);
    }
  }
  CHECK(receiver.Values(name) == expected);
}

}  // namespace

TEST_CASE_METHOD(Fixture, "whatever comes late, in whatever order, is there in the end") {
  const auto seed = GENERATE(range(1U, 13U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  remote.out_of_order = 720h;
  remote.requests.max_samples = 1 + random() % 50;
  ModelReceiver receiver(true);
  Open({});
  Receive(agent.Birth());
  constexpr uint64_t kNumbers = 240;
  const auto values = [&](uint64_t n) {
    Stated stated;
    const bool full = n % 40 == 1;
    std::mt19937 own(seed * 1000 + n);
    if (full || own() % 3 == 0) stated[load] = static_cast<double>(n);
    if (full || own() % 5 == 0) stated[cpu] = static_cast<double>(n) / 4;
    if (own() % 29 == 0) stated[cpu] = Null{};
    return stated;
  };
  std::vector<uint64_t> missing;
  bool away = false;
  for (uint64_t n = 1; n <= kNumbers; ++n) {
    if (random() % 20 == 0) away = !away;
    if (away || random() % 10 == 0) {
      missing.push_back(n);
    } else {
      Live(n, values(n), n % 40 == 1);
    }
    if (random() % 4 == 0) Run(receiver);
    // Some of what is missing, newest first, as an agent sends it.
    for (uint64_t some = random() % 4; !away && some > 0 && !missing.empty(); --some) {
      const size_t which = random() % 3 == 0 ? random() % missing.size() : missing.size() - 1;
      const uint64_t late_number = missing[which];
      missing.erase(missing.begin() + static_cast<ptrdiff_t>(which));
      Late(late_number, values(late_number), late_number % 40 == 1);
    }
    if (random() % 30 == 0) {
      const int64_t back = static_cast<int64_t>(random() % 20);
      Open({.cursor = std::max<int64_t>(0, last.position - back), .lead_from = 1});
    }
  }
  while (!missing.empty()) {
    Late(missing.back(), values(missing.back()), missing.back() % 40 == 1);
    missing.pop_back();
    if (random() % 8 == 0) Run(receiver);
  }
  Run(receiver);
  CHECK(refused == 0);
  CheckLikeReader(*this, receiver, "node_load1", load_name);
  CheckLikeReader(*this, receiver, "node_cpu_seconds_total", cpu_name);
}

TEST_CASE_METHOD(Fixture, "a receiver in order refuses nothing, whatever comes late") {
  const auto seed = GENERATE(range(1U, 9U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  ModelReceiver receiver(false);
  Open({});
  Receive(agent.Birth());
  std::vector<uint64_t> missing;
  Stated values = {{load, 1.0}, {cpu, 2.0}};
  for (uint64_t n = 1; n <= 300; ++n) {
    if (random() % 8 == 0) {
      missing.push_back(n);
    } else {
      Live(n, values, n % 40 == 1);
    }
    if (!missing.empty() && random() % 6 == 0) {
      Late(missing.back(), values);
      missing.pop_back();
    }
    if (random() % 5 == 0) CHECK(Run(receiver));
    clock.Advance(std::chrono::milliseconds(random() % 60 == 0 ? 4 * kTickMs : 0));
  }
  CHECK(Run(receiver));
  CHECK(refused == 0);
}
