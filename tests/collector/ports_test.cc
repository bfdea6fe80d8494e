#include "tests/collector/port_fixture.h"

using namespace haidang;
using namespace nlohmann::literals;
using namespace haidang::collector;
using namespace haidang::collector::testing;

TEST_CASE_METHOD(PortFixture, "a backup is asked for, refused, under way and told") {
  constexpr const char* kBackup = "/query/v1/backup";
  const auto post = [&](const std::string& query) {
    auto answer = client->Post(kBackup + query, secret, "", "text/plain");
    REQUIRE(answer);
    return *answer;
  };
  CHECK(client->Post(std::string(kBackup) + "?file=/a")->status == 401);
  CHECK(DecodeBackup(Get(kBackup).body)->stage == BackupState::Stage::kNone);
  for (const char* wrong : {"", "?file=", "?file=/a&replace=x", "?file=/a&file=/b", "?file=/a&x=1",
                            "?file=/a&directory=1:2&directory=3:4"}) {
    INFO(wrong);
    CHECK(post(wrong).status == 400);
  }
  const auto refused = post("?file=/refused");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("is there already") != std::string::npos);
  CHECK(post("?file=/a&directory=9:9").status == 422);
  const auto begun = post("?file=/sao%20l%C6%B0u&replace=1&directory=1:2");
  CHECK(begun.status == 202);
  const auto state = DecodeBackup(begun.body);
  REQUIRE(state);
  CHECK(state->id == 1);
  CHECK(state->file == "/sao lưu");
  CHECK(state->copied == 1);
  CHECK(post("?file=/b").status == 409);
  CHECK(DecodeBackup(Get(kBackup).body)->stage == BackupState::Stage::kRunning);
  const auto put = client->Put(kBackup, secret, "", "text/plain");
  REQUIRE(put);
  CHECK(put->status == 405);
  CHECK(put->get_header_value("Allow") == "GET, HEAD, POST");
}

TEST_CASE_METHOD(PortFixture, "nothing is answered without the secret") {
  for (const char* path :
       {"/query/v1/overview", "/query/v1/journeys", "/query/v1/snapshot", "/", "/nothing"}) {
    for (const std::string& header :
         {std::string(), std::string("Bearer "), "Bearer " + kSecret.substr(1), "Basic " + kSecret,
          "Bearer " + kSecret + "x", kSecret}) {
      httplib::Headers headers;
      if (!header.empty()) headers = {{"Authorization", header}};
      const auto answer = client->Get(path, headers);
      REQUIRE(answer);
      CHECK(answer->status == 401);
      CHECK(answer->body.find("error") != std::string::npos);
    }
  }
  CHECK(client->Put("/query/v1/snapshot", "{}", "application/json")->status == 401);
}

TEST_CASE_METHOD(PortFixture, "the overview is the loop's, or 503 where it does not answer") {
  overview->collector_id = "hai-dang";
  overview->broker_connected = true;
  const auto answer = Get("/query/v1/overview");
  CHECK(answer.status == 200);
  CHECK(answer.get_header_value("Content-Type") == "application/json");
  auto decoded = query::DecodeOverview(answer.body);
  REQUIRE(decoded);
  CHECK(decoded->broker_connected);
  overview.reset();
  CHECK(Get("/query/v1/overview").status == 503);
}

TEST_CASE_METHOD(PortFixture, "what is said of journeys is the loop's, too") {
  journeys->now_ms = 7;
  const auto answer = Get("/query/v1/journeys");
  CHECK(answer.status == 200);
  const auto decoded = query::DecodeJourneys(answer.body);
  REQUIRE(decoded);
  CHECK(decoded->now_ms == 7);
  CHECK(Get("/query/v1/journeys?site=1").status == 400);
  journeys.reset();
  CHECK(Get("/query/v1/journeys").status == 503);
}

TEST_CASE_METHOD(PortFixture, "series are binary columns") {
  const auto answer =
      Get("/query/v1/series?machine=pc-1&metric=m&from=10&to=20&step=5&label.mountpoint=%2Fdata");
  CHECK(answer.status == 200);
  CHECK(answer.get_header_value("Content-Type") == query::kColumnsType);
  auto columns = query::DecodeColumns(answer.body);
  REQUIRE(columns);
  REQUIRE(columns->size() == 1);
  CHECK(columns->at(0).series.labels.at("mountpoint") == "/data");
  CHECK(columns->at(0).times_ms == std::vector<int64_t>{10, 20});
  CHECK(columns->at(0).values == std::vector<double>{1, 2});
}

TEST_CASE_METHOD(PortFixture, "bad parameters are refused with what is wrong") {
  const std::string base = "/query/v1/series?machine=pc-1&metric=m";
  CheckRefused("/query/v1/series?metric=m&from=1&to=2", "machine");
  CheckRefused("/query/v1/series?machine=pc-1&from=1&to=2", "metric");
  CheckRefused("/query/v1/series?machine=&metric=m&from=1&to=2", "machine");
  CheckRefused(base + "&from=1", "to");
  CheckRefused(base + "&from=x&to=2", "from");
  CheckRefused(base + "&from=1.5&to=2", "from");
  CheckRefused(base + "&from=99999999999999999999&to=2", "from");
  CheckRefused(base + "&from=-1&to=2", "from");
  CheckRefused(base + "&from=2&to=1", "before");
  CheckRefused(base + "&from=0&to=9223372036854775807", "to");
  CheckRefused(base + "&from=0&to=2678400001", "31 days");
  CheckRefused(base + "&from=1&to=2&step=0", "step");
  CheckRefused(base + "&from=1&to=2&step=-5", "step");
  CheckRefused(base + "&from=1&to=2&setp=5", "setp");
  CheckRefused(base + "&from=1&from=2&to=3", "from");
  CheckRefused(base + "&from=1&to=2&label.a=1&label.a=2", "label.a");
  CheckRefused("/query/v1/series?machine=wide&metric=m&from=1&to=2", "100 series");
  for (const char* question : {"overview", "snapshot"}) {
    const std::string path = std::string("/query/v1/") + question;
    CheckRefused(path + "?machine=pc-1", "machine is no parameter of this question; allowed: none");
  }
  CheckRefused("/query/v1/findings?from=1&to=2&machine=a", "allowed: from, to");
  CheckRefused("/query/v1/events?machine=a&from=1&to=2&metric=a", "allowed: machine, from, to");
  CheckRefused(base + "&from=1&to=2&setp=5",
               "allowed: machine, metric, from, to, step, label.{name}");
  CheckRefused("/query/v1/findings?from=1", "to");
  CheckRefused("/query/v1/events?from=1&to=2", "machine");
  CHECK(Get(base + "&from=0&to=2678400000").status == 200);
}

TEST_CASE_METHOD(PortFixture, "questions about ranges reach the reader, hostile ones are refused") {
  const std::string base = "/query/v1/range?metric=m&from=0&to=86400000";
  CHECK(Get(base).status == 200);
  const auto answer = Get(base + "&step=60000&function=quantile&q=0.95&combine=sum&by=site,class" +
                          "&match=site%3D06652&match=instance~pc-*&level=1h");
  CHECK(answer.status == 200);
  CHECK(answer.get_header_value("Content-Type") == query::kColumnsType);
  CHECK(Get("/query/v1/range?metric=m&from=0&to=94608000000000").status == 200);
  CheckRefused("/query/v1/range?from=0&to=1", "metric is missing");
  CheckRefused(base + "&from=1", "from is given more than once");
  CheckRefused(base + "&machine=pc-1", "machine is no parameter");
  CheckRefused(base + "&step=1.5", "step");
  CheckRefused(base + "&function=stddev", "allowed: last, first");
  CheckRefused(base + "&function=quantile", "q is missing");
  CheckRefused(base + "&function=quantile&q=1.01", "q is no number within [0, 1]");
  CheckRefused(base + "&function=quantile&q=nan", "q is no number");
  CheckRefused(base + "&function=quantile&q=0.5x", "q is no number");
  CheckRefused(base + "&q=0.5", "q belongs to function=quantile");
  CheckRefused(base + "&combine=median", "allowed: none, sum");
  CheckRefused(base + "&by=site", "by belongs to combine");
  CheckRefused(base + "&combine=sum&by=", "by is no list");
  CheckRefused(base + "&combine=sum&by=a,,b", "by is no list");
  CheckRefused(base + "&combine=sum&by=a%00", "by is no list");
  std::string many = "a0";
  for (int i = 1; i < 40; ++i) many += ",a" + std::to_string(i);
  CheckRefused(base + "&combine=sum&by=" + many, "too many labels");
  CheckRefused(base + "&level=2h", "allowed: auto, batches, 5m, 1h");
  CheckRefused(base + "&match=", "no matcher");
  CheckRefused(base + "&match=site", "no matcher");
  CheckRefused(base + "&match=a%3D%FF", "not UTF-8");
  CheckRefused(base + "&match=a%3D" + std::string(600, 'x'), "too long");
  std::string often = base;
  for (int i = 0; i < 33; ++i) often += "&match=a%3D1";
  CheckRefused(often, "too often");
  CheckRefused("/query/v1/range?metric=m&from=2&to=1", "before");
  CheckRefused("/query/v1/range?metric=m&from=-1&to=1", "below 0");
  CheckRefused("/query/v1/range?metric=m&from=0&to=9223372036854775807", "beyond all time");
  CheckRefused("/query/v1/range?metric=" + std::string(1025, 'm') + "&from=0&to=1", "too long");
}

TEST_CASE_METHOD(PortFixture, "the last value before a time, and where it was read") {
  const auto answer = Get("/query/v1/last?metric=m&at=5000&back=1000&match=site%3DA");
  CHECK(answer.status == 200);
  CHECK(answer.get_header_value("Haidang-Levels") == "batches, 1h");
  const auto columns = query::DecodeColumns(answer.body);
  REQUIRE(columns);
  CHECK(columns->at(0).times_ms == std::vector<int64_t>{5000});
  CheckRefused("/query/v1/last?metric=m", "at is missing");
  CheckRefused("/query/v1/last?metric=m&at=x", "at");
  CheckRefused("/query/v1/last?metric=m&at=1&back=-1", "back is below 0");
  CheckRefused("/query/v1/last?metric=m&at=1&step=1", "allowed: metric, at, back, match");
}

TEST_CASE_METHOD(PortFixture, "what is now is asked of the heads") {
  auto columns = query::DecodeColumns(Get("/query/v1/now?metric=avail&over=size&smallest=1").body);
  REQUIRE(columns);
  REQUIRE(columns->size() == 1);
  CHECK(columns->at(0).machine == "pc-1");
  CHECK(columns->at(0).values == std::vector<double>{0.1});
  CHECK(columns->at(0).times_ms == std::vector<int64_t>{1000});
  CHECK(columns->at(0).series.labels ==
        Labels{{"disk", "/"}, {"site", "A"}, {"site_name", "Phường A"}, {"class", "server"}});
  columns = query::DecodeColumns(Get("/query/v1/now?metric=avail&match=site!%3DA").body);
  REQUIRE(columns);
  REQUIRE(columns->size() == 1);
  CHECK(columns->at(0).values == std::vector<double>{20});
  CheckRefused("/query/v1/now", "metric is missing");
  CheckRefused("/query/v1/now?metric=a&largest=0", "largest is no number within [1, 1000]");
  CheckRefused("/query/v1/now?metric=a&largest=1&smallest=1", "smallest excludes largest");
  CheckRefused("/query/v1/now?metric=a&over=", "over is empty");
  overview.reset();
  CHECK(Get("/query/v1/now?metric=avail").status == 503);
}

TEST_CASE_METHOD(PortFixture, "how long questions took is told by their kind") {
  Get("/query/v1/range?metric=m&from=0&to=1");
  Get("/query/v1/now?metric=m");
  Get("/query/v1/now");
  Get("/nothing");
  port->Stop();
  const std::lock_guard lock(mutex);
  CHECK(kinds == std::map<std::string, int>{{"range", 1}, {"now", 2}});
}

TEST_CASE_METHOD(PortFixture,
                 "a reader that fails is an error of ours, and the next question works") {
  CHECK(Get("/query/v1/series?machine=broken&metric=m&from=1&to=2").status == 500);
  CHECK(Get("/query/v1/series?machine=pc-1&metric=m&from=1&to=2").status == 200);
  CHECK(Get("/query/v1/findings?from=1&to=2").status == 200);
  auto events = query::DecodeEvents(Get("/query/v1/events?machine=pc-1&from=7&to=9").body);
  REQUIRE(events);
  CHECK(events->at(0).event.text == "Phường");
  auto gaps = query::DecodeGaps(Get("/query/v1/gaps?machine=pc-1&from=7&to=9").body);
  REQUIRE(gaps);
  CHECK(gaps->at(0).from_ms == 7);
  CHECK(gaps->at(0).lost == 1);
  CHECK_FALSE(gaps->at(0).closed_ms);
}

TEST_CASE_METHOD(PortFixture, "a snapshot is taken, an older one refused, nonsense too") {
  const auto put = [&](const std::string& body) {
    auto answer = client->Put("/query/v1/snapshot", secret, body, "application/json");
    REQUIRE(answer);
    return answer->status;
  };
  query::Snapshot snapshot;
  snapshot.version = 5;
  snapshot.sites = {{"06652", "Phường Hồng Gai", "commune", "22", 0, {}}};
  CHECK(put(query::EncodeSnapshot(snapshot)) == 204);
  auto back = query::DecodeSnapshot(Get("/query/v1/snapshot").body);
  REQUIRE(back);
  CHECK(back->sites[0].name == "Phường Hồng Gai");
  snapshot.version = 4;
  CHECK(put(query::EncodeSnapshot(snapshot)) == 409);
  snapshot.version = 13;
  CHECK(put(query::EncodeSnapshot(snapshot)) == 503);
  CHECK(put("{") == 400);
  CHECK(put("") == 400);
  CHECK(Get("/query/v1/nothing").status == 404);
  CHECK(client->Post("/query/v1/overview", secret, "", "text/plain")->status == 405);
}

TEST_CASE("an address that is taken is a clear error") {
  const auto first = QueryPort::Open({"127.0.0.1", 0}, kSecret, {});
  REQUIRE(first);
  const auto second = QueryPort::Open({"127.0.0.1", (*first)->port()}, kSecret, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("127.0.0.1:") != std::string::npos);
}
