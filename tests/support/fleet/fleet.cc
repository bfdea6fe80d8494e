#include "tests/support/fleet/fleet.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace haidang::fleet {
namespace {

constexpr uint64_t kTickMs = 2;
constexpr size_t kMaxWaitingBytes = 256U
                                    << 10;  // a connection; beyond it the broker is slower than we
constexpr int64_t kPingEveryMs = 20'000;
constexpr double kBackoffMs = 500;
constexpr double kMaxBackoffMs = 30'000;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of another process, from /proc; 0 where it is gone.
double CpuSecondsOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state to cmajflt
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::vector<double> CpuSecondsOf(const std::vector<int>& pids) {
  std::vector<double> out;
  out.reserve(pids.size());
  for (const int pid : pids) out.push_back(CpuSecondsOf(pid));
  return out;
}

}  // namespace

Fleet::Fleet(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), random_(options_.seed) {
  if (uv_ip4_addr(options_.host.c_str(), options_.port, &address_) < 0) {
    throw std::invalid_argument("--host must be a numeric IPv4 address");
  }
  uv_loop_init(&loop_);
  uv_timer_init(&loop_, &timer_);
  timer_.data = this;
  MakeLinks();
}

Fleet::~Fleet() { uv_loop_close(&loop_); }

void Fleet::MakeLinks() {
  const size_t count =
      options_.connections == 0 ? options_.agents : std::min(options_.connections, options_.agents);
  for (size_t i = 0; i < options_.agents; ++i) {
    const std::string node = options_.prefix + "-" + std::to_string(i);
    agents_.push_back(std::make_unique<SimulatedAgent>(options_.group, node,
                                                       options_.seed * 1'000'000 + i,
                                                       options_.series, 15'000, report_.total));
  }
  const int64_t now = NowMs();
  for (size_t i = 0; i < count; ++i) {
    auto link = std::make_unique<Link>();
    std::vector<std::string> filters;
    for (size_t agent = i; agent < agents_.size(); agent += count) {
      const double share = static_cast<double>(agent) / static_cast<double>(agents_.size());
      const auto splay = static_cast<int64_t>(options_.ramp * 1000 * share);
      link->members.push_back({agents_[agent].get(), false, 0, splay});
      filters.push_back(agents_[agent]->command_topic());
    }
    Link* const raw = link.get();
    ConnectionEvents events;
    // MQTT has one Will a connection: where agents share one, it is the first's.
    events.will = [this, raw] {
      for (const Member& member : raw->members) (void)member.agent->NextWill(clock_.WallMs());
      SimulatedAgent& first = *raw->members.front().agent;
      return Will{first.death_topic(), first.Death(clock_.WallMs())};
    };
    events.up = [this, raw] { Up(*raw); };
    events.down = [this, raw](const std::string& why) { Down(*raw, why); };
    events.received = [this, raw](std::string_view topic, std::string_view payload) {
      Receive(*raw, topic, payload);
    };
    link->connection = std::make_unique<Connection>(
        &loop_, options_.prefix + "-" + std::to_string(i), std::move(filters), std::move(events));
    link->open_at_ms = now + link->members.front().splay_ms;
    links_.push_back(std::move(link));
  }
}

Report Fleet::Run() {
  Enter(Phase::kConnecting, NowMs());
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<Fleet*>(timer->data)->Tick(); }, 0, kTickMs);
  uv_run(&loop_, UV_RUN_DEFAULT);
  if (!failed_.empty()) throw std::runtime_error(failed_);
  return report_;
}

void Fleet::Tick() {
  const int64_t now = NowMs();
  AdvancePhase(now);
  if (phase_ == Phase::kOver) {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    return;
  }
  if (phase_ == Phase::kGoodbye) return;
  OpenDue(now);
  SendBirths(now);
  PingAll(now);
  if (phase_ != Phase::kConnecting) Send(now);
  for (const auto& link : links_) link->connection->Flush();
}

void Fleet::OpenDue(int64_t now_ms) {
  for (const auto& link : links_) {
    if (link->connection->closed() && now_ms >= link->open_at_ms) link->connection->Open(address_);
  }
}

void Fleet::SendBirths(int64_t now_ms) {
  for (const auto& link : links_) {
    if (!link->connection->up()) continue;
    for (Member& member : link->members) {
      if (member.born || now_ms < member.birth_at_ms) continue;
      member.born = true;
      link->connection->Publish(member.agent->birth_topic(), member.agent->Birth(clock_.WallMs()));
    }
  }
}

bool Fleet::AllBorn() const {
  return std::all_of(links_.begin(), links_.end(), [](const auto& link) {
    return std::all_of(link->members.begin(), link->members.end(),
                       [](const Member& member) { return member.born; });
  });
}

void Fleet::PingAll(int64_t now_ms) {
  if (now_ms < next_ping_ms_) return;
  next_ping_ms_ = now_ms + kPingEveryMs;
  for (const auto& link : links_) link->connection->Ping();
}

// One batch an agent and link in turn, until the rate, the windows or the connections say stop.
void Fleet::Send(int64_t now_ms) {
  for (const auto& link : links_) {
    if (link->connection->up()) SendResends(*link, now_ms);
  }
  if (phase_ == Phase::kDrain) return;
  uint64_t allowed = UINT64_MAX;
  if (options_.rate > 0) {
    const double due = options_.rate / static_cast<double>(options_.series) *
                       static_cast<double>(now_ms - rate_since_ms_) / 1000;
    const auto due_batches = static_cast<uint64_t>(due);
    allowed = due_batches > rate_sent_ ? due_batches - rate_sent_ : 0;
  }
  size_t idle = 0;  // links in a row that had nothing to send
  while (allowed > 0 && idle < links_.size()) {
    Link& link = *links_[link_turn_++ % links_.size()];
    if (link.connection->up() && SendNext(link, now_ms)) {
      idle = 0;
      --allowed;
      ++rate_sent_;
    } else {
      ++idle;
    }
  }
}

bool Fleet::MaySend(const Member& member, int64_t now_ms) const {
  if (!member.born) return false;
  if (options_.rate > 0) return true;
  if (member.agent->unsettled() >= options_.window) return false;
  const int64_t waits_ms = now_ms - member.agent->WaitingSince(now_ms);
  return options_.max_wait == 0 || static_cast<double>(waits_ms) <= options_.max_wait * 1000;
}

bool Fleet::SendNext(Link& link, int64_t now_ms) {
  if (link.connection->waiting_bytes() > kMaxWaitingBytes) return false;
  for (size_t tried = 0; tried < link.members.size(); ++tried) {
    const Member& member = link.members[link.turn++ % link.members.size()];
    SimulatedAgent& agent = *member.agent;
    if (!MaySend(member, now_ms)) continue;
    link.connection->Publish(agent.data_topic(), agent.NextBatch(clock_.WallMs(), now_ms));
    return true;
  }
  return false;
}

void Fleet::SendResends(Link& link, int64_t now_ms) {
  for (const Member& member : link.members) {
    SimulatedAgent* const agent = member.agent;
    while (member.born && link.connection->waiting_bytes() <= kMaxWaitingBytes) {
      const std::string payload = agent->NextResend(now_ms);
      if (payload.empty()) break;
      link.connection->Publish(agent->data_topic(), payload);
    }
  }
}

void Fleet::AdvancePhase(int64_t now_ms) {
  const double elapsed = static_cast<double>(now_ms - phase_since_ms_) / 1000;
  switch (phase_) {
    case Phase::kConnecting: {
      const bool all_up = AllBorn();
      if (!all_up && elapsed > options_.ramp + 60) {
        failed_ = "not all agents were born within a minute";
        uv_stop(&loop_);
      }
      if (all_up) Enter(Phase::kWarmUp, now_ms);
      return;
    }
    case Phase::kWarmUp:
      if (elapsed >= options_.warm_up) Enter(Phase::kMeasure, now_ms);
      return;
    case Phase::kMeasure:
      if (elapsed >= options_.seconds) Enter(Phase::kDrain, now_ms);
      return;
    case Phase::kDrain:
      if (Unsettled() == 0 || elapsed >= options_.drain) Enter(Phase::kGoodbye, now_ms);
      return;
    case Phase::kGoodbye: {
      const bool all_closed = std::all_of(links_.begin(), links_.end(), [](const auto& link) {
        return link->connection->closed();
      });
      if (all_closed) phase_ = Phase::kOver;
      return;
    }
    case Phase::kOver:
      return;
  }
}

void Fleet::Enter(Phase phase, int64_t now_ms) {
  phase_ = phase;
  phase_since_ms_ = now_ms;
  switch (phase) {
    case Phase::kWarmUp:
      rate_since_ms_ = now_ms;
      break;
    case Phase::kMeasure:
      settled_at_start_ = report_.total.settled_values;
      cpu_at_start_ = CpuSeconds();
      watched_at_start_ = CpuSecondsOf(options_.watched);
      break;
    case Phase::kDrain:
      report_.measured_values = report_.total.settled_values - settled_at_start_;
      report_.measured_seconds = options_.seconds;
      report_.cpu_seconds = CpuSeconds() - cpu_at_start_;
      report_.watched_cpu_seconds = CpuSecondsOf(options_.watched);
      for (size_t i = 0; i < watched_at_start_.size(); ++i) {
        report_.watched_cpu_seconds[i] -= watched_at_start_[i];
      }
      break;
    case Phase::kGoodbye:
      report_.unsettled_batches = Unsettled();
      report_.overall_seconds = static_cast<double>(last_settled_ms_ - rate_since_ms_) / 1000;
      for (const auto& link : links_) {
        if (!link->connection->up()) continue;
        for (const Member& member : link->members) {
          link->connection->Publish(member.agent->death_topic(),
                                    member.agent->Death(clock_.WallMs()));
        }
        link->connection->Close();
      }
      break;
    case Phase::kConnecting:
    case Phase::kOver:
      break;
  }
}

void Fleet::Up(Link& link) {
  link.attempt = 0;
  const int64_t now = NowMs();
  for (Member& member : link.members) {
    const int64_t planned = link.open_at_ms - link.members.front().splay_ms + member.splay_ms;
    member.birth_at_ms = phase_ == Phase::kConnecting ? planned : now;
  }
}

void Fleet::Down(Link& link, const std::string& why) {
  if (phase_ == Phase::kGoodbye) return;
  ++report_.disconnects;
  std::fprintf(stderr, "fleet: a connection ended: %s\n", why.c_str());
  for (Member& member : link.members) {
    member.born = false;
    member.agent->ConnectionLost();
  }
  const double cap =
      std::min(kMaxBackoffMs,
               kBackoffMs * static_cast<double>(1ULL << std::min<size_t>(link.attempt++, 10)));
  link.open_at_ms =
      NowMs() + static_cast<int64_t>(std::uniform_real_distribution<double>(0, cap)(random_));
}

void Fleet::Receive(Link& link, std::string_view topic, std::string_view payload) {
  for (const Member& member : link.members) {
    SimulatedAgent* const agent = member.agent;
    if (agent->command_topic() != topic) continue;
    const uint64_t before = report_.total.settled_batches;
    const bool asks_birth = agent->Take(payload);
    if (report_.total.settled_batches != before) last_settled_ms_ = NowMs();
    if (asks_birth && member.born) {
      link.connection->Publish(agent->birth_topic(), agent->Birth(clock_.WallMs()));
    }
    return;
  }
}

uint64_t Fleet::Unsettled() const {
  uint64_t total = 0;
  for (const auto& agent : agents_) total += agent->unsettled();
  return total;
}

}  // namespace haidang::fleet
