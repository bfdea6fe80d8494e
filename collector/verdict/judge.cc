#include "collector/verdict/judge.h"

#include <algorithm>
#include <map>

#include "collector/verdict/sentences.h"
#include "collector/verdict/step_view.h"

namespace haidang::verdict {
namespace {

using query::Certainty;
using query::Culprit;
using Kind = Local::Kind;

// The ways in which a step fails that may have one cause.
enum class Class { kNames, kCertificate, kReach, kAnswer, kTime };

Class ClassOf(Symptom symptom) {
  switch (symptom) {
    case Symptom::kNames:
      return Class::kNames;
    case Symptom::kCertificate:
      return Class::kCertificate;
    case Symptom::kReach:
    case Symptom::kRefused:
      return Class::kReach;
    case Symptom::kAnswer:
      return Class::kAnswer;
    default:
      return Class::kTime;
  }
}

bool AnotherAnswer(const Point& point) {
  return point.reason == "content" || point.reason == "redirect" || point.reason == "protocol";
}

class StepJudge {
 public:
  explicit StepJudge(const StepView& view) : view_(view) {}

  std::vector<Ruling> Run() {
    std::map<size_t, Local> locals;
    for (const size_t i : view_.bad) locals[i] = LocalCause(view_, i);
    DropCommon(locals);
    std::vector<size_t> hub, pool;
    std::map<std::string, std::vector<size_t>> single;  // by kind and site
    for (const auto& [i, local] : locals) {
      if (local.kind == Kind::kNone) {
        pool.push_back(i);
      } else if (local.kind == Kind::kHub) {
        hub.push_back(i);
      } else {
        single[view_.site(i) + '/' + std::to_string(static_cast<int>(local.kind))].push_back(i);
      }
    }
    if (!hub.empty()) {
      if (view_.SitesOf(hub).size() >= 2) TakeDoubtful(pool, hub);
      AddLink(hub, locals);
    }
    for (auto& [key, points] : single) AddLocal(std::move(points), locals);
    AddPool(std::move(pool));
    return std::move(rulings_);
  }

 private:
  // What is measured at those who are well just the same, or at most of all sites at once, explains
  // nothing.
  void DropCommon(std::map<size_t, Local>& locals) {
    std::map<Kind, std::set<std::string_view>> have;
    for (const auto& [i, local] : locals) have[local.kind].insert(view_.site(i));
    for (auto& [i, local] : locals) {
      if (local.kind == Kind::kNone || local.kind == Kind::kAgent) continue;
      const auto well = view_.WellSince(view_.point(i).since_ms, {i});
      size_t known = 0, same = 0;
      for (const size_t other : well) {
        known += Knows(local.kind, view_.machine(other)) ? 1 : 0;
        same += Shows(local.kind, view_.machine(other)) ? 1 : 0;
      }
      const bool common_there = known > 0 && same * 2 >= known;
      const size_t sites = have[local.kind].size();
      const size_t measured = view_.SitesOf(view_.bad).size() + view_.SitesOf(well).size();
      const bool at_most = sites >= 2 && sites * 2 >= measured;
      const bool own =
          local.kind == Kind::kStarved || local.kind == Kind::kNames || local.kind == Kind::kClock;
      if (common_there && local.kind == Kind::kHub && OfNetwork(i)) {
        local.solid = false;  // what is lost now and then hits not every run
      } else if (common_there || (at_most && own)) {
        local = {};
      } else if (at_most && local.kind == Kind::kNetwork) {
        local.solid = false;  // several sites at the same time: one cause beyond them, perhaps
      }
    }
  }

  std::vector<query::Sentence> Evidence(const std::vector<size_t>& points,
                                        const std::vector<query::Sentence>& own) const {
    auto all = CommonEvidence(view_, points);
    for (const query::Sentence& sentence : own) {
      if (!sentence.vi.empty()) all.push_back(sentence);
    }
    return all;
  }

  void AddLocal(std::vector<size_t> points, const std::map<size_t, Local>& locals) {
    const Local& local = locals.at(points.front());
    const auto well = view_.WellSince(view_.Since(points), points);
    // Questions for names are lost beyond the site, too: where others are in trouble as well, who
    // knows.
    const bool alone = local.kind != Kind::kNames ||
                       view_.SitesOf(view_.bad).size() == view_.SitesOf(points).size();
    const bool sure = local.solid && alone && view_.SitesOf(well).size() >= kNeighbours &&
                      view_.Confirmed(points);
    Ruling ruling{view_.index,
                  points,
                  local.culprit,
                  sure ? Certainty::kCertain : Certainty::kLikely,
                  "",
                  Evidence(points, local.evidence)};
    if (local.culprit == Culprit::kMachine) ruling.name = view_.machine(points.front()).machine;
    rulings_.push_back(std::move(ruling));
  }

  // Where many have a bad way, those belong to them whose way is not known to be well.
  void TakeDoubtful(std::vector<size_t>& pool, std::vector<size_t>& hub) const {
    const auto doubtful = [this](size_t i) {
      const Class kind = ClassOf(view_.excess[i].symptom);
      const Health way = HealthOf(view_.machine(i), Way::kHub, view_.point(i).since_ms, true);
      return (kind == Class::kTime || kind == Class::kReach) && way == Health::kGrey;
    };
    for (const size_t i : pool) {
      if (doubtful(i)) hub.push_back(i);
    }
    std::erase_if(pool, doubtful);
  }

  bool OfNetwork(size_t i) const {
    const Symptom symptom = view_.excess[i].symptom;
    return symptom == Symptom::kReach || symptom == Symptom::kTransfer ||
           symptom == Symptom::kTls || symptom == Symptom::kNames ||
           (symptom == Symptom::kWide && !view_.excess[i].connect_as_usual);
  }

  void AddLink(const std::vector<size_t>& points, std::map<size_t, Local>& locals) {
    const size_t sites = view_.SitesOf(points).size();
    const size_t well = view_.SitesOf(view_.WellSince(view_.Since(points), points)).size();
    const auto solid = static_cast<size_t>(
        std::count_if(points.begin(), points.end(), [&](size_t i) { return locals[i].solid; }));
    const auto network = static_cast<size_t>(
        std::count_if(points.begin(), points.end(), [this](size_t i) { return OfNetwork(i); }));
    const Behind behind = LookBehind(view_, points);
    // Nearly everybody's: those who are well do not speak against the system then.
    const bool wide = sites >= 2 && well < kNeighbours;
    if (wide && network * 2 < points.size() && behind.system_busy) {
      return rulings_.push_back(JudgeShared(view_, points));
    }
    bool sure = solid * 10 >= points.size() * 8 && view_.Confirmed(points);
    sure = sure && (well >= kNeighbours ||
                    (sites > kNeighbours && network * 2 > points.size() && !behind.system_busy));
    std::vector<query::Sentence> own = locals.at(points.front()).evidence;
    if (sites > 1) own.push_back(say::HubBadAt(sites, sites + well));
    rulings_.push_back({view_.index, points, Culprit::kLink,
                        sure ? Certainty::kCertain : Certainty::kLikely, "",
                        Evidence(points, own)});
  }

  void AddPool(std::vector<size_t> pool) {
    std::map<Class, std::vector<size_t>> classes;
    for (const size_t i : pool) classes[ClassOf(view_.excess[i].symptom)].push_back(i);
    std::vector<size_t> merged;
    for (auto& [kind, points] : classes) {
      const bool of_answers =
          kind == Class::kReach || kind == Class::kAnswer || kind == Class::kTime;
      const bool alone = view_.SitesOf(points).size() == 1;
      const bool another = alone && AnotherAnswer(view_.point(points.front()));
      if (of_answers && !another) {
        merged.insert(merged.end(), points.begin(), points.end());
      } else {
        AddGroup(points);
      }
    }
    if (merged.empty()) return;
    std::sort(merged.begin(), merged.end());
    AddGroup(merged);
  }

  void AddGroup(const std::vector<size_t>& points) {
    rulings_.push_back(view_.SitesOf(points).size() == 1 ? JudgeSingle(view_, points)
                                                         : JudgeShared(view_, points));
  }

  const StepView& view_;
  std::vector<Ruling> rulings_;
};

}  // namespace

std::vector<Ruling> Judge(const Scene& scene) {
  std::vector<Ruling> all;
  for (size_t i = 0; i < scene.steps.size(); ++i) {
    const auto& points = scene.steps[i].points;
    const bool any = std::any_of(points.begin(), points.end(),
                                 [](const Point& point) { return point.bad && point.current; });
    if (!any) continue;
    const StepView view(scene, i);
    auto rulings = StepJudge(view).Run();
    std::move(rulings.begin(), rulings.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace haidang::verdict
