#include "tests/server/server_under_test.h"

#include <fstream>
#include <stdexcept>

#include "server/csv.h"
#include "server/places.h"

namespace haidang::testing {
namespace {

server::ControlDb OpenControl(const std::string& path) {
  auto control = server::ControlDb::Open(path);
  if (!control) throw std::runtime_error(control.error().message);
  const auto csv = server::ReadFile(
      std::string(HAIDANG_SOURCE_DIR) + "/packaging/data/sites/quang-ninh-2tier.csv", 1 << 20);
  const auto sites = server::ParseSites(csv.value());
  server::ControlDb::Sources sources;
  sources.sites = &sites.value();
  sources.objectives.push_back({"mot-cua", "", 3, 5});
  if (Status imported = control->Import(sources, 1); !imported) {
    throw std::runtime_error(imported.error().message);
  }
  return std::move(*control);
}

}  // namespace

ServerUnderTest::ServerUnderTest(int max_streams, http::FrontOptions front)
    : client(collector.address(), collector.secret_file()),
      feed(clock, live, metrics, max_streams),
      journeys(clock, client, live) {
  options.fleet_targets = {"127.0.0.1:9310"};
  options.own_target = "127.0.0.1:8080";
  router = server::MakeRouter({clock, live, feed, client, journeys, metrics, options});
  front.listen = {"127.0.0.1", 0};
  http_server =
      std::move(http::HttpServer::Listen(front, router, server::MakeHooks(metrics)).value());
  http_server->Start();
  watcher = std::make_unique<server::Watcher>(clock, client, OpenControl(state / "control.db"),
                                              live, metrics);
  collector.Set(SmallProvince());
  collector.Set(OneJourney());
}

ServerUnderTest::~ServerUnderTest() {
  live.Close();
  client.Stop();
  http_server->Stop();
}

httplib::Result ServerUnderTest::Get(const std::string& path) {
  return httplib::Client("127.0.0.1", port()).Get(path);
}

nlohmann::json ServerUnderTest::GetJson(const std::string& path) {
  const auto answer = Get(path);
  if (!answer) throw std::runtime_error(path + ": " + httplib::to_string(answer.error()));
  return nlohmann::json::parse(answer->body);
}

}  // namespace haidang::testing
