#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/remote/journal_feed.h"
#include "tests/collector/remote/model_receiver.h"
#include "tests/collector/world.h"

namespace haidang::testing {

using namespace haidang::collector::testing;
using namespace haidang::remote;

inline constexpr int64_t kTickMs = 15000;
using Stated = std::map<uint64_t, haidang::Value>;

// A machine whose batches a JournalFeed makes into requests.
struct FeedFixture : World {
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

}  // namespace haidang::testing
