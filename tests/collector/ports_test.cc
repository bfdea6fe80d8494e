#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "collector/metrics_port.h"
#include "collector/query_port.h"
#include "tests/collector/world.h"
#include "tests/support/raw_client.h"

using namespace haidang;
using namespace nlohmann::literals;
using namespace std::chrono_literals;
using haidang::testing::RawClient;
using namespace haidang::collector;
using namespace haidang::collector::testing;

namespace {

const std::string kSecret = "0123456789abcdef0123456789abcdef";

class NoReader final : public store::Reader {
 public:
  explicit NoReader(std::shared_future<void> opened) : gate(std::move(opened)) {}
  Result<store::SeriesAnswer> Range(const store::RangeQuestion& question,
                                    const store::QueryControl& control) override {
    if (question.machine == "broken") return Error{"telemetry.db: cannot be read"};
    if (question.machine == "slow") gate.wait();
    if (question.metric == "until_stopped") {
      ++waiting;
      while (!control.cancelled()) std::this_thread::sleep_for(1ms);
      --waiting;
      return store::SeriesAnswer{};
    }
    store::SeriesAnswer answer;
    if (question.machine == "wide") answer.refused = "more than 100 series";
    Labels labels;
    for (const store::Matcher& matcher : question.matchers) labels[matcher.label] = matcher.pattern;
    answer.columns.push_back({question.machine,
                              {question.metric, std::move(labels)},
                              {question.from_ms, question.to_ms},
                              {1, question.thin_ms ? 2.0 : 3.0}});
    return answer;
  }
  Result<store::SeriesAnswer> Last(const store::LastQuestion& question,
                                   const store::QueryControl&) override {
    store::SeriesAnswer answer;
    answer.columns.push_back({"pc-1", {question.metric, {}}, {question.at_ms}, {7}});
    answer.sources = {store::Source::kBatches, store::Source::kHour};
    return answer;
  }
  Result<std::vector<query::EventRow>> Events(const std::string& machine, int64_t from_ms,
                                              int64_t) override {
    return std::vector<query::EventRow>{{machine, {from_ms, "kind", "key", "Phường"}}};
  }
  Result<std::vector<query::Gap>> Gaps(const std::string& machine, int64_t from_ms,
                                       int64_t to_ms) override {
    return std::vector<query::Gap>{{machine, from_ms, to_ms, 3, 2, 1, "full", to_ms, {}}};
  }
  Result<std::vector<query::Finding>> Findings(int64_t, int64_t) override {
    return std::vector<query::Finding>{};
  }
  std::shared_future<void> gate;  // questions about the machine "slow" wait for it
  static inline std::atomic<int> waiting{0};
};

struct Fixture {
  std::promise<void> open;
  std::shared_future<void> gate = open.get_future().share();
  query::Snapshot taken;
  std::optional<query::Overview> overview = query::Overview{};
  BackupState backup;
  std::list<SeriesDef> defs;
  std::mutex mutex;
  std::map<std::string, int> kinds;  // of questions that were answered; under mutex
  std::unique_ptr<QueryPort> port;
  std::unique_ptr<httplib::Client> client;
  httplib::Headers secret{{"Authorization", "Bearer " + kSecret}};

  Fixture() {
    QueryBackend backend;
    backend.overview = [this] { return overview; };
    backend.snapshot = [this] { return std::optional(taken); };
    backend.put_snapshot = [this](query::Snapshot snapshot) {
      if (snapshot.version <= taken.version) return std::optional(QueryBackend::Put::kOlder);
      if (snapshot.version == 13) return std::optional(QueryBackend::Put::kFailed);
      taken = std::move(snapshot);
      return std::optional(QueryBackend::Put::kTaken);
    };
    backend.open_reader = [this]() -> Result<std::unique_ptr<store::Reader>> {
      return std::unique_ptr<store::Reader>(std::make_unique<NoReader>(gate));
    };
    backend.start_backup = [this](const std::string& file, bool replace) -> Backups::Answer {
      if (file == "/refused") return {Backups::Answer::Kind::kRefused, {}, "is there already"};
      if (backup.stage == BackupState::Stage::kRunning)
        return {Backups::Answer::Kind::kBusy, backup, ""};
      backup = {BackupState::Stage::kRunning, backup.id + 1, file, replace ? 1 : 0, 2, ""};
      return {Backups::Answer::Kind::kStarted, backup, ""};
    };
    backend.backup = [this] { return backup; };
    backend.fleet = [this](const WantSeries& want) -> std::optional<FleetNow> {
      if (!overview) return std::nullopt;
      FleetNow now;
      now.lines = {{"pc-1", "A", "Phường A", "server", query::State::kOnline, 1000},
                   {"pc-2", "B", "Phường B", "desktop", query::State::kOnline, 2000}};
      for (uint32_t line = 0; line < 2; ++line) {
        for (const SeriesDef& def : defs) {
          const bool size = def.row.series.metric == "size";
          const double number = size ? 100 : 10.0 * (line + 1);
          if (want(def)) now.values.push_back({&def, line, UINT32_MAX, number});
        }
      }
      return now;
    };
    backend.answered = [this](std::string_view kind, double seconds) {
      const std::lock_guard lock(mutex);
      if (seconds >= 0) ++kinds[std::string(kind)];
    };
    for (const char* metric : {"size", "avail"}) {
      defs.emplace_back().row.series = {metric, {{"disk", "/"}}};
    }
    auto opened = QueryPort::Open({"127.0.0.1", 0}, kSecret, std::move(backend));
    REQUIRE(opened);
    port = std::move(*opened);
    port->Start();
    client = std::make_unique<httplib::Client>("127.0.0.1", port->port());
  }

  httplib::Response Get(const std::string& path) {
    auto answer = client->Get(path, secret);
    REQUIRE(answer);
    return *answer;
  }
  void CheckRefused(const std::string& path, const std::string& word) {
    const auto answer = Get(path);
    INFO(path << ": " << answer.body);
    CHECK(answer.status == 400);
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    REQUIRE(json.contains("/error/message"_json_pointer));
    CHECK(json["error"]["message"].get<std::string>().find(word) != std::string::npos);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a backup is asked for, refused, under way and told") {
  constexpr const char* kBackup = "/query/v1/backup";
  const auto post = [&](const std::string& query) {
    auto answer = client->Post(kBackup + query, secret, "", "text/plain");
    REQUIRE(answer);
    return *answer;
  };
  CHECK(client->Post(std::string(kBackup) + "?file=/a")->status == 401);
  CHECK(DecodeBackup(Get(kBackup).body)->stage == BackupState::Stage::kNone);
  for (const char* wrong :
       {"", "?file=", "?file=/a&replace=x", "?file=/a&file=/b", "?file=/a&x=1"}) {
    INFO(wrong);
    CHECK(post(wrong).status == 400);
  }
  const auto refused = post("?file=/refused");
  CHECK(refused.status == 422);
  CHECK(refused.body.find("is there already") != std::string::npos);
  const auto begun = post("?file=/sao%20l%C6%B0u&replace=1");
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

TEST_CASE_METHOD(Fixture, "nothing is answered without the secret") {
  for (const char* path : {"/query/v1/overview", "/query/v1/snapshot", "/", "/nothing"}) {
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

TEST_CASE_METHOD(Fixture, "the overview is the loop's, or 503 where it does not answer") {
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

TEST_CASE_METHOD(Fixture, "series are binary columns") {
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

TEST_CASE_METHOD(Fixture, "bad parameters are refused with what is wrong") {
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

TEST_CASE_METHOD(Fixture, "questions about ranges reach the reader, hostile ones are refused") {
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

TEST_CASE_METHOD(Fixture, "the last value before a time, and where it was read") {
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

TEST_CASE_METHOD(Fixture, "what is now is asked of the heads") {
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

TEST_CASE_METHOD(Fixture, "how long questions took is told by their kind") {
  Get("/query/v1/range?metric=m&from=0&to=1");
  Get("/query/v1/now?metric=m");
  Get("/query/v1/now");
  Get("/nothing");
  port->Stop();
  const std::lock_guard lock(mutex);
  CHECK(kinds == std::map<std::string, int>{{"range", 1}, {"now", 2}});
}

TEST_CASE_METHOD(Fixture, "questions under way end when the collector stops") {
  NoReader::waiting = 0;
  auto asked = std::async(std::launch::async, [this] {
    httplib::Client other("127.0.0.1", port->port());
    other.Get("/query/v1/range?metric=until_stopped&from=0&to=1", secret);
  });
  while (NoReader::waiting == 0) std::this_thread::sleep_for(1ms);
  port->Stop();  // returns
  asked.get();
}

TEST_CASE_METHOD(Fixture, "a question ends when its asker leaves") {
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

TEST_CASE_METHOD(Fixture, "a reader that fails is an error of ours, and the next question works") {
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

TEST_CASE_METHOD(Fixture, "a snapshot is taken, an older one refused, nonsense too") {
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

TEST_CASE_METHOD(Fixture, "silent and slow clients do not blind the query port") {
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

TEST_CASE_METHOD(Fixture, "the overview does not wait behind questions about series") {
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
