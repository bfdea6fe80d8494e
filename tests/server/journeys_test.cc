#include "server/journeys.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tests/server/server_under_test.h"
#include "tests/support/fake_clock.h"

using namespace haidang;
using namespace haidang::server;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// A collector that answers, known to this server, and a clock that stands still.
struct Asking {
  Asking() {
    collector.Set(testing::OneJourney());
    live.Answered({});
  }
  testing::FakeClock clock;
  testing::FakeCollector collector;
  CollectorClient client{collector.address(), collector.secret_file()};
  Live live{clock};
  Journeys journeys{clock, client, live};
};

}  // namespace

TEST_CASE("the collector is asked once in two seconds, for all who ask") {
  Asking asking;
  std::vector<std::thread> browsers;
  std::atomic<int> answered{0};
  for (int i = 0; i < 8; ++i) {
    browsers.emplace_back([&] { answered += asking.journeys.Text().ok() ? 1 : 0; });
  }
  for (std::thread& browser : browsers) browser.join();
  CHECK(answered == 8);
  CHECK(asking.collector.journeys_asked() == 1);
  asking.clock.Advance(Journeys::kKept - 1ms);
  CHECK(asking.journeys.Text().ok());
  CHECK(asking.collector.journeys_asked() == 1);
  asking.clock.Advance(1ms);
  CHECK(asking.journeys.Text().ok());
  CHECK(asking.collector.journeys_asked() == 2);
}

TEST_CASE("a failure is told with its reason, and kept as long as an answer is") {
  Asking asking;
  asking.collector.FailWith(500);
  const auto failed = asking.journeys.Text();
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("/query/v1/journeys answered with status 500") !=
        std::string::npos);
  asking.collector.FailWith(0);
  CHECK_FALSE(asking.journeys.Text().ok());
  asking.clock.Advance(Journeys::kKept);
  CHECK(asking.journeys.Text().ok());
}

TEST_CASE("what was known before is not told while the collector counts as unreachable") {
  Asking asking;
  CHECK(asking.journeys.Text().ok());
  asking.live.Failed("refused");
  asking.clock.Advance(Live::kStaleAfter + 1ms);
  const auto none = asking.journeys.Text();
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message == "refused");
  CHECK(asking.collector.journeys_asked() == 1);
}

TEST_CASE("the API tells journeys under their fields' names, null where unknown, places by name") {
  testing::ServerUnderTest server;
  server.Round();
  const json now = server.GetJson("/api/v1/journeys");
  CHECK(now["now_ms"] == 1767573000000);
  const json& step = now["steps"][0];
  CHECK(step["depends_on"] == json::parse(R"(["national-population-db"])"));
  const json& slow = step["sites"][0];
  CHECK(slow["site_name"] == "Phường Hồng Gai");
  CHECK(slow["seconds"] == 6.8);
  CHECK(slow["phases"]["processing"] == 6.4);
  CHECK(slow["usual_phases"]["processing"].is_null());
  const json& unknown = step["sites"][1];
  CHECK(unknown["site_name"] == "Cô Tô");
  for (const char* key : {"success", "seconds", "usual_seconds"}) {
    INFO(key);
    REQUIRE(unknown.contains(key));
    CHECK(unknown[key].is_null());
  }
  const json& trouble = now["troubles"][0];
  CHECK(trouble["verdict"]["culprit"] == "system");
  CHECK(trouble["verdict"]["certainty"] == "likely");
  CHECK(trouble["verdict"]["summary"]["vi"] == "Chậm");
  CHECK(trouble["verdict"]["evidence"][0]["en"] == "Disk 98 % busy.");
  CHECK(trouble["seconds"].is_null());
  CHECK(now["leases"][0]["machine"] == "");
  CHECK(now["loads"][0]["allowed_per_second"] == 5);
  CHECK(now["objectives"][0]["good_ratio"].is_null());
  CHECK(now["objectives"][0]["burn"][0]["rate"] == 14.5);
}

TEST_CASE("without the collector the API says 503 and why") {
  testing::ServerUnderTest server;
  server.Round();
  server.collector.FailWith(404);  // one that knows nothing of journeys
  const auto answer = server.Get("/api/v1/journeys");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->has_header("Retry-After"));
  const json error = json::parse(answer->body)["error"];
  CHECK(error["code"] == "collector_unreachable");
  CHECK(error["message"].get<std::string>().find("status 404") != std::string::npos);
}
