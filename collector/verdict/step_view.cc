#include "collector/verdict/step_view.h"

#include <algorithm>

#include "collector/verdict/sentences.h"

namespace haidang::verdict {

std::optional<double> MedianOf(const std::vector<std::optional<double>>& values) {
  std::vector<double> known;
  for (const auto& value : values) {
    if (value) known.push_back(*value);
  }
  if (known.empty()) return std::nullopt;
  const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::nth_element(known.begin(), middle, known.end());
  return *middle;
}

bool IsWell(const Point& point) {
  return point.current && !point.bad && point.success && !point.slow;
}

StepView::StepView(const Scene& whole, size_t at) : scene(whole), index(at), step(whole.steps[at]) {
  std::vector<size_t> well;
  for (size_t i = 0; i < step.points.size(); ++i) {
    if (point(i).bad && point(i).current) bad.push_back(i);
    if (IsWell(point(i))) well.push_back(i);
  }
  for (size_t phase = 0; phase < well_phases.size(); ++phase) {
    std::vector<std::optional<double>> values;
    for (const size_t i : well) values.push_back(point(i).phases[phase]);
    well_phases[phase] = MedianOf(values);
  }
  for (const Point& each : step.points) excess.push_back(ExcessOf(each, well_phases));
  others_reached_.resize(scene.machines.size());
  std::vector<bool> late(scene.machines.size());
  for (const Step& other : scene.steps) {
    if (other.journey != step.journey) continue;
    for (const Point& each : other.points) {
      const auto now = each.phases[kConnect], usual = each.usual_phases[kConnect];
      if (!each.current || !now || !usual || *now <= 0) continue;
      const bool as_usual = *now <= std::max(1.6 * *usual, *usual + 0.02);
      (as_usual ? others_reached_ : late)[each.machine] = true;
    }
  }
  for (size_t i = 0; i < late.size(); ++i) others_reached_[i] = others_reached_[i] && !late[i];
}

bool StepView::ReachedAsUsual(size_t i) const {
  if (excess[i].connect_known) return excess[i].connect_as_usual;
  return others_reached_[point(i).machine];
}

const std::string& StepView::site(size_t i) const {
  const MachineNow& of = machine(i);
  return of.site.empty() ? of.machine : of.site;
}

std::set<std::string_view> StepView::SitesOf(const std::vector<size_t>& points) const {
  std::set<std::string_view> sites;
  for (const size_t i : points) sites.insert(site(i));
  return sites;
}

std::vector<size_t> StepView::WellSince(int64_t since_ms, const std::vector<size_t>& points) const {
  const auto sites = SitesOf(points);
  std::vector<size_t> well;
  for (size_t i = 0; i < step.points.size(); ++i) {
    if (IsWell(point(i)) && point(i).began_ms > since_ms && !sites.contains(site(i))) {
      well.push_back(i);
    }
  }
  return well;
}

int64_t StepView::Since(const std::vector<size_t>& points) const {
  int64_t since_ms = point(points.front()).since_ms;
  for (const size_t i : points) since_ms = std::min(since_ms, point(i).since_ms);
  return since_ms;
}

bool StepView::Confirmed(const std::vector<size_t>& points) const {
  const auto confirmed = std::count_if(
      points.begin(), points.end(), [this](size_t i) { return point(i).bad_runs >= kConfirmed; });
  return static_cast<size_t>(confirmed) * 10 >= points.size() * 7;
}

std::vector<query::Sentence> CommonEvidence(const StepView& view,
                                            const std::vector<size_t>& points) {
  std::vector<query::Sentence> out;
  Phases now, usual;
  for (size_t phase = 0; phase < now.size(); ++phase) {
    std::vector<std::optional<double>> a, b;
    for (const size_t i : points) {
      a.push_back(view.point(i).phases[phase]);
      b.push_back(view.point(i).usual_phases[phase]);
    }
    now[phase] = MedianOf(a);
    usual[phase] = MedianOf(b);
  }
  const size_t first = points.front();
  out.push_back(say::PhasesNow(now, usual, view.excess[first].phase));
  if (!view.point(first).success) {
    out.push_back(say::Reason(view.point(first).reason, view.point(first).status));
  }
  const size_t sites = view.SitesOf(points).size();
  const size_t well = view.SitesOf(view.WellSince(view.Since(points), points)).size();
  if (sites == 1 && well > 0) {
    out.push_back(say::OnlyHere(well));
  } else if (sites + well > 1) {
    out.push_back(say::SameAt(sites, sites + well));
  } else {
    out.push_back(say::NoNeighbours());
  }
  std::erase_if(out, [](const query::Sentence& sentence) { return sentence.vi.empty(); });
  return out;
}

}  // namespace haidang::verdict
