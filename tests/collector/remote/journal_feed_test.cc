#include "core/histogram.h"
#include "tests/collector/remote/journal_feed_fixture.h"

using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Fixture = FeedFixture;

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
