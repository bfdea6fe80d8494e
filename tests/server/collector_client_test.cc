#include "server/collector_client.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <future>
#include <thread>

#include "tests/server/fake_collector.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace haidang::server;

TEST_CASE("questions are asked with the secret and answers decoded") {
  testing::FakeCollector collector;
  collector.Set(testing::SmallProvince());
  CollectorClient client(collector.address(), collector.secret_file());
  auto overview = client.Overview();
  REQUIRE(overview.ok());
  CHECK(overview->machines.size() == 2);
  auto series = client.Series({{"machine", "a b&c"}, {"metric", "node_load1"}});
  REQUIRE(series.ok());
  CHECK(series->at(0).machine == "a b&c");
  CHECK(std::isnan(series->at(0).values[1]));
  CHECK(client.Findings(0, 1)->size() == 1);
  CHECK(client.Events({{"machine", "m"}})->at(0).event.text == "hết giờ");
  query::Snapshot snapshot;
  snapshot.version = 4;
  CHECK(client.PutSnapshot(snapshot).ok());
  CHECK(client.Snapshot()->version == 4);
  snapshot.version = 3;
  CHECK(client.PutSnapshot(snapshot).error().message.find("newer snapshot") != std::string::npos);
}

TEST_CASE("a collector that is absent, refuses or babbles is an Error that says so") {
  testing::FakeCollector collector;
  CollectorClient client(collector.address(), collector.secret_file());
  collector.FailWith(500);
  CHECK(client.Overview().error().message.find("status 500") != std::string::npos);
  collector.FailWith(401);
  CHECK(client.Overview().error().message.find("refuses the secret") != std::string::npos);
  CollectorClient nobody({"127.0.0.1", 1}, collector.secret_file());
  CHECK(nobody.Overview().error().message ==
        "collector at 127.0.0.1:1: no answer: nobody listens there; start haidang-collector, or "
        "check collector.url");
}

TEST_CASE("stopping ends a question that nobody answers") {
  httplib::Server silent;  // takes the connection, never answers
  std::atomic<bool> asked{false};
  std::promise<void> release;
  auto released = release.get_future().share();
  silent.Get(".*", [&](const httplib::Request&, httplib::Response&) {
    asked = true;
    released.wait();
  });
  const int port = silent.bind_to_any_port("127.0.0.1");
  std::thread listening([&] { silent.listen_after_bind(); });
  testing::FakeCollector other;
  CollectorClient client({"127.0.0.1", static_cast<uint16_t>(port)}, other.secret_file());
  std::thread stopper([&] {
    while (!asked) std::this_thread::yield();
    client.Stop();
  });
  CHECK_FALSE(client.Overview().ok());
  stopper.join();
  CHECK(client.Overview().error().message.find("stopping") != std::string::npos);
  release.set_value();
  silent.stop();
  listening.join();
}
