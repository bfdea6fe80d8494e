#include "collector/exposition.h"

#include <catch2/catch.hpp>

#include "core/histogram.h"
#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;

namespace {

std::string Text(World& world, const Places& places) {
  std::string text;
  ForEachPart(CopyFleet(*world.fleet, places, world.ingest->Now()),
              [&](prometheus::MetricFamily&& part, bool continued) {
                text += PartText(std::move(part), continued);
              });
  return text;
}

size_t Lines(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("the fleet's text: places joined, own labels kept apart, help from the catalogue") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t load = agent.Declare({"node_load1", {}});
  const uint64_t cpu = agent.Declare({"node_cpu_seconds_total", {{"cpu", "0"}, {"mode", "idle"}}},
                                     DataType::kDouble, 0, MetricType::kCounter);
  const uint64_t clash = agent.Declare({"plugin_value", {{"site", "x"}}}, DataType::kInt64);
  const uint64_t text = agent.Declare({"haidang_probe_reason", {}}, DataType::kString);
  const uint64_t unknown = agent.Declare({"plugin_unknown", {}});
  world.Receive(agent.Birth());
  world.Receive(agent.Live({.number = 1,
                            .values = {{load, 0.25},
                                       {cpu, 12345.5},
                                       {clash, int64_t{-3}},
                                       {text, std::string("dns")},
                                       {unknown, Null{}}},
                            .full = true}));
  world.Receive(TestAgent("pc-2", 0xB2).Birth());
  query::Snapshot snapshot;
  snapshot.sites = {{"06652", "Phường \"Hồng Gai\"", "commune", "", 0, {}}};
  CHECK(Text(world, Places(snapshot)) ==
        R"(# HELP haidang_machine_state 1 for the state that the machine is in, 0 for the others.
# TYPE haidang_machine_state gauge
haidang_machine_state{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="online"} 1
haidang_machine_state{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="stopped"} 0
haidang_machine_state{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="suspended"} 0
haidang_machine_state{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="vanished"} 0
haidang_machine_state{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="silent"} 0
haidang_machine_state{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="online"} 1
haidang_machine_state{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="stopped"} 0
haidang_machine_state{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="suspended"} 0
haidang_machine_state{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="vanished"} 0
haidang_machine_state{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server",state="silent"} 0
# HELP haidang_machine_up 1 while the machine is online, else 0.
# TYPE haidang_machine_up gauge
haidang_machine_up{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server"} 1
haidang_machine_up{instance="pc-2",site="06652",site_name="Phường \"Hồng Gai\"",class="server"} 1
# HELP node_cpu_seconds_total )" +
            std::string(FindMetric("node_cpu_seconds_total")->help_en) +
            R"(
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",cpu="0",mode="idle"} 12345.5
# HELP node_load1 )" +
            std::string(FindMetric("node_load1")->help_en) +
            R"(
# TYPE node_load1 gauge
node_load1{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server"} 0.25
# HELP plugin_value Told by an agent; not in this collector's catalogue.
# TYPE plugin_value gauge
plugin_value{instance="pc-1",site="06652",site_name="Phường \"Hồng Gai\"",class="server",exported_site="x"} -3
)");
}

TEST_CASE("histograms are told with classic buckets that are exact bounds of theirs") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t latency = agent.Declare({"haidang_probe_latency_seconds", {}}, DataType::kBytes, 0,
                                         MetricType::kHistogram);
  Histogram histogram;
  for (const double seconds : {0.0005, 0.3, 0.3, 2.0, 100.0}) histogram.Observe(seconds);
  world.Receive(agent.Birth());
  world.Receive(
      agent.Live({.number = 1, .values = {{latency, Bytes{histogram.Encode()}}}, .full = true}));
  const std::string text = Text(world, {});
  const auto has = [&](const std::string& end) {
    return text.find("haidang_probe_latency_seconds" + end) != std::string::npos;
  };
  INFO(text);
  const std::string labels = "{instance=\"pc-1\",site=\"06652\",site_name=\"\",class=\"server\"";
  CHECK(has("_count" + labels + "} 5\n"));
  CHECK(has("_bucket" + labels + ",le=\"0.0009765625\"} 1\n"));
  CHECK(has("_bucket" + labels + ",le=\"0.5\"} 3\n"));
  CHECK(has("_bucket" + labels + ",le=\"2\"} 4\n"));
  CHECK(has("_bucket" + labels + ",le=\"64\"} 4\n"));
  CHECK(has("_bucket" + labels + ",le=\"+Inf\"} 5\n"));
  CHECK(Lines(text, "_bucket{") == 34);
}

TEST_CASE("values of machines that left, or of which nothing came lately, are not told") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t load = agent.Declare({"node_load1", {}});
  world.Receive(agent.Birth());
  world.Receive(agent.Live({.number = 1, .values = {{load, 1.0}}, .full = true}));
  CHECK(Lines(Text(world, {}), "\nnode_load1{") == 1);
  SECTION("vanished") {
    world.Receive(agent.Death());
    const std::string text = Text(world, {});
    CHECK(Lines(text, "\nnode_load1{") == 0);
    CHECK(Lines(text, "\nhaidang_machine_up{") == 1);
    CHECK(text.find("state=\"vanished\"} 1\n") != std::string::npos);
  }
  SECTION("nothing new, as while the broker is away") {
    world.clock.Advance(std::chrono::seconds(46));
    CHECK(world.machine("pc-1").presence.online());
    CHECK(Lines(Text(world, {}), "\nnode_load1{") == 0);
  }
}

TEST_CASE("an agent cannot tell the collector's own metrics, nor twice the same series") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t up = agent.Declare({"haidang_machine_up", {}});
  const uint64_t before = agent.Declare({"node_load1", {}});
  world.Receive(agent.Birth());
  world.Receive(agent.Live({.number = 1, .values = {{up, 9.0}, {before, 1.5}}, .full = true}));
  // The new version of an agent sends it as another datatype, under another alias.
  sparkplug::Birth birth = agent.birth();
  birth.series[1].alias = 34;
  birth.series[1].datatype = DataType::kInt64;
  world.Receive(agent.Birth(birth));
  CHECK(Lines(Text(world, {}), "\nnode_load1{") == 1);
  world.Receive(agent.Live({.number = 2, .values = {{34, int64_t{2}}}, .full = true}));
  const std::string text = Text(world, {});
  CHECK(Lines(text, "\nhaidang_machine_up{") == 1);
  CHECK(Lines(text, "\nnode_load1{") == 1);
  CHECK(text.find("class=\"server\"} 2\n") != std::string::npos);
}

TEST_CASE("a family of many series is written in parts with one head") {
  World world;
  TestAgent agent("pc-1");
  TestAgent::Tick tick{.number = 1, .values = {}, .full = true};
  for (int i = 0; i < 4500; ++i) {
    tick.values[agent.Declare({"wide", {{"i", std::to_string(i)}}})] = 1.0;
  }
  world.Receive(agent.Birth());
  world.Receive(agent.Live(tick));
  const std::string text = Text(world, {});
  CHECK(Lines(text, "\nwide{") == 4500);
  CHECK(Lines(text, "# TYPE wide gauge\n") == 1);
  CHECK(Lines(text, "# HELP wide ") == 1);
}

TEST_CASE("no series can make two labels of one name, which Prometheus would refuse") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t clash =
      agent.Declare({"plugin_value", {{"exported_instance", "b"}, {"instance", "a"}, {"le", "c"}}});
  world.Receive(agent.Birth());
  world.Receive(agent.Live({.number = 1, .values = {{clash, 1.0}}, .full = true}));
  const std::string text = Text(world, Places(query::Snapshot{}));
  CHECK(Lines(text, "exported_instance=\"b\"") == 1);
  CHECK(Lines(text, "exported_exported_instance=\"a\"") == 1);
  CHECK(Lines(text, "exported_le=\"c\"") == 1);
}
