#pragma once

#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/query_port.h"

namespace haidang::collector::testing {

inline const std::string kSecret = "0123456789abcdef0123456789abcdef";

class NoReader final : public store::Reader {
 public:
  explicit NoReader(std::shared_future<void> opened) : gate(std::move(opened)) {}
  Result<store::SeriesAnswer> Range(const store::RangeQuestion& question,
                                    const store::QueryControl& control) override {
    if (question.machine == "broken") return Error{"telemetry.db: cannot be read"};
    if (question.machine == "slow") gate.wait();
    if (question.metric == "until_stopped") {
      ++waiting;
      while (!control.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
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

// A query port whose answers are made up, and a client of it.
struct PortFixture {
  std::promise<void> open;
  std::shared_future<void> gate = open.get_future().share();
  query::Snapshot taken;
  std::optional<query::Overview> overview = query::Overview{};
  std::optional<query::JourneysNow> journeys = query::JourneysNow{};
  BackupState backup;
  std::list<SeriesDef> defs;
  std::mutex mutex;
  std::map<std::string, int> kinds;  // of questions that were answered; under mutex
  std::unique_ptr<QueryPort> port;
  std::unique_ptr<httplib::Client> client;
  httplib::Headers secret{{"Authorization", "Bearer " + kSecret}};

  PortFixture() {
    QueryBackend backend;
    backend.overview = [this] { return overview; };
    backend.journeys = [this] { return journeys; };
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
    backend.start_backup = [this](const std::string& file, bool replace,
                                  const std::string& directory) -> Backups::Answer {
      if (file == "/refused" || directory == "9:9")
        return {Backups::Answer::Kind::kRefused, {}, "is there already"};
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

}  // namespace haidang::collector::testing
