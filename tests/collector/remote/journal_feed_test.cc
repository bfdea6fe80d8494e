#include "collector/remote/journal_feed.h"

#include <catch2/catch.hpp>
#include <random>

#include "collector/store/reader.h"
#include "core/histogram.h"
#include "tests/collector/remote/model_receiver.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector::testing;
using namespace haidang::remote;
using namespace std::chrono_literals;
using haidang::testing::ModelReceiver;

namespace {

constexpr int64_t kTickMs = 15000;
using Stated = std::map<uint64_t, haidang::Value>;

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t cpu = agent.Declare({"node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "idle"}}},
                               DataType::kDouble, 1, MetricType::kCounter);
  RemoteOptions remote;
  std::unique_ptr<JournalFeed> feed;
  int64_t skip_to = 0;
  Slice last;
  uint64_t late = 0, expired = 0;
  int refused = 0;

  Fixture() { machine_clocks_are_right = true; }

  static std::string Name(const std::string& metric, const std::string& rest = "",
                          const std::string& site = "06652") {
    // Labels are sorted by name.
    return metric + "{class=\"server\"" + rest + ",instance=\"pc-1\"" +
           (metric == "node_cpu_seconds_total" ? ",mode=\"idle\"" : "") + ",site=\"" + site + "\"}";
  }
  const std::string load_name = Name("node_load1");
  const std::string cpu_name = Name("node_cpu_seconds_total", ",cpu=\"0\"");

  void Open(const FeedStart& start) {
    auto opened = JournalFeed::Open(dir + "/telemetry.db", remote, start);
    REQUIRE(opened);
    feed = std::move(*opened);
  }
  void Live(uint64_t number, Stated values, bool full = false) {
    Receive(agent.Live({.number = number, .values = std::move(values), .full = full}));
    REQUIRE(ingest->Commit());
  }
  void Late(uint64_t number, Stated values, bool full = false) {
    Receive(agent.Historical({.number = number, .values = std::move(values), .full = full}));
    REQUIRE(ingest->Commit());
  }
  // Hands over what there is; nothing where `to` refused a request.
  bool Run(ModelReceiver& to) {
    bool taken = true;
    do {
      auto slice = feed->Next(skip_to, clock.WallMs());
      REQUIRE(slice);
      late += slice->late;
      expired += slice->expired;
      for (const Request& request : slice->requests) {
        if (to.Take(request)) continue;
        taken = false;
        ++refused;
      }
      last = std::move(*slice);
    } while (!last.caught_up);
    CHECK(to.conflict().empty());
    return taken;
  }
  int64_t NewestRow() {
    auto db = Database::Open(dir + "/telemetry.db", {.read_only = true});
    REQUIRE(db);
    auto rows = db->Prepare("SELECT coalesce(max(id), 0) FROM journal");
    REQUIRE(rows);
    REQUIRE(*rows->Step());
    return rows->Int(0);
  }
  int64_t At(uint64_t number) const { return agent.TimeOf(number); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "every value that is known is told at every tick; null ends the series") {
  uint64_t text = agent.Declare({"haidang_probe_reason", {}}, DataType::kString);
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(false);
  Live(1, {{load, 1.5}, {cpu, 7.0}, {text, std::string("timeout")}}, true);
  Live(2, {});
  Live(3, {{load, 2.5}});
  CHECK(Run(receiver));
  CHECK(receiver.kept().size() == 2);
  CHECK(receiver.Values(load_name) ==
        ModelReceiver::Series{{At(1), 1.5}, {At(2), 1.5}, {At(3), 2.5}});
  CHECK(receiver.Values(cpu_name).size() == 3);
  CHECK(last.position == 3);
  Live(4, {{load, Null{}}});
  Live(5, {{load, 3.5}});
  CHECK(Run(receiver));
  CHECK(receiver.Ends(load_name) == std::vector<int64_t>{At(4)});
  CHECK_FALSE(receiver.At(load_name, At(4) + 1));
  CHECK(receiver.At(load_name, At(5)) == 3.5);
  CHECK(receiver.At(cpu_name, At(5)) == 7.0);
  CHECK(receiver.Ends(cpu_name).empty());
  SECTION("a full batch that leaves a series out ends it") {
    Live(6, {{load, 1.0}}, true);
    CHECK(Run(receiver));
    CHECK(receiver.Ends(cpu_name) == std::vector<int64_t>{At(6)});
  }
  SECTION("so does a group that was not read") {
    Receive(agent.Live({.number = 6, .values = {}, .groups = ~uint64_t{2}}));
    REQUIRE(ingest->Commit());
    CHECK(Run(receiver));
    CHECK(receiver.Ends(cpu_name) == std::vector<int64_t>{At(6)});
    CHECK(receiver.At(load_name, At(6)) == 3.5);
  }
}

TEST_CASE_METHOD(Fixture,
                 "a batch that comes late is told in its place, with what it makes known") {
  const bool out_of_order = GENERATE(true, false);
  remote.out_of_order = out_of_order ? 1h : 0h;
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(out_of_order);
  Live(1, {{load, 1.0}, {cpu, 1.0}}, true);
  Live(2, {});
  Live(4, {{load, 4.0}});
  CHECK(Run(receiver));
  // What is not stated behind the hole is unknown: from where the missing one should have been.
  CHECK(receiver.Ends(cpu_name) == std::vector<int64_t>{At(3) - 1});
  CHECK_FALSE(receiver.At(cpu_name, At(4)));
  Late(3, {{cpu, 3.0}});
  CHECK(Run(receiver));
  CHECK(receiver.Values(cpu_name).contains(At(4)) == out_of_order);
  CHECK(receiver.Values(cpu_name).contains(At(3)) == out_of_order);
  CHECK(receiver.Values(load_name).contains(At(3)) == out_of_order);
  CHECK(late == (out_of_order ? 0 : 1));
  Live(5, {});
  CHECK(Run(receiver));
  CHECK(receiver.At(cpu_name, At(5)) == 3.0);
  CHECK(receiver.At(load_name, At(5)) == 4.0);
  CHECK(refused == 0);
  if (out_of_order) CHECK(receiver.At(cpu_name, At(3)) == 3.0);
}

TEST_CASE_METHOD(Fixture, "what is older than the receiver takes is counted and not sent") {
  remote.out_of_order = 60s;
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(true);
  for (uint64_t n = 1; n <= 20; ++n) {
    if (n != 3 && n != 18) Live(n, {{load, 1.0}, {cpu, 1.0}}, n == 1);
  }
  CHECK(Run(receiver));
  Late(3, {{load, 3.0}, {cpu, Null{}}});
  Late(18, {{load, 18.0}});
  CHECK(Run(receiver));
  CHECK(late == 1);
  CHECK_FALSE(receiver.Values(load_name).contains(At(3)));
  CHECK(receiver.Values(load_name).contains(At(18)));
}

TEST_CASE_METHOD(Fixture, "a machine of which nothing comes any more ends") {
  const bool vanished = GENERATE(true, false);
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(false);
  Live(1, {{load, 1.0}}, true);
  Live(2, {});
  CHECK(Run(receiver));
  if (vanished) Receive(agent.Death());
  REQUIRE(ingest->Commit());
  clock.Advance(std::chrono::milliseconds(kTickMs));
  CHECK(Run(receiver));
  CHECK(receiver.Ends(load_name).empty());  // it may be back at once
  clock.Advance(std::chrono::milliseconds(vanished ? kTickMs + 1000 : 3 * kTickMs + 1000));
  CHECK(Run(receiver));
  CHECK(receiver.Ends(load_name) == std::vector<int64_t>{At(3) - 1});
  SECTION("once") {
    clock.Advance(1h);
    const uint64_t samples = receiver.samples();
    CHECK(Run(receiver));
    CHECK(receiver.samples() == samples);
  }
  SECTION("and goes on when it is back") {
    Receive(agent.Birth());
    Live(20, {{load, 20.0}}, true);
    CHECK(Run(receiver));
    CHECK(receiver.At(load_name, At(20)) == 20.0);
    CHECK_FALSE(receiver.At(load_name, At(20) - 1));
  }
  SECTION("a feed that begins anew says the same again") {
    Open({.cursor = last.position, .lead_from = 1});
    CHECK(Run(receiver));
    CHECK(receiver.Ends(load_name) == std::vector<int64_t>{At(3) - 1});
  }
}

TEST_CASE_METHOD(Fixture, "a machine that moves: its series end there and go on here") {
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(false);
  Live(1, {{load, 1.0}}, true);
  CHECK(Run(receiver));
  agent.site = "06655";
  clock.StepWall(1s);
  Receive(agent.Birth(2));
  Live(2, {{load, 2.0}}, true);
  CHECK(Run(receiver));
  CHECK(receiver.Ends(load_name) == std::vector<int64_t>{At(2)});
  CHECK(receiver.At(Name("node_load1", "", "06655"), At(2)) == 2.0);
}

TEST_CASE_METHOD(Fixture, "histograms, as classic buckets or native ones") {
  remote.requests.native_histograms = GENERATE(true, false);
  const uint64_t seconds =
      agent.Declare({"probe_seconds", {}}, DataType::kBytes, 0, MetricType::kHistogram);
  Histogram histogram;
  histogram.Observe(0.5);
  Open({});
  Receive(agent.Birth());
  Live(1, {{seconds, Bytes{histogram.Encode()}}}, true);
  Live(2, {});
  auto slice = feed->Next(0, clock.WallMs());
  REQUIRE(slice);
  REQUIRE(slice->requests.size() == 1);
  const auto decoded = haidang::testing::DecodeWriteRequest(slice->requests[0].body);
  size_t native = 0, counts = 0;
  for (const auto& series : decoded.series) {
    native += series.histograms.size();
    if (series.Name().starts_with("probe_seconds_count")) counts += series.samples.size();
  }
  CHECK(native == (remote.requests.native_histograms ? 2 : 0));
  CHECK(counts == (remote.requests.native_histograms ? 0 : 2));
}

TEST_CASE_METHOD(Fixture, "late native histograms go in requests of their own") {
  remote.requests.native_histograms = true;
  remote.out_of_order = 1h;
  const uint64_t seconds =
      agent.Declare({"probe_seconds", {}}, DataType::kBytes, 0, MetricType::kHistogram);
  Histogram histogram;
  histogram.Observe(0.5);
  Open({});
  Receive(agent.Birth());
  const Stated all = {{load, 1.0}, {seconds, Bytes{histogram.Encode()}}};
  Live(1, all, true);
  Live(3, all);
  ModelReceiver receiver(true);
  CHECK(Run(receiver));
  Late(2, all);
  auto slice = feed->Next(0, clock.WallMs());
  REQUIRE(slice);
  size_t numbers = 0, histograms = 0;
  for (const Request& request : slice->requests) {
    size_t of_numbers = 0, of_histograms = 0;
    for (const auto& series : haidang::testing::DecodeWriteRequest(request.body).series) {
      of_numbers += series.samples.size();
      of_histograms += series.histograms.size();
    }
    CHECK((of_numbers == 0 || of_histograms == 0));
    numbers += of_numbers;
    histograms += of_histograms;
  }
  CHECK(numbers == 2);
  CHECK(histograms == 2);
}

TEST_CASE_METHOD(Fixture, "what the store keeps no longer is passed over, and counted") {
  Open({});
  Receive(agent.Birth());
  ModelReceiver receiver(false);
  Live(1, {{load, 1.0}, {cpu, 1.0}}, true);
  CHECK(Run(receiver));
  for (uint64_t n = 2; n <= 30; ++n) Live(n, {{load, 2.0}});
  skip_to = 21;
  CHECK(Run(receiver));
  CHECK(expired == 19);
  CHECK(receiver.Ends(load_name) == std::vector<int64_t>{At(2) - 1});
  CHECK(receiver.Values(cpu_name).size() == 11);  // unchanged all the time
  CHECK(receiver.Values(load_name).begin()->first == At(1));
  CHECK_FALSE(receiver.Values(load_name).contains(At(20)));
  CHECK(last.gone_rows == 0);
}

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
  auto answer = (*reader)->Series({.machine = "pc-1",
                                   .metric = metric,
                                   .labels = {},
                                   .from_ms = 0,
                                   .to_ms = INT64_MAX / 2,
                                   .step_ms = {}});
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
