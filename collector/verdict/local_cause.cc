#include <algorithm>

#include "collector/verdict/sentences.h"
#include "collector/verdict/step_view.h"

namespace haidang::verdict {
namespace {

using query::Culprit;
using Kind = Local::Kind;

bool IsOfTime(Symptom symptom) {
  return symptom != Symptom::kCertificate && symptom != Symptom::kAnswer &&
         symptom != Symptom::kRefused && symptom != Symptom::kMachine;
}

void SayWay(const MachineNow& machine, Way way, std::vector<query::Sentence>& out) {
  for (const PathNow& path : machine.paths) {
    if (path.way == way && HealthOf(path, 0, false) == Health::kBad) {
      out.push_back(say::WayBad(path));
      return;
    }
  }
}

Local OfClock(const MachineNow& machine, const Point& point) {
  const auto wrong = ClockWrong(machine);
  if (!wrong || (point.reason != "tls_expired" && point.reason != "tls_untrusted")) return {};
  Local local{Kind::kClock, Culprit::kMachine, false, {say::ClockOff(*wrong)}};
  local.solid = point.reason == "tls_expired" && (*wrong > 3600 || *wrong < -3600);
  return local;
}

// No chance: late, or more is lost than happens by itself.
bool SurelyBad(const MachineNow& machine, Way way) {
  constexpr double kLost = 6;
  return std::any_of(machine.paths.begin(), machine.paths.end(), [way](const PathNow& path) {
    if (path.way != way || HealthOf(path, 0, false) != Health::kBad) return false;
    const double lost = path.sent_since >= 15 ? path.lost_since : path.lost;
    return lost >= kLost || (path.success == true && LossOf(path) < 0.1);
  });
}

// The hub gives no answer while what lies beyond it is reached as ever: it just does not answer.
bool HubOnlyMute(const MachineNow& machine, const Excess& excess, int64_t since_ms) {
  const bool mute = std::any_of(
      machine.paths.begin(), machine.paths.end(),
      [](const PathNow& path) { return path.way == Way::kHub && path.success == false; });
  if (!mute) return false;
  return excess.connect_as_usual || HealthOf(machine, Way::kHost, since_ms) == Health::kGood;
}

}  // namespace

bool Shows(Kind kind, const MachineNow& machine) {
  switch (kind) {
    case Kind::kStarved:
      return LoadOf(machine) == Health::kBad;
    case Kind::kNetwork:
      return HealthOf(machine, Way::kGateway, 0) == Health::kBad;
    case Kind::kHub:
      return HealthOf(machine, Way::kHub, 0) == Health::kBad;
    case Kind::kNames:
      return NamesOf(machine, 0).health == Health::kBad;
    case Kind::kClock:
      return ClockWrong(machine).has_value();
    default:
      return false;
  }
}

bool Knows(Kind kind, const MachineNow& machine) {
  switch (kind) {
    case Kind::kStarved:
      return LoadOf(machine) != Health::kUnknown;
    case Kind::kNetwork:
      return HealthOf(machine, Way::kGateway, 0) != Health::kUnknown;
    case Kind::kHub:
      return HealthOf(machine, Way::kHub, 0) != Health::kUnknown;
    case Kind::kNames:
      return NamesOf(machine, 0).health != Health::kUnknown;
    case Kind::kClock:
      return machine.clock_offset.has_value();
    default:
      return false;
  }
}

Local LocalCause(const StepView& view, size_t i) {
  const Point& point = view.point(i);
  const MachineNow& machine = view.machine(i);
  const Excess& excess = view.excess[i];
  const int64_t since_ms = point.since_ms;
  if (!machine.fresh) return {};
  if (excess.symptom == Symptom::kMachine) return {Kind::kAgent, Culprit::kMachine, true, {}};
  if (excess.symptom == Symptom::kCertificate) return OfClock(machine, point);
  if (!IsOfTime(excess.symptom)) return {};

  const Health load = LoadOf(machine);
  const Health gateway = HealthOf(machine, Way::kGateway, since_ms, true);
  const Health hub = HealthOf(machine, Way::kHub, since_ms, true);
  const bool network_loses = Loses(machine, Way::kGateway) || TroubledNetwork(machine) ||
                             MtuProblem(machine, Way::kGateway);
  const bool network = gateway == Health::kBad || TroubledNetwork(machine);
  const bool only_way = excess.symptom == Symptom::kNames || excess.symptom == Symptom::kReach;
  const NamesHealth asked = NamesOf(machine, since_ms);
  const bool names = asked.health == Health::kBad;

  // A starved machine hears its own echoes late, too, and may give them up.
  if (load == Health::kBad && !(only_way && (names || hub == Health::kBad))) {
    Local local{Kind::kStarved, Culprit::kMachine, false, {say::Starved(machine)}};
    local.solid =
        !only_way && !network_loses && !Loses(machine, Way::kHub) && gateway != Health::kUnknown;
    return local;
  }
  if (network) {
    Local local{Kind::kNetwork, Culprit::kSite, false, {}};
    SayWay(machine, Way::kGateway, local.evidence);
    if (TroubledNetwork(machine)) local.evidence.push_back(say::NetworkErrors(machine));
    local.evidence.push_back(say::LoadFine(machine));
    local.solid = SurelyBad(machine, Way::kGateway) && load == Health::kGood;
    return local;
  }
  if (hub == Health::kBad && !HubOnlyMute(machine, excess, since_ms)) {
    Local local{Kind::kHub, Culprit::kLink, false, {}};
    SayWay(machine, Way::kHub, local.evidence);
    if (gateway == Health::kGood) local.evidence.push_back(say::WaysGood(true, false, false));
    local.solid =
        SurelyBad(machine, Way::kHub) && gateway == Health::kGood && load == Health::kGood;
    return local;
  }
  if (names && excess.symptom == Symptom::kNames && hub != Health::kGrey) {
    Local local{Kind::kNames, Culprit::kSite, false, {say::NamesBad(machine)}};
    local.evidence.push_back(say::WaysGood(gateway == Health::kGood, hub == Health::kGood, false));
    local.solid = gateway == Health::kGood && hub == Health::kGood && load == Health::kGood &&
                  !Loses(machine, Way::kHost) &&
                  (asked.failing == 0 || asked.failing == asked.asked);
    return local;
  }
  return {};
}

}  // namespace haidang::verdict
