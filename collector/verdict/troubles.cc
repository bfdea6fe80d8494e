#include "collector/verdict/troubles.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collector/verdict/sentences.h"
#include "collector/verdict/step_view.h"

namespace haidang::verdict {
namespace {

using query::Certainty;
using query::Culprit;

constexpr int kTwice = 2;
constexpr int kLong = 5;  // looks until "cannot be told" takes the place of an answer

const std::string& SiteOf(const MachineNow& machine) {
  return machine.site.empty() ? machine.machine : machine.site;
}

std::string MostFrequent(const std::map<std::string, size_t>& counts) {
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "" : most->first;
}

size_t Overlap(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

}  // namespace

Troubles::Held Troubles::Make(const Scene& scene, const Ruling& ruling) {
  const Step& step = scene.steps[ruling.step];
  Held held;
  query::JourneyTrouble& told = held.trouble.told;
  told.journey = step.journey;
  told.step = step.step;
  std::set<std::string> sites, measured;
  std::map<std::string, size_t> reasons;
  std::vector<std::optional<double>> seconds, usual;
  size_t failing = 0;
  for (const size_t i : ruling.points) {
    const Point& point = step.points[i];
    const MachineNow& machine = scene.machines[point.machine];
    sites.insert(SiteOf(machine));
    held.trouble.machines.push_back(machine.machine);
    if (told.since_ms == 0 || point.since_ms < told.since_ms) told.since_ms = point.since_ms;
    failing += point.success ? 0 : 1;
    if (!point.success) ++reasons[point.reason];
    if (point.slow || !point.success) seconds.push_back(point.seconds);
    usual.push_back(point.usual_seconds);
  }
  for (const Point& point : step.points) {
    if (point.current) measured.insert(SiteOf(scene.machines[point.machine]));
  }
  told.failing = failing * 2 > ruling.points.size();
  told.reason = MostFrequent(reasons);
  told.sites.assign(sites.begin(), sites.end());
  told.sites_measured = static_cast<int64_t>(measured.size());
  told.seconds = MedianOf(seconds);
  told.usual_seconds = MedianOf(usual);
  told.verdict.culprit = ruling.culprit;
  told.verdict.certainty = ruling.certainty;
  told.verdict.name = ruling.name;
  held.evidence = ruling.evidence;
  return held;
}

void Troubles::Carry(const Held& before, Held& now) {
  query::Verdict& verdict = now.trouble.told.verdict;
  const query::Verdict& old = before.trouble.told.verdict;
  now.trouble.told.since_ms = std::min(now.trouble.told.since_ms, before.trouble.told.since_ms);
  if (verdict.culprit == old.culprit || old.culprit == Culprit::kUnknown) {
    if (verdict.culprit == old.culprit) now.certain_times = before.certain_times;
    return;
  }
  const bool again = before.coming == verdict.culprit && before.coming_times > 0;
  now.coming = verdict.culprit;
  now.coming_times = again ? before.coming_times + 1 : 1;
  const int needed = verdict.culprit == Culprit::kUnknown ? kLong : kTwice;
  if (now.coming_times >= needed) {
    now.coming_times = 0;
    return;
  }
  verdict.culprit = old.culprit;
  verdict.name = old.name;
  verdict.certainty = std::min(old.certainty, Certainty::kLikely);
  now.evidence = before.evidence;
}

void Troubles::Summarize(const Scene& scene, Held& held, size_t same_cause) {
  query::JourneyTrouble& told = held.trouble.told;
  query::Verdict& verdict = told.verdict;
  say::Headline head;
  head.step = told.step.empty() ? told.journey : told.step;
  head.since_ms = told.since_ms;
  head.now_ms = scene.now_ms;
  head.failing = told.failing;
  head.reason = told.reason;
  head.seconds = told.seconds;
  head.usual_seconds = told.usual_seconds;
  head.sites = told.sites.size();
  head.measured = std::max(static_cast<size_t>(told.sites_measured), head.sites);
  std::string site_name;
  for (const MachineNow& machine : scene.machines) {
    if (head.sites == 1 && SiteOf(machine) == told.sites.front()) {
      site_name = machine.site_name.empty() ? machine.site : machine.site_name;
      break;
    }
  }
  head.site_name = site_name;
  for (const Step& step : scene.steps) {
    if (step.journey != told.journey || step.step != told.step) continue;
    for (const Point& point : step.points) {
      if (point.bad && !point.success && point.reason == told.reason) head.status = point.status;
    }
  }
  std::vector<query::Sentence> parts{
      say::Begin(head), say::Place(verdict.culprit, verdict.certainty, verdict.name, site_name)};
  if (same_cause > 0) parts.push_back(say::SameCause(same_cause));
  verdict.summary = say::Join(parts, "; ");
  verdict.evidence = held.evidence;
}

const std::vector<Trouble>& Troubles::Update(const Scene& scene, std::vector<Ruling> rulings) {
  std::vector<Held> fresh;
  std::vector<bool> taken(held_.size());
  for (const Ruling& ruling : rulings) {
    Held now = Make(scene, ruling);
    size_t best = held_.size(), most = 0;
    for (size_t i = 0; i < held_.size(); ++i) {
      const query::JourneyTrouble& before = held_[i].trouble.told;
      if (taken[i] || before.journey != now.trouble.told.journey ||
          before.step != now.trouble.told.step) {
        continue;
      }
      const size_t overlap = Overlap(before.sites, now.trouble.told.sites);
      if (overlap > most) {
        most = overlap;
        best = i;
      }
    }
    const bool was_certain = now.trouble.told.verdict.certainty == Certainty::kCertain;
    if (best < held_.size()) {
      taken[best] = true;
      Carry(held_[best], now);
    }
    query::Verdict& verdict = now.trouble.told.verdict;
    const bool certain = was_certain && verdict.certainty == Certainty::kCertain;
    now.certain_times = certain ? now.certain_times + 1 : 0;
    if (certain && now.certain_times < kTwice) verdict.certainty = Certainty::kLikely;
    fresh.push_back(std::move(now));
  }
  held_ = std::move(fresh);
  shown_.clear();
  for (Held& held : held_) {
    const query::JourneyTrouble& told = held.trouble.told;
    const auto same = std::count_if(held_.begin(), held_.end(), [&](const Held& other) {
      const query::JourneyTrouble& its = other.trouble.told;
      return its.journey == told.journey && its.step != told.step &&
             its.verdict.culprit == told.verdict.culprit && its.verdict.name == told.verdict.name &&
             Overlap(its.sites, told.sites) > 0 && told.verdict.culprit != Culprit::kUnknown;
    });
    Summarize(scene, held, static_cast<size_t>(same));
    shown_.push_back(held.trouble);
  }
  std::stable_sort(shown_.begin(), shown_.end(), [](const Trouble& a, const Trouble& b) {
    return a.told.sites.size() > b.told.sites.size();
  });
  return shown_;
}

}  // namespace haidang::verdict
