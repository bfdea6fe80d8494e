#include "core/sparkplug/command.h"
#include "tests/collector/collector_fixture.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace std::chrono_literals;

namespace {

// Two machines of one site that share a journey, before a whole collector.
struct Fixture : CollectorFixture {
  struct Sharer {
    explicit Sharer(const std::string& name, uint64_t spool) : agent(name, spool) {
      const Labels journey{{"journey", "mot-cua"}};
      shared = agent.Declare({"haidang_journey_shared", journey}, DataType::kBoolean);
      leased = agent.Declare({"haidang_journey_leased", journey}, DataType::kBoolean);
      interval = agent.Declare({"haidang_journey_interval_seconds", journey});
      runs = agent.Declare({"haidang_journey_runs_total", journey}, DataType::kUInt64);
      for (const char* step : {"trang-chu", "tra-cuu"}) {
        requests.push_back(agent.Declare(
            {"haidang_probe_requests_total", {{"journey", "mot-cua"}, {"step", step}}},
            DataType::kUInt64));
      }
    }
    TestAgent agent;
    uint64_t shared, leased, interval, runs;
    std::vector<uint64_t> requests;
    uint64_t number = 0;
    std::optional<double> lease;  // seconds
    uint64_t walked = 0;
    int told = 0;
  };
  Sharer one{"pc-1", 0xC1}, two{"pc-2", 0xC2};
  size_t read = 0;

  Fixture() {
    session->Deliver(one.agent.Birth());
    session->Deliver(two.agent.Birth());
  }

  // What was published reaches whom it is for.
  void Hear() {
    for (; read < session->published.size(); ++read) {
      const MqttMessage& message = session->published[read];
      for (Sharer* sharer : {&one, &two}) {
        if (message.topic != "spBv1.0/quang-ninh/NCMD/" + sharer->agent.machine()) continue;
        const auto command = sparkplug::DecodeCommand(message.payload);
        REQUIRE(command);
        if (!command->journeys) continue;
        CHECK(message.qos == 0);
        CHECK_FALSE(message.retained);
        ++sharer->told;
        sharer->lease.reset();
        for (const auto& lease : *command->journeys) {
          CHECK(lease.journey == "mot-cua");
          sharer->lease = lease.interval_seconds;
        }
      }
    }
  }
  void Tick(Sharer& sharer) {
    if (sharer.lease) ++sharer.walked;
    ++sharer.number;
    std::map<uint64_t, Value> values{{sharer.shared, true},
                                     {sharer.leased, sharer.lease.has_value()},
                                     {sharer.interval, 15.0},
                                     {sharer.runs, sharer.walked}};
    for (const uint64_t alias : sharer.requests) values[alias] = sharer.walked * 2;
    session->Deliver(sharer.agent.Live(
        {.number = sharer.number, .values = std::move(values), .full = sharer.number == 1}));
  }
  void Ticks(int count, bool both = true) {
    for (int i = 0; i < count; ++i) {
      Tick(one);
      if (both) Tick(two);
      for (int second = 0; second < 15; ++second) {
        loop->Advance(1s);
        Hear();
      }
    }
  }
  double Gauge(const std::string& name) {
    for (const auto& family : collector->metrics().registry().Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) {
        if (metric.label[0].value == "mot-cua") return metric.gauge.value;
      }
    }
    return -1;
  }
  query::JourneyLease Lease() {
    const auto journeys = collector->DescribeJourneys();
    REQUIRE(journeys.leases.size() == 1);
    return journeys.leases[0];
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "one of two machines of a site is told to walk, and both answers say so") {
  Ticks(6);
  CHECK(one.lease == 15);
  CHECK_FALSE(two.lease);
  CHECK(Lease().machine == "pc-1");
  CHECK(Lease().site == "06652");
  CHECK(Lease().interval_seconds == 15);
  Ticks(30);
  CHECK(one.walked > 30);
  CHECK(two.walked == 0);
  CHECK(Gauge("haidang_journey_sites") == 1);
  CHECK(Gauge("haidang_journey_sites_without_holder") == 0);
  CHECK(Gauge("haidang_journey_requests_allowed_per_second") == 5);
  CHECK(Gauge("haidang_journey_requests_per_second") == Approx(4 / 15.0).margin(0.02));
  const auto journeys = collector->DescribeJourneys();
  REQUIRE(journeys.loads.size() == 1);
  CHECK(journeys.loads[0].requests_per_second == Approx(4 / 15.0).margin(0.02));
}

TEST_CASE_METHOD(Fixture, "its death gives the journey to the other, its birth tells it so") {
  Ticks(6);
  session->Deliver(one.agent.Death());
  loop->Advance(2s);
  Hear();
  CHECK(two.lease == 15);
  CHECK(one.lease);  // it goes on: it cannot be told
  one.told = 0;
  session->Deliver(one.agent.Birth(one.number + 1));
  loop->Advance(2s);
  Hear();
  CHECK_FALSE(one.lease);
  CHECK(one.told == 1);
  Ticks(10);
  CHECK(Lease().machine == "pc-2");
}

TEST_CASE_METHOD(Fixture, "a collector that was away learns who has it, and takes it from nobody") {
  Ticks(6);
  session->Deliver(one.agent.Death());
  loop->Advance(2s);
  Hear();
  session->Deliver(one.agent.Birth(one.number + 1));
  Ticks(4);
  REQUIRE(two.lease);
  Open();
  session->Connect();
  read = 0;
  Ticks(10);
  CHECK(two.lease);
  CHECK_FALSE(one.lease);
  CHECK(Lease().machine == "pc-2");
}

TEST_CASE_METHOD(Fixture,
                 "while the broker is away who walks goes on; where it is, nobody is told") {
  Ticks(6);
  const size_t published = session->published.size();
  session->Lose();
  loop->Advance(600s);
  CHECK(session->published.size() == published);
  CHECK(collector->DescribeJourneys().leases.empty());
  session->Connect();
  Ticks(8);
  CHECK(one.lease);
  CHECK_FALSE(two.lease);
}

TEST_CASE_METHOD(Fixture, "the inventory's place counts: who is moved leaves the journey behind") {
  Ticks(6);
  query::Snapshot snapshot;
  snapshot.version = 2;
  snapshot.sites = {{"06655", "Phường Hà Lầm", "commune", "22", 0, {}}};
  snapshot.placements = {{"pc-1", "06655", "workstation", 0, {}}};
  REQUIRE(collector->PutSnapshot(snapshot) == QueryBackend::Put::kTaken);
  Ticks(3);
  CHECK(one.lease);
  CHECK(two.lease);
  const auto leases = collector->DescribeJourneys().leases;
  REQUIRE(leases.size() == 2);
  CHECK(leases[0].machine == "pc-2");
  CHECK(leases[1].machine == "pc-1");
  CHECK(leases[1].site == "06655");
}
