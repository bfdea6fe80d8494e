#include <list>

#include "tests/collector/port_fixture.h"
#include "tests/support/raw_client.h"

using namespace std::chrono_literals;
using haidang::testing::RawClient;
using namespace haidang::collector::testing;

TEST_CASE_METHOD(PortFixture, "questions under way end when the collector stops") {
  NoReader::waiting = 0;
  auto asked = std::async(std::launch::async, [this] {
    httplib::Client other("127.0.0.1", port->port());
    other.Get("/query/v1/range?metric=until_stopped&from=0&to=1", secret);
  });
  while (NoReader::waiting == 0) std::this_thread::sleep_for(1ms);
  port->Stop();  // returns
  asked.get();
}

TEST_CASE_METHOD(PortFixture, "a question ends when its asker leaves") {
  const int before = NoReader::waiting;
  const auto eventually = [](const auto& holds) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!holds() && std::chrono::steady_clock::now() < give_up) std::this_thread::sleep_for(1ms);
    return holds();
  };
  const std::string question =
      "GET /query/v1/range?metric=until_stopped&from=0&to=1 HTTP/1.1\r\nHost: x\r\n"
      "Authorization: Bearer " +
      kSecret + "\r\n\r\n";
  {
    // As many as may read at once, so that the next one needs what they give back.
    std::list<RawClient> askers;
    for (int i = 0; i < 4; ++i) {
      askers.emplace_back(port->port());
      askers.back().Send(question);
    }
    REQUIRE(eventually([&] { return NoReader::waiting == before + 4; }));
  }
  CHECK(eventually([&] { return NoReader::waiting == before; }));
  CHECK(Get("/query/v1/range?metric=m&from=0&to=1").status == 200);
}

TEST_CASE_METHOD(PortFixture, "silent and slow clients do not blind the query port") {
  const auto at = port->port();
  std::list<RawClient> silent, slow;
  for (int i = 0; i < 200; ++i) {
    silent.emplace_back(at);
    slow.emplace_back(at);
    slow.back().Send("GET /query/v1/overview HTTP/1.1\r\nAuthorization: ");
  }
  for (int i = 0; i < 5; ++i) {
    const auto began = std::chrono::steady_clock::now();
    httplib::Client good("127.0.0.1", port->port());
    const auto answer = good.Get("/query/v1/overview", secret);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(std::chrono::steady_clock::now() - began < 1s);
    for (RawClient& drop : slow) drop.Send("x");
  }
  CHECK(slow.front().ReadAll().starts_with("HTTP/1.1 408"));
  CHECK(silent.front().ReadAll().empty());
}

TEST_CASE_METHOD(PortFixture, "the overview does not wait behind questions about series") {
  const auto at = port->port();
  std::list<RawClient> charts;
  for (int i = 0; i < 20; ++i) {
    charts.emplace_back(at);
    charts.back().Send(
        "GET /query/v1/series?machine=slow&metric=m&from=1&to=2 HTTP/1.1\r\nConnection: close\r\n"
        "Authorization: Bearer " +
        kSecret + "\r\n\r\n");
  }
  CHECK(Get("/query/v1/overview").status == 200);
  open.set_value();
  for (RawClient& chart : charts) CHECK(chart.ReadAll().starts_with("HTTP/1.1 200"));
}
