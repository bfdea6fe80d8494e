#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "core/clock.h"
#include "core/io/http/http_server.h"
#include "server/api.h"
#include "server/watcher.h"
#include "tests/server/fake_collector.h"
#include "tests/support/temp_dir.h"

namespace haidang::testing {

// The whole server in this process, wired as main() does, on a free port, with a collector that a
// test steers. Real time; its rounds are made by the test, not by a thread.
class ServerUnderTest {
 public:
  explicit ServerUnderTest(int max_streams = 4, http::FrontOptions front = {});
  ~ServerUnderTest();

  // Asks the collector once.
  void Round() { watcher->Round(); }
  uint16_t port() const { return http_server->port(); }
  httplib::Result Get(const std::string& path);
  nlohmann::json GetJson(const std::string& path);

  FakeCollector collector;
  SystemClock clock;
  TempDir state;
  server::Options options;
  server::Metrics metrics{clock};
  server::Live live{clock};
  server::CollectorClient client;
  server::Feed feed;
  server::Journeys journeys;
  http::Router router;
  std::unique_ptr<http::HttpServer> http_server;
  std::unique_ptr<server::Watcher> watcher;
};

}  // namespace haidang::testing
