#include "server/feed.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/server/fake_collector.h"
#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::server;
using namespace std::chrono_literals;

namespace {

struct World {
  testing::FakeClock clock;
  Live live{clock};
  Metrics metrics{clock};
  Feed feed{clock, live, metrics, 2};

  // What a stream writes next; "" for nothing.
  std::string Next(const http::Reply& reply) {
    std::string written;
    goes_on = reply.stream(
        [&](std::string_view bytes) {
          written += bytes;
          return true;
        },
        [] { return false; });
    return written;
  }
  bool goes_on = true;
};

nlohmann::json Overview(Feed& feed) { return nlohmann::json::parse(feed.Text(feed.Current())); }

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("the sequence rises with the content, not with the clock") {
  World world;
  const uint64_t first = world.feed.Current().sequence;
  world.clock.Advance(1s);
  CHECK(world.feed.Current().sequence == first);
  world.live.Answered(testing::SmallProvince());
  const uint64_t second = world.feed.Current().sequence;
  CHECK(second > first);
  world.clock.Advance(1s);
  query::Overview same = testing::SmallProvince();
  same.now_ms += 1000;
  world.live.Answered(same);
  CHECK(world.feed.Current().sequence == second);
  same.machines[0].load1 = 7;
  world.live.Answered(same);
  CHECK(world.feed.Current().sequence > second);
  CHECK(Overview(world.feed)["machines"][0]["load1"] == 7);
  CHECK(Overview(world.feed)["now_ms"] == world.clock.WallMs());
}

TEST_CASE("values are withheld as soon as the answer is stale, though nobody asked again") {
  World world;
  world.live.Answered(testing::SmallProvince());
  const int64_t answered = world.clock.WallMs();
  CHECK(Overview(world.feed)["machines"][0]["memory_used_ratio"] == 0.5);
  world.clock.Advance(6s);
  world.feed.Current();  // notices
  const nlohmann::json stale = Overview(world.feed);
  CHECK(stale["collector"]["reachable"] == false);
  CHECK(stale["collector"]["since_ms"] == answered);
  CHECK(stale["collector"]["broker_connected"].is_null());
  CHECK(stale["findings"].empty());
  CHECK(stale["as_of"]["time_ms"] == answered);
  CHECK(stale["as_of"]["findings"].size() == 1);
  const nlohmann::json& machine = stale["machines"][0];
  for (const char* field : {"state", "since_ms", "load1", "cpus", "cpu_busy_ratio",
                            "memory_used_ratio", "disk_used_ratio", "uptime_seconds"}) {
    INFO(field);
    CHECK(machine[field].is_null());
  }
  CHECK(machine["disk_mountpoint"] == "");
  CHECK(machine["probes"][0]["seconds"].is_null());
  CHECK(machine["probes"][0]["success"].is_null());
  CHECK(machine["as_of"]["state"] == "online");
}

TEST_CASE("that nothing can be stored is told, and since when") {
  World world;
  query::Overview overview = testing::SmallProvince();
  world.live.Answered(overview);
  CHECK(Overview(world.feed)["collector"]["not_stored_since_ms"].is_null());
  overview.not_stored_since_ms = 1767572000000;
  world.live.Answered(overview);
  CHECK(Overview(world.feed)["collector"]["not_stored_since_ms"] == 1767572000000);
}

TEST_CASE("while the collector has no broker nothing is current, and since when is told") {
  World world;
  query::Overview overview = testing::SmallProvince();
  world.live.Answered(overview);
  CHECK(Overview(world.feed)["collector"]["broker_down_since_ms"].is_null());
  CHECK(Overview(world.feed)["machines"][0]["state"] == "online");
  overview.broker_down_since_ms = 1767572000000;
  world.live.Answered(overview);
  const nlohmann::json down = Overview(world.feed);
  CHECK(down["collector"]["broker_down_since_ms"] == 1767572000000);
  CHECK(down["machines"][0]["state"].is_null());
  CHECK(down["machines"][0]["since_ms"].is_null());
  CHECK(down["machines"][0]["load1"].is_null());
  CHECK(down["machines"][0]["as_of"]["state"] == "online");
  CHECK(down["findings"].size() == 1);  // nothing ended them
  world.clock.Advance(6s);
  world.feed.Current();  // notices
  CHECK(Overview(world.feed)["collector"]["broker_down_since_ms"].is_null());
}

TEST_CASE("a stream tells the overview, then changes only, and heartbeats") {
  World world;
  world.live.Answered(testing::SmallProvince());
  const http::Reply reply = world.feed.OpenStream();
  CHECK(reply.type == "text/event-stream");
  const std::string first = world.Next(reply);
  CHECK(first.starts_with("retry: 3000\n\n"));
  CHECK(Count(first, "\nevent: overview\n") == 1);
  CHECK(Count(first, "\nevent: heartbeat\n") == 1);
  CHECK(first.ends_with("\n\n"));

  query::Overview changed = testing::SmallProvince();
  changed.machines[0].load1 = 3;
  world.clock.Advance(1s);
  world.live.Answered(changed);
  const std::string second = world.Next(reply);
  CHECK(Count(second, "event: overview") == 1);
  CHECK(Count(second, "event: heartbeat") == 0);

  world.clock.Advance(Feed::kHeartbeat - 1s);
  world.live.Answered(changed);
  const std::string quiet = world.Next(reply);
  CHECK(Count(quiet, "event: overview") == 0);
  CHECK(Count(quiet, "event: heartbeat") == 1);
}

TEST_CASE("the loss of the collector is an event and withholds at once") {
  World world;
  world.live.Answered(testing::SmallProvince());
  const http::Reply reply = world.feed.OpenStream();
  world.Next(reply);
  world.clock.Advance(6s);
  std::string text = world.Next(reply);
  text += world.Next(reply);
  CHECK(Count(text, "event: collector\ndata: {\"reachable\":false") == 1);
  CHECK(Count(text, "event: overview") == 1);
  CHECK(text.find("\"memory_used_ratio\":0.5") == std::string::npos);
  world.live.Answered(testing::SmallProvince());
  const std::string back = world.Next(reply);
  CHECK(Count(back, "event: collector\ndata: {\"reachable\":true") == 1);
  CHECK(Count(back, "event: overview") == 1);
  CHECK(back.find("\"memory_used_ratio\":0.5") != std::string::npos);
}

TEST_CASE("streams are bounded and give their place back") {
  World world;
  world.live.Answered({});
  auto first = std::make_unique<http::Reply>(world.feed.OpenStream());
  const http::Reply second = world.feed.OpenStream();
  const http::Reply third = world.feed.OpenStream();
  CHECK(first->status == 200);
  CHECK(second.status == 200);
  CHECK(third.status == 503);
  CHECK(third.headers.back() == std::pair<std::string, std::string>("Retry-After", "30"));
  CHECK(world.metrics.Text().find("haidang_server_streams_refused_total 1") != std::string::npos);
  first.reset();
  CHECK(world.feed.OpenStream().status == 200);
}

TEST_CASE("a stream ends when the client is gone, cannot be written to, or all ends") {
  World world;
  world.live.Answered({});
  const http::Reply reply = world.feed.OpenStream();
  CHECK_FALSE(reply.stream([](std::string_view) { return false; }, [] { return false; }));
  CHECK_FALSE(reply.stream([](std::string_view) { return true; }, [] { return true; }));
  world.live.Close();
  world.Next(reply);
  CHECK_FALSE(world.goes_on);
}
