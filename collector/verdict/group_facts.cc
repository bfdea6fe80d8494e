#include "collector/verdict/group_facts.h"

#include <algorithm>
#include <set>

namespace haidang::verdict {
namespace {

constexpr double kTelling = 5;  // so many echoes say something

// It answers now and then. What came before the trouble says nothing of it.
bool Answers(const MachineNow& machine, Way way) {
  return std::any_of(machine.paths.begin(), machine.paths.end(), [way](const PathNow& path) {
    if (path.way != way) return false;
    return path.success == true || path.lost_since < 0.6 * path.sent_since;
  });
}

std::set<std::string> AddressesOf(const StepView& view, const std::vector<size_t>& points) {
  std::set<std::string> addresses;
  for (const size_t i : points) {
    if (!view.point(i).address.empty()) addresses.insert(view.point(i).address);
  }
  return addresses;
}

}  // namespace

Facts::Facts(const StepView& view, const std::vector<size_t>& points) : all(points.size()) {
  for (const size_t i : points) See(view, i);
}

void Facts::See(const StepView& view, size_t i) {
  const MachineNow& machine = view.machine(i);
  const Point& point = view.point(i);
  const Excess& excess = view.excess[i];
  const Health hub = HealthOf(machine, Way::kHub, point.since_ms, true);
  const Health host = HealthOf(machine, Way::kHost, point.since_ms);
  hub_good += hub == Health::kGood;
  hub_bad += hub == Health::kBad;
  hub_known += hub != Health::kUnknown;
  host_good += host == Health::kGood;
  host_bad += host == Health::kBad;
  host_far += host == Health::kBad && Answers(machine, Way::kHost);
  gateway_bad += HealthOf(machine, Way::kGateway, point.since_ms) == Health::kBad;
  starved += LoadOf(machine) == Health::kBad;
  clock_wrong += ClockWrong(machine).has_value();
  connect_late += !excess.connect_as_usual && excess.connect_known;
  connect_as_usual += view.ReachedAsUsual(i);
  for (const PathNow& path : machine.paths) {
    if (!path.ever || path.success == false || path.sent_since < kTelling) continue;
    const double sent = path.sent_since;
    const double lost = std::max(0.0, path.lost_since - path.usual_loss.value_or(0) * sent);
    if (path.way == Way::kHub) {
      hub_sent += sent;
      hub_lost += lost;
    } else if (path.way == Way::kHost) {
      host_sent += sent;
      host_lost += lost;
    }
  }
  const NamesHealth names = NamesOf(machine, point.since_ms);
  names_failing += names.health == Health::kBad;
  names_asked_more += names.asked > 1;
  names_all_failing += names.asked > 1 && (names.failing == names.asked || names.failing == 0) &&
                       names.health == Health::kBad;
  names_quick += names.failing > 0 && !names.late;
  reach += excess.symptom == Symptom::kReach;
  refused += excess.symptom == Symptom::kRefused;
  status += point.reason == "status" && !point.success;
  content += excess.symptom == Symptom::kAnswer && point.reason != "status";
  waits += excess.symptom == Symptom::kProcessing || excess.symptom == Symptom::kAnswer ||
           excess.symptom == Symptom::kRefused;
  of_names += excess.symptom == Symptom::kNames;
  certificate += excess.symptom == Symptom::kCertificate;
  address_well += point.address_well;
}

Split SplitOf(const StepView& view, const std::vector<size_t>& points,
              const std::vector<size_t>& well) {
  std::vector<size_t> now;  // whose last run was bad: the others' address is of a good one
  for (const size_t i : points) {
    if (!view.point(i).success || view.point(i).slow) now.push_back(i);
  }
  const auto bad = AddressesOf(view, now), good = AddressesOf(view, well);
  if (bad.empty() || good.empty()) return {};
  const bool apart = std::none_of(bad.begin(), bad.end(),
                                  [&](const std::string& each) { return good.contains(each); });
  return {apart, *bad.begin(), *good.begin()};
}

}  // namespace haidang::verdict
