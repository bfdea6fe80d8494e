#include <algorithm>

#include "collector/verdict/group_facts.h"
#include "collector/verdict/sentences.h"
#include "collector/verdict/step_view.h"

// A trouble that several sites have, and one that a single site has without a cause of its own.
namespace haidang::verdict {
namespace {

using query::Certainty;
using query::Culprit;

Certainty Sure(bool sure) { return sure ? Certainty::kCertain : Certainty::kLikely; }

class Group {
 public:
  Group(const StepView& view, std::vector<size_t> points)
      : view_(view),
        facts_(view, points),
        well_(view.WellSince(view.Since(points), points)),
        sites_(view.SitesOf(points).size()),
        well_sites_(view.SitesOf(well_).size()),
        other_bad_(view.SitesOf(view.bad).size() - sites_),
        confirmed_(view.Confirmed(points)) {
    ruling_.step = view.index;
    ruling_.evidence = CommonEvidence(view, points);
    ruling_.points = std::move(points);
  }

  Ruling Shared() {
    const bool late = facts_.status + facts_.content + facts_.certificate < facts_.all / 2 + 1;
    if (late && sites_ >= 2 && facts_.HubLoses()) {
      for (const PathNow& path : view_.machine(first()).paths) {
        if (path.way == Way::kHub) Say(say::WayBad(path));
      }
      return End(Culprit::kLink, Certainty::kLikely);
    }
    if (facts_.Most(facts_.of_names)) return Names();
    if (facts_.Most(facts_.certificate)) return Certificate();
    if (FarBehindHub()) return BehindHub();
    const Split split = SplitOf(view_, ruling_.points, well_);
    if (split.is && well_sites_ > 0) {
      Say(say::AddressSplit(split.bad, split.good));
      SayWays();
      const bool reached =
          (facts_.Nearly(facts_.connect_as_usual) && facts_.Nearly(facts_.waits)) ||
          facts_.Nearly(facts_.status);
      const bool sure = reached && confirmed_ && well_sites_ >= kNeighbours && sites_ >= 2 &&
                        facts_.WayWell() && facts_.address_well == facts_.all;
      return End(Culprit::kSystem, Sure(sure));
    }
    if (facts_.Most(facts_.reach)) return Reach();
    return Behind_();
  }

  Ruling Single() {
    if (const std::string colleague = Colleague(); !colleague.empty()) {
      Say(say::ColleagueWell(colleague));
      ruling_.name = view_.machine(first()).machine;
      return End(Culprit::kMachine, Certainty::kLikely);
    }
    SayWays();
    if (well_sites_ == 0) return Alone();
    const Point& point = view_.point(first());
    const Split split = SplitOf(view_, ruling_.points, well_);
    const Symptom symptom = view_.excess[first()].symptom;
    const bool other_answer = symptom == Symptom::kCertificate || facts_.content > 0;
    if (split.is && point.address_well) {  // it has served others well: a part of the system
      Say(say::AddressSplit(split.bad, split.good));
      return End(Culprit::kSystem, Certainty::kLikely);
    }
    if (other_answer) return AnotherAnswer(split.is);
    return ByWay(symptom);
  }

 private:
  size_t first() const { return ruling_.points.front(); }
  void Say(query::Sentence sentence) {
    if (!sentence.vi.empty()) ruling_.evidence.push_back(std::move(sentence));
  }
  void SayWays() {
    Say(say::WaysGood(false, facts_.Most(facts_.hub_good), facts_.Most(facts_.host_good)));
    if (facts_.hub_known == 0 && facts_.Nearly(facts_.connect_as_usual)) {
      Say(say::ConnectAsUsual());
    }
  }
  Ruling End(Culprit culprit, Certainty certainty) {
    ruling_.culprit = culprit;
    ruling_.certainty = culprit == Culprit::kUnknown ? Certainty::kUnknown : certainty;
    if (ruling_.certainty == Certainty::kUnknown) Say(say::TooFewFacts());
    return std::move(ruling_);
  }
  bool Wide() const {
    return sites_ > kNeighbours && confirmed_ &&
           sites_ * 10 >= (sites_ + well_sites_ + other_bad_) * 8;
  }

  Ruling Names() {
    for (const size_t i : ruling_.points) {
      if (NamesOf(view_.machine(i), 0).health != Health::kBad) continue;
      Say(say::NamesBad(view_.machine(i)));
      break;
    }
    SayWays();
    const bool only_portal = facts_.Most(facts_.names_asked_more) &&
                             facts_.Most(facts_.names_failing) && facts_.names_all_failing == 0;
    const bool answered = facts_.Most(facts_.names_quick);
    // Questions that get no answer may be lost on the way, now of this name, now of that.
    if (!answered && (facts_.host_bad > 0 || facts_.HostLoses())) {
      return End(Culprit::kLink, Certainty::kLikely);
    }
    if (only_portal) {
      Say(say::NamesOfPortalOnly());
      return End(Culprit::kSystem, Sure(answered && Wide() && facts_.WayWell()));
    }
    const bool all_names = facts_.Nearly(facts_.names_all_failing);
    if (all_names) return End(Culprit::kLink, Sure(Wide() && facts_.WayWell()));
    if (answered) return End(Culprit::kSystem, Certainty::kLikely);
    const bool wide = sites_ * 2 > sites_ + well_sites_;
    return wide ? End(Culprit::kLink, Certainty::kLikely)
                : End(Culprit::kUnknown, Certainty::kUnknown);
  }

  Ruling Certificate() {
    const bool expired =
        std::all_of(ruling_.points.begin(), ruling_.points.end(),
                    [this](size_t i) { return view_.point(i).reason == "tls_expired"; });
    // Something on the way may show a certificate of its own; it is hardly an expired one.
    const bool sure = expired && Wide() && facts_.clock_wrong == 0 && facts_.WayWell();
    return End(Culprit::kSystem, Sure(sure));
  }

  // The system answers echoes, late or not each of them, while the hub does as ever.
  bool FarBehindHub() const {
    return (facts_.Most(facts_.host_far) || facts_.HostLoses()) &&
           facts_.hub_bad * 2 <= facts_.all && facts_.status * 2 <= facts_.all;
  }
  Ruling BehindHub() {
    for (const size_t i : ruling_.points) {
      const MachineNow& machine = view_.machine(i);
      const auto bad =
          std::find_if(machine.paths.begin(), machine.paths.end(), [](const PathNow& path) {
            return path.way == Way::kHost && HealthOf(path, 0, false) == Health::kBad;
          });
      if (bad == machine.paths.end()) continue;
      Say(say::WayBad(*bad));
      break;
    }
    return End(Culprit::kLink, Certainty::kLikely);
  }

  Ruling Reach() {
    SayWays();
    if (FarBehindHub()) return BehindHub();
    const Behind behind = LookBehind(view_, ruling_.points);
    for (const auto& sentence : behind.evidence) Say(sentence);
    ruling_.name = behind.name;
    // At the other end: the system, or the service that is probed.
    const Culprit end = behind.culprit == Culprit::kService ? Culprit::kService : Culprit::kSystem;
    const bool host_away = facts_.Most(facts_.host_bad) || behind.system_busy;
    if (facts_.WayWell()) return End(end, Sure(Wide() && host_away));
    if (facts_.hub_known == 0 && !host_away && facts_.gateway_bad * 2 > facts_.all) {
      return End(Culprit::kUnknown, Certainty::kUnknown);
    }
    return End(end, Certainty::kLikely);
  }

  // Slow to answer, or a wrong answer, or a refusal: something at the other end.
  Ruling Behind_() {
    SayWays();
    if (FarBehindHub()) return BehindHub();
    const Behind behind = LookBehind(view_, ruling_.points);
    for (const auto& sentence : behind.evidence) Say(sentence);
    ruling_.name = behind.name;
    if (behind.culprit == Culprit::kUnknown) return End(Culprit::kUnknown, Certainty::kUnknown);
    const bool told = facts_.Nearly(facts_.status);  // only who was reached can say so
    // Everything may be late because the way is, also beyond what is measured of it.
    const bool reached = facts_.Nearly(facts_.connect_as_usual) ||
                         (facts_.connect_late == 0 && facts_.Most(facts_.host_good)) ||
                         facts_.Nearly(facts_.refused) || told;
    const bool way =
        facts_.WayWell() ||
        (facts_.Nearly(facts_.connect_as_usual) && behind.system_busy && facts_.hub_bad == 0) ||
        (told && facts_.hub_bad == 0 && facts_.Nearly(facts_.address_well));
    const bool content = facts_.content * 2 > facts_.all;
    const bool own = !content || facts_.Nearly(facts_.address_well);
    const bool body = Transferring() && !behind.system_busy;  // may be lost on the way as well
    const bool clean = facts_.Nearly(facts_.waits) || facts_.Most(facts_.host_good) ||
                       (behind.system_busy && facts_.waits * 2 > facts_.all);
    const bool sure = Wide() && way && reached && clean && own && !body && behind.proven &&
                      facts_.starved * 2 <= facts_.all && facts_.gateway_bad * 5 <= facts_.all;
    return End(behind.culprit, Sure(sure));
  }
  bool Transferring() const {
    const auto late = std::count_if(ruling_.points.begin(), ruling_.points.end(), [this](size_t i) {
      return view_.excess[i].symptom == Symptom::kTransfer;
    });
    return static_cast<size_t>(late) * 2 > facts_.all;
  }

  // Another machine of the site, to which the step goes well meanwhile.
  std::string Colleague() const {
    const int64_t since_ms = view_.Since(ruling_.points);
    for (size_t i = 0; i < view_.step.points.size(); ++i) {
      const Point& point = view_.point(i);
      if (view_.site(i) == view_.site(first()) && IsWell(point) && point.began_ms > since_ms &&
          point.bad_runs == 0) {
        return view_.machine(i).machine;
      }
    }
    return "";
  }

  // Nobody to compare with.
  Ruling Alone() {
    const Excess& excess = view_.excess[first()];
    const bool way = facts_.hub_good > 0 || facts_.host_good > 0 || excess.connect_as_usual;
    const Behind behind = LookBehind(view_, ruling_.points);
    // Others were well and have not walked since: they will tell.
    bool others = false;
    for (size_t i = 0; i < view_.step.points.size(); ++i) {
      others = others || (IsWell(view_.point(i)) && view_.site(i) != view_.site(first()));
    }
    if (others && !behind.system_busy) return End(Culprit::kUnknown, Certainty::kUnknown);
    switch (excess.symptom) {
      case Symptom::kProcessing:
      case Symptom::kAnswer:
        if (!way && !behind.system_busy && facts_.status == 0) break;
        for (const auto& sentence : behind.evidence) Say(sentence);
        ruling_.name = behind.name;
        return End(behind.culprit, Certainty::kLikely);
      case Symptom::kRefused:
        return End(Culprit::kSystem, Certainty::kLikely);
      case Symptom::kReach:
        if (facts_.hub_good > 0) return End(Culprit::kSystem, Certainty::kLikely);
        break;
      case Symptom::kTls:
      case Symptom::kTransfer:
      case Symptom::kWide:
        if (behind.system_busy) {
          for (const auto& sentence : behind.evidence) Say(sentence);
          ruling_.name = behind.name;
          return End(Culprit::kSystem, Certainty::kLikely);
        }
        break;
      case Symptom::kCertificate:
        if (view_.point(first()).reason == "tls_expired" && ClockRight(view_.machine(first()))) {
          return End(Culprit::kSystem, Certainty::kLikely);
        }
        break;
      default:
        break;
    }
    return End(Culprit::kUnknown, Certainty::kUnknown);
  }

  // This site gets another answer, or another certificate, than all others.
  Ruling AnotherAnswer(bool other_address) {
    Say(say::AnotherContent());
    const Point& point = view_.point(first());
    const MachineNow& machine = view_.machine(first());
    if (other_address) Say(say::StrangeAddress(point.address));
    if (point.reason == "tls_expired" && !ClockRight(machine)) {
      ruling_.name = machine.machine;
      return End(Culprit::kMachine, Certainty::kLikely);
    }
    // What stands in the way would stand before the other steps, too; and others were well between
    // two of its bad runs.
    const bool first_of_walk = !WellBefore();
    size_t between = 0;
    for (const size_t i : well_) {
      const Point& other = view_.point(i);
      between += other.began_ms > point.since_ms && other.at_ms <= point.at_ms ? 1 : 0;
      between += other.at_ms > point.at_ms && other.well_began_ms > point.since_ms ? 1 : 0;
    }
    const bool captive =
        point.reason == "tls_name" || point.reason == "tls_untrusted" || other_address;
    const bool sure = captive && first_of_walk && confirmed_ && between >= kNeighbours &&
                      ClockRight(machine) && !point.success;
    if (!first_of_walk) return End(Culprit::kSystem, Certainty::kLikely);
    return End(Culprit::kSite, Sure(sure));
  }
  // A step of the same journey goes well from this machine.
  bool WellBefore() const {
    const int64_t since_ms = view_.Since(ruling_.points);
    for (const Step& other : view_.scene.steps) {
      if (&other == &view_.step || other.journey != view_.step.journey) continue;
      for (const Point& point : other.points) {
        if (point.machine == view_.point(first()).machine && IsWell(point) &&
            point.at_ms > since_ms) {
          return true;
        }
      }
    }
    return false;
  }

  // Slow or unreachable from one site, and nothing at hand is to blame.
  Ruling ByWay(Symptom symptom) {
    const MachineNow& machine = view_.machine(first());
    const Health gateway = HealthOf(machine, Way::kGateway, view_.point(first()).since_ms);
    const int64_t since_ms = view_.point(first()).since_ms;
    const Health hub_now = HealthOf(machine, Way::kHub, since_ms);
    const bool doubtful = hub_now == Health::kGrey || hub_now == Health::kBad;
    const bool hub = hub_now == Health::kGood || (!doubtful && facts_.host_good > 0);
    if (symptom == Symptom::kNames) {
      return End(doubtful ? Culprit::kLink : Culprit::kSite, Certainty::kLikely);
    }
    // No connection, though the way to the hub is well: something there lets it not through.
    const bool shut = symptom == Symptom::kReach && !view_.point(first()).success;
    if (symptom == Symptom::kRefused || (shut && hub)) {
      return End(Culprit::kSite, Certainty::kLikely);
    }
    const bool network = symptom == Symptom::kReach || symptom == Symptom::kTransfer ||
                         symptom == Symptom::kTls ||
                         (symptom == Symptom::kWide && !view_.excess[first()].connect_as_usual);
    // A handshake takes long while all that is sent there comes back in time: others will tell.
    const bool handshake = symptom == Symptom::kTls && view_.point(first()).success &&
                           view_.excess[first()].connect_as_usual;
    if (handshake && hub_now == Health::kGood && facts_.host_good > 0) {
      return End(Culprit::kUnknown, Certainty::kUnknown);
    }
    // The same page comes to others at once: what is lost are perhaps its large packets.
    const bool lost = view_.point(first()).reason == "timeout" && well_sites_ >= kNeighbours;
    if (lost && gateway == Health::kGood && LoadOf(machine) != Health::kBad) {
      return End(Culprit::kLink, Certainty::kLikely);
    }
    if (network && gateway == Health::kGood) return End(Culprit::kLink, Certainty::kLikely);
    if (network && !hub && facts_.host_bad > 0) return End(Culprit::kLink, Certainty::kLikely);
    if (symptom == Symptom::kWide && view_.excess[first()].everywhere) {
      const Health load = LoadOf(machine);
      if (load == Health::kGrey) {
        ruling_.name = machine.machine;
        Say(say::Starved(machine));
        return End(Culprit::kMachine, Certainty::kLikely);
      }
    }
    return End(Culprit::kUnknown, Certainty::kUnknown);
  }

  const StepView& view_;
  const Facts facts_;
  const std::vector<size_t> well_;
  const size_t sites_, well_sites_, other_bad_;
  const bool confirmed_;
  Ruling ruling_;
};

}  // namespace

Ruling JudgeShared(const StepView& view, std::vector<size_t> points) {
  return Group(view, std::move(points)).Shared();
}

Ruling JudgeSingle(const StepView& view, std::vector<size_t> points) {
  return Group(view, std::move(points)).Single();
}

}  // namespace haidang::verdict
