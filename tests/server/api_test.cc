#include "server/api.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/catalogue.h"
#include "tests/server/schema.h"
#include "tests/server/server_under_test.h"

using namespace haidang;
using namespace haidang::server;
using nlohmann::json;

namespace {

json Description() {
  std::ifstream file(std::string(HAIDANG_SOURCE_DIR) + "/server/openapi.json");
  return json::parse(file);
}

// A question for each path of the description, and the status expected.
struct Question {
  std::string path;
  std::string target;
  int status = 200;
};

const std::vector<Question> kQuestions{
    {"/", "/"},
    {"/machines/{machine}", "/machines/hong-gai-1"},
    {"/machines/{machine}", "/machines/nobody?lang=en"},
    {"/journeys", "/journeys"},
    {"/api/v1/overview", "/api/v1/overview"},
    {"/api/v1/machines", "/api/v1/machines"},
    {"/api/v1/machines/{machine}", "/api/v1/machines/hong-gai-1"},
    {"/api/v1/machines/{machine}", "/api/v1/machines/nobody", 404},
    {"/api/v1/sites", "/api/v1/sites"},
    {"/api/v1/journeys", "/api/v1/journeys"},
    {"/api/v1/journeys", "/api/v1/journeys?site=06652", 400},
    {"/api/v1/findings", "/api/v1/findings"},
    {"/api/v1/findings", "/api/v1/findings?from=1&to=2"},
    {"/api/v1/findings", "/api/v1/findings?from=3&to=2", 400},
    {"/api/v1/findings", "/api/v1/findings?from=x", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=node_load1&metric=b&from=1&to=9&step=2"},
    {"/api/v1/series", "/api/v1/series?machine=m", 400},
    {"/api/v1/series", "/api/v1/series?metric=m", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=a&from=1&to=99999999999999999999", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=a&from=1&to=90000000000000", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=a&step=-1", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=a&metric=b&metric=c&metric=d&metric=e",
     400},
    {"/api/v1/gaps", "/api/v1/gaps?machine=m"},
    {"/api/v1/gaps", "/api/v1/gaps?machine=m&metric=x", 400},
    {"/api/v1/gaps", "/api/v1/gaps?from=1&to=2", 400},
    {"/api/v1/events", "/api/v1/events?machine=m"},
    {"/api/v1/events", "/api/v1/events", 400},
    {"/api/v1/events", "/api/v1/events?machine=m&machine=n", 400},
    {"/api/v1/events", "/api/v1/events?machine=m&from=0&to=2678400000"},
    {"/api/v1/events", "/api/v1/events?machine=m&from=0&to=2678400001", 400},
    {"/api/v1/findings", "/api/v1/findings?site=06652", 400},
    {"/api/v1/series", "/api/v1/series?machine=m&metric=a&machine=n", 400},
    {"/api/v1/openapi.json", "/api/v1/openapi.json"},
    {"/metrics", "/metrics"},
    {"/sd", "/sd"},
    {"/healthz", "/healthz"},
    {"/readyz", "/readyz"},
};

void CheckAnswer(const json& document, const Question& question, const httplib::Response& answer) {
  INFO(question.target << "\n" << answer.body.substr(0, 400));
  CHECK(answer.status == question.status);
  const json& responses = document["paths"][question.path]["get"]["responses"];
  const std::string status = std::to_string(answer.status);
  REQUIRE(responses.contains(status));
  const std::string type = answer.get_header_value("Content-Type");
  const json& content = responses[status]["content"];
  REQUIRE(content.contains(type.substr(0, type.find(';'))));
  if (type != "application/json") return;
  const json& schema = content[type]["schema"];
  CHECK(testing::Mismatch(document, schema, json::parse(answer.body)) == "");
}

}  // namespace

TEST_CASE("every described route is served and every served route is described") {
  testing::ServerUnderTest server;
  std::set<std::string> described;
  const json document = Description();
  for (const auto& [path, operations] : document["paths"].items()) {
    described.insert(path);
    CHECK(operations.contains("get"));
  }
  const auto patterns = server.router.patterns();
  CHECK(std::set<std::string>(patterns.begin(), patterns.end()) == described);
  std::set<std::string> asked{"/api/v1/stream"};
  for (const Question& question : kQuestions) asked.insert(question.path);
  for (const std::string& path : described) {
    INFO(path);
    if (path.starts_with("/api/")) CHECK(asked.contains(path));
  }
}

TEST_CASE("answers are as described, while the collector answers") {
  testing::ServerUnderTest server;
  server.Round();
  const json document = Description();
  for (const Question& question : kQuestions) {
    const auto answer = server.Get(question.target);
    REQUIRE(answer);
    CheckAnswer(document, question, *answer);
  }
}

TEST_CASE("answers are as described, while the collector has never answered") {
  testing::ServerUnderTest server;
  server.collector.FailWith(500);
  server.Round();
  const json document = Description();
  for (Question question : kQuestions) {
    const bool asks = question.path == "/api/v1/findings" || question.path == "/api/v1/series" ||
                      question.path == "/api/v1/events" || question.path == "/api/v1/gaps" ||
                      question.path == "/api/v1/journeys" || question.path == "/readyz";
    if (asks && question.status == 200) question.status = 503;
    if (question.path == "/api/v1/machines/{machine}") question.status = 404;
    const auto answer = server.Get(question.target);
    REQUIRE(answer);
    CheckAnswer(document, question, *answer);
  }
}

TEST_CASE("the overview joins places, names and what the collector knows") {
  testing::ServerUnderTest server;
  server.Round();
  const json overview = server.GetJson("/api/v1/overview");
  CHECK(overview["province"]["name"] == "Tỉnh Quảng Ninh");
  CHECK(overview["sites"].size() == 55);
  CHECK(overview["collector"]["reachable"] == true);
  CHECK(overview["machines"][0]["site_name"] == "Phường Hồng Gai");
  CHECK(overview["machines"][0]["load1"] == 0.25);
  CHECK(overview["machines"][1]["state"] == "vanished");
  CHECK(overview["machines"][1]["load1"].is_null());
  CHECK(overview["machines"][1]["last_seen_ms"].is_null());
  CHECK(overview["findings"][0]["closed_ms"].is_null());
}

TEST_CASE("series go through with labels, holes stay holes, long ranges get a step") {
  testing::ServerUnderTest server;
  server.Round();
  const json answer = server.GetJson(
      "/api/v1/series?machine=m%201&metric=a&label.journey=mot-cua&from=0&to=86400000");
  CHECK(answer["series"][0]["machine"] == "m 1");
  CHECK(answer["series"][0]["values"] == json::parse("[0.5,null]"));
  CHECK(answer["series"][0]["times"] == json::parse("[1000,2000]"));
  const std::string asked = server.collector.last_series();
  CHECK(asked.find("machine=m%201") != std::string::npos);
  CHECK(asked.find("label.journey=mot-cua") != std::string::npos);
  CHECK(asked.find("step=57600") != std::string::npos);
  server.GetJson("/api/v1/series?machine=m&metric=a&from=0&to=3600000");
  CHECK(server.collector.last_series().find("step=") == std::string::npos);
}

TEST_CASE("Prometheus finds the fleet, the collector and this server") {
  testing::ServerUnderTest server;
  const json groups = server.GetJson("/sd");
  REQUIRE(groups.size() == 3);
  CHECK(groups[0]["labels"]["__metrics_path__"] == "/metrics/fleet");
  CHECK(groups[1]["targets"] == json::parse(R"(["127.0.0.1:9310"])"));
  CHECK(groups[2]["targets"] == json::parse(R"(["127.0.0.1:8080"])"));
}

TEST_CASE("every own metric stands in the catalogue, and every row of it is exported") {
  testing::ServerUnderTest server;
  server.Round();
  server.Get("/healthz");
  const std::string text = server.Get("/metrics")->body;
  std::set<std::string> exported;
  for (size_t at = text.find("# TYPE "); at != std::string::npos;
       at = text.find("# TYPE ", at + 1)) {
    const size_t name = at + 7;
    exported.insert(text.substr(name, text.find(' ', name) - name));
  }
  std::set<std::string> listed;
  for (const MetricInfo& info : Catalogue()) {
    if (info.source == "server") listed.emplace(info.name);
  }
  CHECK(exported == listed);
}

TEST_CASE("a machine's page has one segment of any name, and is the same for all") {
  testing::ServerUnderTest server;
  const auto page = server.Get("/machines/hong-gai-1");
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->get_header_value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page->has_header("Content-Security-Policy"));
  for (const std::string target :
       {"/machines/%3Cscript%3E", "/machines/m%C3%A1y%201", "/machines/100%"}) {
    INFO(target);
    const auto other = server.Get(target);
    REQUIRE(other);
    CHECK(other->status == 200);
    CHECK(other->body == page->body);
    CHECK(other->get_header_value("ETag") == page->get_header_value("ETag"));
  }
  for (const std::string target :
       {"/machines", "/machines/", "/machines/a/b", "/machines/a%2Fb", "/machine.html"}) {
    INFO(target);
    const auto none = server.Get(target);
    REQUIRE(none);
    CHECK(none->status == 404);
  }
}

TEST_CASE("the page's files are served with a tag and not sent twice") {
  testing::ServerUnderTest server;
  const auto page = server.Get("/");
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->get_header_value("Content-Type") == "text/html; charset=utf-8");
  const std::string tag = page->get_header_value("ETag");
  httplib::Client client("127.0.0.1", server.port());
  const auto again = client.Get("/", {{"If-None-Match", tag}});
  REQUIRE(again);
  CHECK(again->status == 304);
  CHECK(again->body.empty());
}

TEST_CASE(
    "a question that the collector refuses is the caller's mistake, in the collector's words") {
  testing::ServerUnderTest server;
  server.Round();
  server.collector.RefuseWith("label.mode is given more than once");
  for (const std::string target :
       {"/api/v1/series?machine=m&metric=a&label.mode=x&label.mode=y",
        "/api/v1/findings?from=1&to=2", "/api/v1/events?machine=m&from=1&to=2"}) {
    INFO(target);
    const auto answer = server.Get(target);
    REQUIRE(answer);
    CHECK(answer->status == 400);
    const json error = json::parse(answer->body)["error"];
    CHECK(error["code"] == "bad_parameter");
    CHECK(error["message"] == "label.mode is given more than once");
  }
}

TEST_CASE("questions without parameters refuse any, as described") {
  testing::ServerUnderTest server;
  server.Round();
  const json document = Description();
  for (const Question& question :
       std::vector<Question>{{"/api/v1/overview", "/api/v1/overview?site=22", 400},
                             {"/api/v1/machines", "/api/v1/machines?limit=2", 400},
                             {"/api/v1/machines/{machine}", "/api/v1/machines/hong-gai-1?x", 400},
                             {"/api/v1/sites", "/api/v1/sites?at=1", 400},
                             {"/api/v1/stream", "/api/v1/stream?since=1", 400}}) {
    const auto answer = server.Get(question.target);
    REQUIRE(answer);
    CheckAnswer(document, question, *answer);
    CHECK(answer->body.find("is no parameter of this question; allowed: none") !=
          std::string::npos);
  }
}

TEST_CASE("a parameter that is unknown or repeated is refused with what is allowed") {
  testing::ServerUnderTest server;
  server.Round();
  const auto refusal = [&](const std::string& target) {
    const auto answer = server.Get(target);
    REQUIRE(answer);
    CHECK(answer->status == 400);
    return json::parse(answer->body)["error"]["message"].get<std::string>();
  };
  CHECK(refusal("/api/v1/series?machine=m&metric=a&metrics=b") ==
        "metrics is no parameter of this question; allowed: machine, from, to, step, metric, "
        "label.{name}");
  CHECK(refusal("/api/v1/findings?machine=m") ==
        "machine is no parameter of this question; allowed: from, to");
  CHECK(refusal("/api/v1/events?machine=m&machine=n") ==
        "machine is given more than once; allowed: once");
  CHECK(refusal("/api/v1/series?machine=m&metric=a&from=1&from=2") ==
        "from is given more than once; allowed: once");
}
