#include <algorithm>

#include "collector/verdict/sentences.h"
#include "collector/verdict/step_view.h"

// What stands behind a step: the system's machines, the services that the step depends on.
namespace haidang::verdict {
namespace {

using query::Culprit;

bool Has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The machines that serve something.
struct Servers {
  const MachineNow* bad = nullptr;  // the worst: gone before busy
  size_t good = 0, known = 0;
};

Servers ServersOf(const Scene& scene, const std::string& name, int64_t since_ms) {
  Servers out;
  for (const MachineNow& machine : scene.machines) {
    if (!Has(machine.serves, name)) continue;
    const Health health = ServerOf(machine, since_ms);
    if (health != Health::kUnknown) ++out.known;
    if (health == Health::kGood) ++out.good;
    const bool worse = out.bad == nullptr || (Gone(machine) && !Gone(*out.bad));
    if (health == Health::kBad && worse) out.bad = &machine;
  }
  return out;
}

void SayServer(const MachineNow& machine, std::vector<query::Sentence>& out) {
  if (Gone(machine)) {
    out.push_back(say::ServerGone(machine));
    return;
  }
  out.push_back(say::ServerBusy(machine));
  out.push_back(say::ServerFailed(machine));
}

// How a step goes in the province since then.
struct Elsewhere {
  size_t bad = 0, well = 0;  // sites
  bool wide() const { return bad >= 2 && bad * 2 >= bad + well; }
  bool fine() const { return bad == 0 && well >= 2; }
};

Elsewhere Look(const Scene& scene, const Step& step, int64_t since_ms) {
  std::set<std::string_view> bad, well;
  for (const Point& point : step.points) {
    const MachineNow& machine = scene.machines[point.machine];
    const std::string& site = machine.site.empty() ? machine.machine : machine.site;
    if (point.bad && point.current) bad.insert(site);
    if (IsWell(point) && point.began_ms > since_ms) well.insert(site);
  }
  return {bad.size(), well.size()};
}

struct Service {
  std::string name;
  Servers servers;
  bool probed_bad = false, probed_well = false;
  bool bad() const { return servers.bad != nullptr || probed_bad; }
  bool good() const {
    return !bad() && (probed_well || (servers.known > 0 && servers.good == servers.known));
  }
};

Service LookAt(const StepView& view, const std::string& name, int64_t since_ms) {
  Service service{name, ServersOf(view.scene, name, since_ms)};
  for (const Step& step : view.scene.steps) {
    // A probe of its own, not a step of the system that happens to be called so.
    if (step.journey != name && (step.step != name || step.journey == view.step.journey)) continue;
    bool bad = false, well = false;
    for (const Point& point : step.points) {
      bad = bad || (point.bad && point.current);
      well = well || (IsWell(point) && point.began_ms > since_ms);
    }
    service.probed_bad = service.probed_bad || (bad && !well);
    service.probed_well = service.probed_well || (well && !bad);
  }
  return service;
}

}  // namespace

Behind LookBehind(const StepView& view, const std::vector<size_t>& points) {
  const int64_t since_ms = view.Since(points);
  const Servers system = ServersOf(view.scene, view.step.journey, since_ms);
  Behind out;
  out.system_busy = system.bad != nullptr;

  size_t free_bad = 0, free_well = 0, same_bad = 0;
  bool any_service_bad = false;
  for (const Step& other : view.scene.steps) {
    if (&other == &view.step || other.journey != view.step.journey) continue;
    const bool shares =
        std::any_of(other.depends_on.begin(), other.depends_on.end(),
                    [&](const std::string& name) { return Has(view.step.depends_on, name); });
    const Elsewhere there = Look(view.scene, other, since_ms);
    (shares ? same_bad : free_bad) += there.wide() ? 1 : 0;
    free_well += !shares && there.fine() ? 1 : 0;
    for (const std::string& name : other.depends_on) {
      any_service_bad = any_service_bad || LookAt(view, name, since_ms).bad();
    }
  }
  std::vector<Service> services;
  for (const std::string& name : view.step.depends_on) {
    services.push_back(LookAt(view, name, since_ms));
  }
  const auto service_bad = std::find_if(services.begin(), services.end(),
                                        [](const Service& each) { return each.bad(); });
  const bool services_good =
      std::all_of(services.begin(), services.end(), [](const Service& s) { return s.good(); });

  const auto blame_system = [&](bool proven) {
    out.culprit = Culprit::kSystem;
    out.proven = proven;
    if (system.bad != nullptr) {
      out.name = system.bad->machine;
      SayServer(*system.bad, out.evidence);
    }
    if (free_bad > 0) out.evidence.push_back(say::OthersToo(free_bad));
  };
  const auto blame_service = [&](const Service& service, bool proven) {
    out.culprit = Culprit::kService;
    out.proven = proven;
    out.name = service.name;
    if (service.servers.bad != nullptr) SayServer(*service.servers.bad, out.evidence);
    if (service.probed_bad) out.evidence.push_back(say::ProbeOfService(service.name, true));
    if (free_well > 0) out.evidence.push_back(say::OnlyDependants(service.name, free_well));
    if (system.bad == nullptr && system.good > 0) {
      out.evidence.push_back(say::ServersFine(system.good));
    }
  };

  // A probe of a service itself.
  const bool is_service =
      std::any_of(view.scene.steps.begin(), view.scene.steps.end(), [&](const Step& other) {
        return other.journey != view.step.journey && Has(other.depends_on, view.step.journey);
      });
  if (is_service) {
    out.culprit = Culprit::kService;
    out.proven = true;
    out.name = view.step.journey;
    if (system.bad != nullptr) SayServer(*system.bad, out.evidence);
    return out;
  }
  if (services.empty()) {
    // A service in trouble that only other steps are said to need may be needed here, too.
    blame_system(!any_service_bad || system.bad != nullptr);
    return out;
  }
  if (service_bad != services.end()) {
    if (system.bad != nullptr) {
      out.evidence.push_back(say::Contradiction());
      free_bad > 0 ? blame_system(false) : blame_service(*service_bad, false);
    } else if (free_bad > 0) {
      blame_system(false);
    } else {
      blame_service(*service_bad, free_well > 0);
    }
    return out;
  }
  if (free_bad > 0) {
    blame_system(system.bad != nullptr || services_good || free_well == 0);
    return out;
  }
  if (system.bad != nullptr) {
    blame_system(services_good);
    return out;
  }
  if (services_good) {
    blame_system(false);
    for (const Service& service : services) {
      if (service.probed_well) out.evidence.push_back(say::ProbeOfService(service.name, false));
    }
    return out;
  }
  if (free_well > 0 || same_bad > 0) {
    blame_service(services.front(), false);
  } else {
    out.evidence.push_back(say::TooFewFacts());
  }
  return out;
}

}  // namespace haidang::verdict
