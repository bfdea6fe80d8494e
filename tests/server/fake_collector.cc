#include "tests/server/fake_collector.h"

#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace haidang::testing {
namespace {

const std::string kSecret = "0123456789abcdef";

}  // namespace

FakeCollector::FakeCollector() : secret_file_(directory_ / "secret") {
  std::ofstream(secret_file_) << kSecret << "\n";
  ::chmod(secret_file_.c_str(), 0640);
  Route();
  port_ = http_.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([this] { http_.listen_after_bind(); });
  while (!http_.is_running()) std::this_thread::yield();
}

FakeCollector::~FakeCollector() {
  http_.stop();
  thread_.join();
}

bool FakeCollector::Refused(const httplib::Request& request, httplib::Response& response) {
  if (failing_ != 0) {
    response.status = failing_;
    return true;
  }
  if (request.get_header_value("Authorization") == "Bearer " + kSecret) return false;
  response.status = 401;
  return true;
}

void FakeCollector::Route() {
  const auto get = [this](const char* path, auto answer) {
    http_.Get(path, [this, answer](const httplib::Request& request, httplib::Response& response) {
      if (Refused(request, response)) return;
      const std::lock_guard lock(mutex_);
      const bool always =
          request.path.ends_with("/overview") || request.path.ends_with("/snapshot");
      if (refusal_.empty() || always) {
        response.set_content(answer(request), "application/json");
      } else {
        response.status = 400;
        response.set_content(
            nlohmann::json{{"error", {{"code", "bad_parameter"}, {"message", refusal_}}}}.dump(),
            "application/json");
      }
    });
  };
  get("/query/v1/overview", [this](const auto&) { return query::EncodeOverview(overview_); });
  get("/query/v1/findings",
      [this](const auto&) { return query::EncodeFindings(overview_.open_findings); });
  get("/query/v1/events", [](const auto& request) {
    return query::EncodeEvents(
        {{request.get_param_value("machine"), {5, "probe_failed", "mot-cua", "hết giờ"}}});
  });
  get("/query/v1/gaps", [](const auto& request) {
    return query::EncodeGaps(
        {{request.get_param_value("machine"), 1000, 61000, 3, 1, 1, "full", 61000, {}}});
  });
  get("/query/v1/journeys", [this](const auto&) {
    ++journeys_asked_;
    return query::EncodeJourneys(journeys_);
  });
  get("/query/v1/snapshot", [this](const auto&) { return query::EncodeSnapshot(snapshot_); });
  get("/query/v1/series", [this](const auto& request) {
    last_series_ = request.target;
    query::Column column;
    column.machine = request.get_param_value("machine");
    column.series = {request.get_param_value("metric"), {{"journey", "mot-cua"}}};
    column.times_ms = {1000, 2000};
    column.values = {0.5, std::nan("")};
    return query::EncodeColumns({column});
  });
  http_.Put("/query/v1/snapshot",
            [this](const httplib::Request& request, httplib::Response& response) {
              if (Refused(request, response)) return;
              auto snapshot = query::DecodeSnapshot(request.body);
              const std::lock_guard lock(mutex_);
              ++puts_;
              response.status = 204;
              if (!snapshot) {
                response.status = 400;
              } else if (snapshot->version < snapshot_.version) {
                response.status = 409;
              } else {
                snapshot_ = *snapshot;
              }
            });
}

void FakeCollector::RefuseWith(std::string words) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(words);
}

void FakeCollector::Set(query::Overview overview) {
  const std::lock_guard lock(mutex_);
  overview_ = std::move(overview);
}

void FakeCollector::Set(query::Snapshot snapshot) {
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
}

void FakeCollector::Set(query::JourneysNow journeys) {
  const std::lock_guard lock(mutex_);
  journeys_ = std::move(journeys);
}

query::Snapshot FakeCollector::snapshot() {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::string FakeCollector::last_series() {
  const std::lock_guard lock(mutex_);
  return last_series_;
}

query::Overview SmallProvince() {
  query::Overview overview;
  overview.collector_id = "qn";
  overview.store_id = "00000000000000f0";
  overview.now_ms = 1767573000000;
  overview.last_data_ms = 1767572999000;
  overview.broker_connected = true;
  query::MachineNow live;
  live.machine = "hong-gai-1";
  live.site = "06685";
  live.machine_class = "server";
  live.os = "linux";
  live.state = query::State::kOnline;
  live.since_ms = 1767570000000;
  live.last_seen_ms = 1767572999000;
  live.load1 = 0.25;
  live.cpus = 4;
  live.cpu_busy_ratio = 0.1;
  live.memory_used_ratio = 0.5;
  live.disk_used_ratio = 0.91;
  live.disk_mountpoint = "/";
  live.uptime_seconds = 3600;
  live.probes.push_back({"mot-cua", "tra-cuu", true, 0.4, "", 3.0});
  query::MachineNow gone;
  gone.machine = "co-to-1";
  gone.site = "07192";
  gone.site_name = "Đặc khu Cô Tô";
  gone.state = query::State::kVanished;
  gone.since_ms = 1767572000000;
  overview.machines = {live, gone};
  query::Finding finding;
  finding.id = 1;
  finding.kind = "machine_vanished";
  finding.machine = "co-to-1";
  finding.site = "07192";
  finding.opened_ms = 1767572060000;
  finding.numbers = {{"for_seconds", 60}};
  finding.words = {{"state", "vanished"}};
  overview.open_findings = {finding};
  return overview;
}

query::JourneysNow OneJourney() {
  query::JourneysNow now;
  now.now_ms = 1767573000000;
  query::StepAtSite at;
  at.site = "06685";
  at.machine = "hong-gai-1";
  at.success = true;
  at.seconds = 6.8;
  at.usual_seconds = 1.1;
  at.phases = {0.004, 0.009, 0.02, 6.4, 0.3, 0.067};
  at.slow = true;
  at.at_ms = 1767572999000;
  query::StepAtSite unknown;
  unknown.site = "07192";
  unknown.site_name = "Cô Tô";
  unknown.machine = "co-to-1";
  now.steps.push_back({"mot-cua", "dang-nhap", {"national-population-db"}, {at, unknown}});
  query::JourneyTrouble trouble;
  trouble.journey = "mot-cua";
  trouble.step = "dang-nhap";
  trouble.since_ms = 1767572000000;
  trouble.sites = {"06685"};
  trouble.sites_measured = 1;
  trouble.verdict = {query::Culprit::kSystem,
                     query::Certainty::kLikely,
                     "ps-db1",
                     {"Chậm", "Slow"},
                     {{"Ổ đĩa bận 98 %.", "Disk 98 % busy."}}};
  now.troubles.push_back(trouble);
  now.leases.push_back({"mot-cua", "07192", "", 60});
  now.loads.push_back({"mot-cua", 0.9, 5});
  now.objectives.push_back(
      {"mot-cua", "", "availability", 0.995, {}, {}, -0.4, {{"1h", 14.5}}, "page"});
  return now;
}

}  // namespace haidang::testing
