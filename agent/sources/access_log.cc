#include "agent/sources/access_log.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "agent/background.h"
#include "agent/item_trouble.h"
#include "agent/sources/access_reader.h"
#include "agent/sources/text.h"
#include "core/crc64.h"

namespace haidang::agent {
namespace {

using ReportPtr = std::shared_ptr<const AccessReport>;

// For so long the last report stands while a reading takes its time.
constexpr int64_t kStandInNs = 60'000'000'000;

std::string StatePath(const std::string& directory, const std::string& name) {
  if (directory.empty()) return {};
  return fmt::format("{}/access-log-{:016x}.state", directory, Crc64Of(name));
}

class AccessLogSource final : public Source {
 public:
  AccessLogSource(const std::string& root, Loop& loop, const Clock& clock,
                  const std::vector<AccessLogOptions>& logs, const std::string& state_directory)
      : clock_(clock) {
    for (const AccessLogOptions& log : logs) {
      auto reader = std::make_shared<AccessReader>(root, log, StatePath(state_directory, log.name));
      logs_.push_back({.name = log.name,
                       .volumes = log.volumes,
                       .reading = {loop, [reader] { return reader->Run(); }},
                       .trouble = {"access_log " + log.name, clock},
                       .store_trouble = {"access_log " + log.name + ": its state", clock}});
    }
  }

  std::string_view name() const override { return "access_log"; }

  void Prepare() override {
    for (One& one : logs_) {
      Keep(one);
      one.reading.Start();
    }
  }

  bool Ready() const override {
    for (const One& one : logs_) {
      if (!one.reading.Ready()) return false;
    }
    return true;
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    // What several logs count together has no value while one of them has none.
    std::map<std::pair<std::string, std::string>, std::optional<uint64_t>> volumes;
    for (One& one : logs_) {
      const ReportPtr report = Report(one, readings);
      for (size_t i = 0; i < one.volumes.size(); ++i) {
        const VolumeRule& rule = one.volumes[i];
        auto& sum = volumes.try_emplace({rule.kind, rule.system}, 0).first->second;
        if (report == nullptr) {
          sum.reset();
        } else if (sum) {
          *sum += report->volumes[i];
        }
      }
    }
    for (const auto& [rule, sum] : volumes) {
      if (!sum) continue;
      Add(readings, "haidang_volume_total", {{"kind", rule.first}, {"system", rule.second}}, *sum);
    }
    return {};
  }

 private:
  struct One {
    std::string name;
    std::vector<VolumeRule> volumes;
    Background<ReportPtr> reading;
    ItemTrouble trouble;
    ItemTrouble store_trouble;
    ReportPtr last = nullptr;
    int64_t last_ns = 0;
  };

  // A report that came after it was asked for, or just now.
  void Keep(One& one) const {
    if (!one.reading.Ready()) return;
    const auto latest = one.reading.Latest();
    if (latest && *latest == one.last) return;
    one.last = latest ? *latest : nullptr;
    one.last_ns = clock_.MonotonicNs();
  }

  Result<ReportPtr> Latest(One& one) const {
    Keep(one);
    const bool stands_in = !one.reading.Ready() && one.last != nullptr &&
                           clock_.MonotonicNs() - one.last_ns < kStandInNs;
    return stands_in ? one.last : one.reading.Latest();
  }

  // Null where there is nothing to tell of the log now.
  ReportPtr Report(One& one, std::vector<Reading>& readings) const {
    const Labels labels = {{"name", one.name}};
    const auto report = Latest(one);
    Add(readings, "haidang_access_log_success", labels, report.ok());
    if (!report) {
      one.trouble.Failed(report.error().message);
      return nullptr;
    }
    one.trouble.Worked();
    if ((*report)->store_fault.empty()) {
      one.store_trouble.Worked();
    } else {
      one.store_trouble.Failed((*report)->store_fault);
    }
    Add(readings, "haidang_access_log_unread_bytes", labels, (*report)->unread_bytes);
    if (!(*report)->settled) return nullptr;
    readings.insert(readings.end(), (*report)->readings.begin(), (*report)->readings.end());
    return *report;
  }

  const Clock& clock_;
  std::vector<One> logs_;
};

}  // namespace

std::unique_ptr<Source> MakeAccessLogSource(const std::string& root, Loop& loop, const Clock& clock,
                                            const std::vector<AccessLogOptions>& logs,
                                            const std::string& state_directory) {
  return std::make_unique<AccessLogSource>(root, loop, clock, logs, state_directory);
}

}  // namespace haidang::agent
