#include "collector/metrics_port.h"

#include <httplib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <list>

#include "tests/collector/world.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace std::chrono_literals;
using haidang::testing::RawClient;
using namespace haidang::collector;
using namespace haidang::collector::testing;

TEST_CASE("the metrics port tells both pages, and 503 where the loop does not answer") {
  World world;
  TestAgent agent("pc-1");
  const uint64_t load = agent.Declare({"node_load1", {}});
  world.Receive(agent.Birth());
  world.Receive(agent.Live({.number = 1, .values = {{load, 2.0}}, .full = true}));
  bool busy = false;
  std::string not_ready;
  auto port = MetricsPort::Open(
      {"127.0.0.1", 0}, world.metrics->shared(),
      [&]() -> std::optional<FleetNow> {
        if (busy) return std::nullopt;
        return CopyFleet(*world.fleet, {}, world.ingest->Now());
      },
      [&] { return busy ? std::nullopt : std::optional(not_ready); });
  REQUIRE(port);
  (*port)->Start();
  httplib::Client client("127.0.0.1", (*port)->port());
  const auto own = client.Get("/metrics");
  REQUIRE(own);
  CHECK(own->get_header_value("Content-Type").starts_with("text/plain; version=0.0.4"));
  for (const char* name : {"haidang_collector_births_total 1", "process_open_fds ",
                           "haidang_collector_build_info{version=",
                           "haidang_collector_commit_duration_seconds_bucket{le=\"+Inf\"} 0"}) {
    CHECK(own->body.find(name) != std::string::npos);
  }
  const auto fleet = client.Get("/metrics/fleet");
  REQUIRE(fleet);
  CHECK(fleet->body.find("\nnode_load1{") != std::string::npos);
  CHECK(client.Get("/healthz")->status == 200);
  CHECK(client.Get("/readyz")->status == 200);
  not_ready = "no broker since 2026-01-05T00:30:00Z: refused";
  CHECK(client.Get("/readyz")->status == 503);
  CHECK(client.Get("/readyz")->body.find(not_ready) != std::string::npos);
  CHECK(client.Get("/healthz")->status == 200);
  busy = true;
  CHECK(client.Get("/metrics/fleet")->status == 503);
  CHECK(client.Get("/readyz")->status == 503);
}

TEST_CASE("the fleet's text is written in parts, whole for who reads, cut off for who does not") {
  World world;
  FleetNow fleet;
  SeriesDef def;
  def.row.series = {"node_load1", {}};
  for (uint32_t i = 0; i < 20000; ++i) {
    fleet.lines.push_back(
        {"may-" + std::to_string(i), "06652", "Phường Hồng Gai", "server", query::State::kOnline});
    fleet.values.push_back({&def, i, UINT32_MAX, 0.5});
  }
  auto port = MetricsPort::Open(
      {"127.0.0.1", 0}, world.metrics->shared(), [&] { return std::optional(fleet); },
      [] { return std::optional(std::string()); });
  REQUIRE(port);
  (*port)->Start();
  const auto at = (*port)->port();
  std::list<RawClient> greedy;
  for (int i = 0; i < 20; ++i) {
    greedy.emplace_back(at);
    greedy.back().Send("GET /metrics/fleet HTTP/1.1\r\n\r\n");
  }
  const auto began = std::chrono::steady_clock::now();
  httplib::Client client("127.0.0.1", (*port)->port());
  client.set_read_timeout(60);
  REQUIRE(client.Get("/metrics"));
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  const auto whole = client.Get("/metrics/fleet");
  REQUIRE(whole);
  CHECK(whole->body.find("instance=\"may-19999\"") != std::string::npos);
  CHECK(std::count(whole->body.begin(), whole->body.end(), '\n') > 7 * 20000);
  (*port)->Stop();
}
