#include "tests/support/fleet/returning_fleet.h"

#include <sys/resource.h>
#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace haidang::fleet {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{250};
constexpr double kDrainSeconds = 60;  // for the last acknowledgements
// A live batch is acknowledged within 5 s: one may always be on its way.
constexpr size_t kOnItsWay = 1;
// spool.db and its WAL, the ledger and what is pending of it, the connection; and what we have.
constexpr size_t kFilesAnAgent = 5;
constexpr size_t kOwnFiles = 64;

double CpuSeconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

rusage Usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

Status RaiseFileLimit(size_t needed) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return {};
  if (limit.rlim_max < needed) {
    return Error{"needs " + std::to_string(needed) + " open files, and may have " +
                 std::to_string(limit.rlim_max) + " (ulimit -Hn): take fewer agents"};
  }
  limit.rlim_cur = needed;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return Error{"the limit of open files stays"};
  return {};
}

}  // namespace

ReturningFleet::ReturningFleet(ReturnOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      chance_([this] { return std::uniform_real_distribution<double>(0, 1)(random_); }),
      loop_(MakeLoop()) {
  if (uv_ip4_addr(options_.host.c_str(), options_.port, &common_.broker) < 0) {
    throw std::invalid_argument("--host must be a numeric IPv4 address");
  }
  common_.group = options_.group;
  common_.series = options_.series;
  common_.change = options_.change;
  common_.seed = options_.seed;
  common_.backoff_max = milliseconds(static_cast<int64_t>(options_.backoff_max * 1000));
}

Result<ReturnReport> ReturningFleet::Run() {
  if (Status prepared = Prepare(); !prepared) return prepared.error();
  for (const auto& agent : agents_) {
    if (Status started = agent->Start(); !started) return started.error();
  }
  std::fprintf(stderr, "ready: %llu batches of %zu agents wait\n",
               static_cast<unsigned long long>(report_.backlog_batches), agents_.size());
  Enter(Phase::kReturning);
  look_ = loop_->Every(kLookEvery, [this] { Look(); });
  loop_->OnTerminate([this] {
    if (phase_ == Phase::kLeaving) return;
    fault_ = "was stopped before all had caught up";
    Leave();
  });
  loop_->Run();
  Count();
  if (!fault_.empty()) return Error{fault_};
  return report_;
}

Status ReturningFleet::Prepare() {
  const int64_t begin_ns = clock_.MonotonicNs();
  if (Status raised = RaiseFileLimit(options_.agents * kFilesAnAgent + kOwnFiles); !raised) {
    return raised;
  }
  const fs::path ledgers = fs::path(options_.directory) / "ledgers";
  if (options_.ledgers) fs::create_directories(ledgers);
  const int64_t now = clock_.WallMs();
  const int64_t from = now - static_cast<int64_t>(options_.hours * 3600 * 1000);
  for (size_t i = 0; i < options_.agents; ++i) {
    ReturningAgentOptions own = common_;
    own.machine = options_.prefix + "-" + std::to_string(i + 1);
    own.directory = fs::path(options_.directory) / "spools" / own.machine;
    fs::create_directories(own.directory);
    if (options_.ledgers) own.ledger = ledgers / own.machine;
    clock_.MoveTo(from);
    auto agent = ReturningAgent::Open(std::move(own), *loop_, clock_, chance_);
    if (!agent) return agent.error();
    agents_.push_back(std::move(*agent));
    if (Status lived = agents_.back()->LiveThrough(from, now); !lived) return lived;
  }
  // Meanwhile the first of them has had more ticks.
  clock_.MoveToNow();
  const int64_t later = clock_.WallMs();
  for (const auto& agent : agents_) {
    if (Status lived = agent->LiveThrough(from, later); !lived) return lived;
  }
  clock_.MoveToNow();
  caught_up_.resize(agents_.size());
  for (const auto& agent : agents_) report_.backlog_batches += agent->recorded();
  report_.prepare_seconds = static_cast<double>(clock_.MonotonicNs() - begin_ns) / 1e9;
  return {};
}

double ReturningFleet::PhaseSeconds() const {
  return static_cast<double>(clock_.MonotonicNs() - phase_since_ns_) / 1e9;
}

void ReturningFleet::Enter(Phase phase) {
  phase_ = phase;
  phase_since_ns_ = clock_.MonotonicNs();
}

void ReturningFleet::Look() {
  for (const auto& agent : agents_) {
    if (fault_.empty()) fault_ = agent->fault();
  }
  if (!fault_.empty()) return Leave();
  switch (phase_) {
    case Phase::kReturning:
      for (size_t i = 0; i < agents_.size(); ++i) {
        if (caught_up_[i] || !agents_[i]->stats().connected) continue;
        if (first_connected_ns_ == 0) {
          first_connected_ns_ = clock_.MonotonicNs();
          cpu_at_start_ = CpuSeconds(Usage());
        }
        if (agents_[i]->waiting() > kOnItsWay) continue;
        caught_up_[i] = true;
        ++report_.caught_up;
      }
      if (report_.caught_up == agents_.size()) {
        report_.catch_up_seconds =
            static_cast<double>(clock_.MonotonicNs() - first_connected_ns_) / 1e9;
        report_.cpu_seconds = CpuSeconds(Usage()) - cpu_at_start_;
        std::fprintf(stderr, "caught up: after %.1f s\n", report_.catch_up_seconds);
        return Enter(Phase::kStaying);
      }
      if (PhaseSeconds() < options_.patience) return;
      fault_ = "only " + std::to_string(report_.caught_up) + " of " +
               std::to_string(agents_.size()) + " agents caught up in time";
      return Leave();
    case Phase::kStaying:
      if (PhaseSeconds() < options_.stay) return;
      for (const auto& agent : agents_) agent->StopSampling();
      return Enter(Phase::kDraining);
    case Phase::kDraining: {
      const bool drained = std::all_of(agents_.begin(), agents_.end(),
                                       [](const auto& agent) { return agent->waiting() == 0; });
      if (drained || PhaseSeconds() > kDrainSeconds) Leave();
      return;
    }
    case Phase::kLeaving:
      return;
  }
}

void ReturningFleet::Leave() {
  if (phase_ == Phase::kLeaving) return;
  Enter(Phase::kLeaving);
  to_leave_ = agents_.size();
  for (const auto& agent : agents_) {
    agent->StopSampling();
    agent->Stop([this] {
      if (--to_leave_ == 0) loop_->Stop();
    });
  }
}

void ReturningFleet::Count() {
  for (const auto& agent : agents_) {
    const agent::LinkStats stats = agent->stats();
    report_.recorded_batches += agent->recorded();
    report_.unsettled += agent->waiting();
    report_.sent_batches += stats.sent_batches;
    report_.births += stats.births;
    report_.bad_commands += stats.bad_commands;
  }
  report_.peak_rss_mib = static_cast<double>(Usage().ru_maxrss) / 1024;
}

}  // namespace haidang::fleet
