#include "collector/verdict/clues.h"

#include <algorithm>
#include <cmath>

namespace haidang::verdict {
namespace {

constexpr double kBusy = 0.9;          // nothing is left
constexpr double kRatherBusy = 0.8;    // perhaps
constexpr double kUsuallyBusy = 0.75;  // then being busy is no news
constexpr double kLoss = 0.1;
constexpr double kLateWay = 0.03;  // seconds above what is usual, besides three times that
constexpr double kNearWay = 0.015;
constexpr double kLateName = 0.3;
constexpr double kWrongClock = 60;  // seconds

// The worst of two.
Health Worse(Health a, Health b) { return std::max(a, b); }

Health Against(const MachineNow& machine, Load load, double bad, double grey) {
  if (!machine.loads[load]) return Health::kUnknown;
  const double now = *machine.loads[load];
  const double usual = machine.usual_loads[load].value_or(0);
  if (now >= bad) return usual >= bad * kUsuallyBusy / kBusy ? Health::kGrey : Health::kBad;
  return now >= grey ? Health::kGrey : Health::kGood;
}

Symptom OfReason(const std::string& reason) {
  if (reason == "dns" || reason == "dns_timeout") return Symptom::kNames;
  if (reason == "unreachable" || reason == "connect_timeout") return Symptom::kReach;
  if (reason == "refused") return Symptom::kRefused;
  if (reason == "tls" || reason == "tls_timeout") return Symptom::kTls;
  if (reason.starts_with("tls_")) return Symptom::kCertificate;
  if (reason == "timeout" || reason == "closed") return Symptom::kProcessing;
  if (reason == "transfer_timeout") return Symptom::kTransfer;
  if (reason == "internal") return Symptom::kMachine;
  if (reason == "slow") return Symptom::kNone;  // its phases tell
  return Symptom::kAnswer;
}

Symptom OfPhase(size_t phase) {
  switch (phase) {
    case kResolve:
      return Symptom::kNames;
    case kConnect:
      return Symptom::kReach;
    case kTls:
      return Symptom::kTls;
    case kTransfer:
      return Symptom::kTransfer;
    default:
      return Symptom::kProcessing;
  }
}

}  // namespace

Excess ExcessOf(const Point& point, const Phases& others) {
  Excess out;
  Phases above;
  size_t late = 0, known = 0;
  double most = 0;
  for (size_t i = 0; i < above.size(); ++i) {
    if (!point.phases[i]) continue;
    const auto usual = point.usual_phases[i] ? point.usual_phases[i] : others[i];
    const double base = usual.value_or(0);
    above[i] = std::max(0.0, *point.phases[i] - base);
    out.seconds += *above[i];
    if (*point.phases[i] > 0) ++known;
    if (*point.phases[i] > 2.5 * base && *above[i] > 0.02) ++late;
    if (*above[i] > most) {
      most = *above[i];
      out.phase = i;
    }
    if (i == kConnect && usual && *point.phases[i] > 0) {
      out.connect_known = true;
      out.connect_as_usual = *above[i] <= std::max(0.02, 0.6 * base);
    }
  }
  out.everywhere = late >= 3 && late + 1 >= known;
  if (!point.success) out.symptom = OfReason(point.reason);
  if (out.symptom != Symptom::kNone || out.seconds <= 0 || !out.phase) return out;
  // The requests before this one went the same way: what is late in it was late in them, too.
  double seconds = out.seconds;
  if (const double own = out.seconds - above[kRedirect].value_or(0); own >= 0.3 * out.seconds) {
    above[kRedirect].reset();
    out.phase = static_cast<size_t>(std::max_element(above.begin(), above.end()) - above.begin());
    most = above[*out.phase].value_or(0);
    seconds = own;
  }
  out.symptom = most >= 0.7 * seconds ? OfPhase(*out.phase) : Symptom::kWide;
  return out;
}

double LossOf(const PathNow& path) {
  // Three of a few are as telling as three of many: a good way loses hardly one in a hundred.
  const bool tells = path.sent_since >= 15 || (path.sent_since >= 5 && path.lost_since >= 3);
  if (tells) return path.lost_since >= 3 ? path.lost_since / path.sent_since : 0;
  return path.lost >= 2 && path.sent > 0 ? path.lost / path.sent : 0;
}

Health HealthOf(const PathNow& path, int64_t since_ms, bool sure) {
  if (!path.success || !path.ever) return Health::kUnknown;
  if (path.mtu_problem) return Health::kBad;
  if (!*path.success || LossOf(path) >= path.usual_loss.value_or(0) + kLoss) return Health::kBad;
  const bool late = path.rtt && path.usual_rtt && *path.rtt > 3 * *path.usual_rtt &&
                    *path.rtt > *path.usual_rtt + kLateWay;
  if (late) return Health::kBad;
  if (path.at_ms <= since_ms) return Health::kUnknown;
  const bool near = !path.rtt || !path.usual_rtt || *path.rtt <= 2 * *path.usual_rtt ||
                    *path.rtt <= *path.usual_rtt + kNearWay;
  const bool whole =
      std::min(path.lost, path.sent_since >= 15 ? path.lost_since : path.lost) <= 1 &&
      (!sure || path.sent_since >= 8);
  return near && whole ? Health::kGood : Health::kGrey;
}

Health HealthOf(const MachineNow& machine, Way way, int64_t since_ms, bool sure) {
  Health worst = Health::kUnknown;
  if (!machine.fresh) return worst;
  for (const PathNow& path : machine.paths) {
    if (path.way == way) worst = Worse(worst, HealthOf(path, since_ms, sure));
  }
  return worst;
}

bool Loses(const MachineNow& machine, Way way) {
  return std::any_of(machine.paths.begin(), machine.paths.end(), [&](const PathNow& path) {
    if (path.way != way || !path.ever) return false;
    return path.success == false || LossOf(path) >= path.usual_loss.value_or(0) + kLoss;
  });
}

bool MtuProblem(const MachineNow& machine, Way way) {
  return std::any_of(machine.paths.begin(), machine.paths.end(),
                     [&](const PathNow& path) { return path.way == way && path.mtu_problem; });
}

NamesHealth NamesOf(const MachineNow& machine, int64_t since_ms) {
  NamesHealth out;
  if (!machine.fresh) return out;
  for (const NameNow& name : machine.names) {
    if (!name.success || !name.ever) continue;
    ++out.asked;
    const bool slow = name.seconds && name.usual_seconds &&
                      *name.seconds > 3 * *name.usual_seconds &&
                      *name.seconds > *name.usual_seconds + kLateName;
    if (!*name.success) {
      ++out.failing;
      out.late = out.late || name.seconds.value_or(1) >= kLateName;
    }
    out.late = out.late || slow;
    Health health = Health::kGood;
    if (!*name.success || slow) {
      health = Health::kBad;
    } else if (name.at_ms <= since_ms) {
      health = Health::kUnknown;
    }
    out.health = Worse(out.health, health);
  }
  return out;
}

Health LoadOf(const MachineNow& machine) {
  if (!machine.fresh) return Health::kUnknown;
  const Health cpu = Against(machine, kCpu, kBusy, kRatherBusy);
  Health memory = Against(machine, kMemory, 0.95, 0.9);
  const Health wait_memory = Against(machine, kWaitMemory, 0.2, 0.05);
  // Memory that is full of what nobody waits for does no harm.
  if (memory == Health::kBad && wait_memory == Health::kGood) memory = Health::kGrey;
  Health worst = Worse(cpu, Worse(memory, wait_memory));
  if (Against(machine, kWaitCpu, 0.5, 0.5) == Health::kBad && cpu != Health::kGood) {
    worst = Health::kBad;
  }
  if (Against(machine, kWaitDisk, 0.6, 0.6) == Health::kBad) {
    const bool busy = Against(machine, kDisk, kBusy, kBusy) == Health::kBad;
    worst = Worse(worst, busy ? Health::kBad : Health::kGrey);
  }
  if (worst == Health::kGood && cpu == Health::kUnknown) return Health::kUnknown;
  return worst;
}

bool Gone(const MachineNow& machine) {
  return machine.state == query::State::kVanished || machine.state == query::State::kSilent ||
         machine.state == query::State::kStopped;
}

Health ServerOf(const MachineNow& machine, int64_t since_ms) {
  if (machine.state == query::State::kVanished || machine.state == query::State::kSilent) {
    // Gone for long before means that nobody watches it.
    constexpr int64_t kTogetherMs = 10LL * 60 * 1000;
    return machine.state_since_ms >= since_ms - kTogetherMs ? Health::kBad : Health::kUnknown;
  }
  if (!machine.fresh) return Health::kUnknown;
  if (!machine.failed.empty()) return Health::kBad;
  Health worst = LoadOf(machine);
  worst = Worse(worst, Against(machine, kDisk, kBusy, kRatherBusy));
  worst = Worse(worst, Against(machine, kWaitDisk, 0.5, 0.3));
  return worst;
}

std::optional<double> ClockWrong(const MachineNow& machine) {
  if (!machine.clock_offset) return std::nullopt;
  const double sure = std::abs(*machine.clock_offset) - machine.clock_error.value_or(0);
  if (sure < kWrongClock) return std::nullopt;
  return machine.clock_offset;
}

bool ClockRight(const MachineNow& machine) {
  return machine.clock_offset &&
         std::abs(*machine.clock_offset) + machine.clock_error.value_or(0) < kWrongClock;
}

bool TroubledNetwork(const MachineNow& machine) {
  return machine.fresh && (machine.carrier_lost || machine.network_errors.value_or(0) >= 5);
}

}  // namespace haidang::verdict
