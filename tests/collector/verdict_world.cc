#include "tests/collector/verdict_world.h"

#include <algorithm>
#include <cmath>

namespace haidang::verdict::testing {
namespace {

constexpr double kLimit = 10;  // seconds of a step
const char* const kSteps[] = {"trang-chu", "dang-nhap", "tra-cuu", "ho-so", "dan-cu"};

}  // namespace

Province::Province(const Setting& setting, uint64_t seed)
    : harms(setting.sites), setting_(setting), random_(seed), sites_(setting.sites) {
  for (size_t i = 0; i < sites_.size(); ++i) {
    sites_[i].offset_s =
        static_cast<int64_t>(random_() % static_cast<uint64_t>(setting.interval_s));
    sites_[i].second = i % 2 == 1;
    sites_[i].base_rtt = Uniform(0.004, 0.02);
    for (double& each : sites_[i].processing) each = Uniform(0.05, 0.8);
  }
}

double Province::Uniform(double from, double to) {
  return std::uniform_real_distribution<double>(from, to)(random_);
}

double Province::Noisy(double value) {
  const double factor = std::exp(std::normal_distribution<double>(0, setting_.noise)(random_));
  return value * factor;
}

Run Province::RunStep(const Site& site, const SiteHarm& harm, size_t step) {
  Run run;
  run.address = site.second ? "10.22.0.12" : "10.22.0.11";
  run.phases = {0, 0, 0, 0, 0, 0};
  double left = kLimit;
  const auto fail = [&](std::string reason) {
    run.success = false;
    run.reason = std::move(reason);
    double total = 0;
    for (const auto& phase : run.phases) total += phase.value_or(0);
    run.seconds = total;
    return run;
  };
  // A phase that takes so long; false where time ran out.
  const auto spend = [&](size_t phase, double seconds) {
    seconds *= harm.starved == 1 ? 1 : harm.starved * Uniform(0.7, 1.3);
    if (harm.starved > 1) seconds += Uniform(0, 0.08) * harm.starved;
    run.phases[phase] = *run.phases[phase] + std::min(seconds, left);
    left -= seconds;
    return left > 0;
  };
  const double loss = 1 - (1 - harm.gateway_loss) * (1 - harm.line_loss) * (1 - shared.hub_loss) *
                              (1 - shared.backbone_loss);
  const double late = harm.gateway_late + harm.line_late + shared.hub_late + shared.backbone_late;
  // A round trip, with what was lost sent again.
  const auto trip = [&](double first_wait) {
    double seconds = Noisy(site.base_rtt) + late;
    for (double wait = first_wait; Chance(loss) && seconds < kLimit; wait *= 2) seconds += wait;
    return seconds;
  };

  if (harm.names_dead || shared.all_names_dead) {
    spend(kResolve, kLimit);
    run.address.clear();
    return fail("dns_timeout");
  }
  if (Chance(loss)) {  // a resolver asks again after 5 seconds
    spend(kResolve, kLimit);
    run.address.clear();
    return fail("dns_timeout");
  }
  const double lookup = Noisy(0.004) + harm.names_late + shared.names_late;
  spend(kResolve, lookup);
  if (shared.portal_name_gone) {
    run.address.clear();
    return fail("dns");
  }
  if (harm.shut || shared.portal_gone ||
      (site.second && shared.second_reason == "connect_timeout")) {
    spend(kConnect, kLimit);
    run.address.clear();
    return fail("connect_timeout");
  }
  if (!spend(kConnect, trip(1))) return fail("connect_timeout");
  if (harm.refused || shared.portal_refuses) return fail("refused");
  if (!spend(kTls, trip(0.3) + trip(0.3) + Noisy(0.01) + shared.tls_late))
    return fail("tls_timeout");
  if (harm.captive_certificate) return fail("tls_untrusted");
  if (std::abs(harm.clock) > 86400) return fail("tls_expired");
  if (!shared.portal_certificate.empty()) return fail(shared.portal_certificate);
  if (site.second && shared.second_reason == "tls_expired") return fail("tls_expired");
  if (harm.line_mtu && step >= 2) {
    spend(kTransfer, kLimit);
    return fail("transfer_timeout");
  }
  double processing = Noisy(site.processing[step]) + shared.step_late[step];
  if (step == 4) processing += shared.service_late;
  if (site.second) processing += shared.second_late;
  // Whoever signs in is sent on to another page, which begins anew.
  if (step == 1 &&
      !spend(kRedirect, lookup + trip(1) + 2 * trip(0.3) + shared.tls_late + Noisy(0.05))) {
    return fail("timeout");
  }
  if (!spend(kProcessing, trip(0.3) + processing)) return fail("timeout");
  run.status = 200;
  if (harm.captive_content) return fail("content");
  std::string reason = shared.step_reason[step];
  if (step == 4 && !shared.service_reason.empty()) reason = shared.service_reason;
  if (site.second && shared.second_reason == "status") reason = "status";
  if (harm.banned || Chance(shared.half_fails)) reason = "status";
  if (reason == "timeout") {
    spend(kProcessing, kLimit);
    run.status.reset();
    return fail("timeout");
  }
  if (!reason.empty()) {
    if (reason == "status") run.status = 500;
    return fail(reason);
  }
  if (!spend(kTransfer,
             Noisy(0.03) + (loss > 0 ? trip(0.3) : 0) + harm.line_narrow + shared.transfer_late)) {
    return fail("transfer_timeout");
  }
  run.success = true;
  run.seconds = kLimit - left;
  return run;
}

void Province::Walk(Site& site, const SiteHarm& harm) {
  bool failed = false;
  StepTrack::Rule rule;
  rule.objective_seconds = 5;
  rule.interval_ms = 1000;
  for (size_t step = 0; step < site.steps.size(); ++step) {
    site.walked[step] = !failed;
    if (failed) continue;
    Run run = RunStep(site, harm, step);
    failed = !run.success;
    site.steps[step].Add(std::move(run), rule, now_ms);
  }
  if (!setting_.service_probe) return;
  Run probe;
  probe.success = shared.service_reason.empty();
  probe.reason = shared.service_reason;
  probe.phases = {0.004, 0.01, 0.02, Noisy(0.2) + shared.service_late, 0.01, 0};
  probe.seconds = *probe.phases[3] + 0.044;
  site.service.Add(std::move(probe), rule, now_ms);
}

void Province::Measure(Site& site, const SiteHarm& harm) {
  const bool learn = std::none_of(site.steps.begin(), site.steps.end(),
                                  [](const StepTrack& track) { return track.bad(); });
  const double starved = (harm.starved - 1) * 0.02;
  const auto round = [&](size_t way, PathTrack& track, double loss, double rtt, bool mute) {
    double answered = 0;
    for (int i = 0; i < 5; ++i) {
      site.sent[way] += 1;
      if (mute || Chance(loss + 0.002)) {
        site.lost[way] += 1;
      } else {
        ++answered;
      }
    }
    PathTrack::Reading reading;
    reading.success = answered > 0;
    if (answered > 0) reading.rtt = Noisy(rtt) + starved;
    reading.sent = site.sent[way];
    reading.lost = site.lost[way];
    reading.mtu_problem = way > 0 && harm.line_mtu;
    track.See(reading, now_ms, learn, now_ms);
  };
  const auto both = [](double loss) { return 1 - (1 - loss) * (1 - loss); };
  const double to_gateway = both(harm.gateway_loss);
  const double to_hub =
      1 - (1 - to_gateway) * (1 - both(harm.line_loss)) * (1 - both(shared.hub_loss));
  const double to_host = 1 - (1 - to_hub) * (1 - both(shared.backbone_loss));
  const double hub_rtt = site.base_rtt + harm.gateway_late + harm.line_late + shared.hub_late;
  round(0, site.gateway, to_gateway, 0.0005 + harm.gateway_late, false);
  round(1, site.hub, to_hub, hub_rtt, shared.hub_mute);
  const bool gone =
      shared.portal_gone || (site.second && shared.second_reason == "connect_timeout");
  round(2, site.host, to_host, hub_rtt + 0.001 + shared.backbone_late, gone);
  const double names = Noisy(0.004) + harm.names_late + shared.names_late + Uniform(0, 1e-5);
  const bool dead = harm.names_dead || shared.all_names_dead;
  const auto ask = [&](NameTrack& track, bool known) {
    const bool lost = dead || Chance(to_host);
    track.See(!lost && known, lost ? 5 + Uniform(0, 0.1) : names, learn, now_ms);
  };
  ask(site.portal_name, !shared.portal_name_gone);
  ask(site.other_name, true);
}

Scene Province::MakeScene() const {
  Scene scene;
  scene.now_ms = now_ms;
  for (size_t step = 0; step < 5; ++step) {
    Step& out = scene.steps.emplace_back();
    out.journey = "mot-cua";
    out.step = kSteps[step];
    if (step == 4) out.depends_on = {"dan-cu-quoc-gia"};
  }
  if (setting_.service_probe) {
    Step& out = scene.steps.emplace_back();
    out.journey = "dan-cu-quoc-gia";
  }
  for (size_t i = 0; i < sites_.size(); ++i) {
    const Site& site = sites_[i];
    const SiteHarm& harm = harms[i];
    MachineNow& machine = scene.machines.emplace_back();
    machine.machine = "pc-" + std::to_string(i);
    machine.site = "0665" + std::to_string(i);
    machine.site_name = "Phường " + std::to_string(i);
    machine.state = query::State::kOnline;
    machine.fresh = true;
    machine.interval_ms = 1000;
    if (setting_.loads) {
      machine.loads[kCpu] = harm.starved > 1 && !harm.memory ? 0.99 : site.cpu;
      machine.loads[kMemory] = harm.memory ? 0.985 : 0.5;
      machine.loads[kWaitMemory] = harm.memory ? 0.7 : 0.0;
      machine.usual_loads[kCpu] = 0.2;
      machine.usual_loads[kMemory] = 0.5;
    }
    machine.clock_offset = harm.clock + 0.01;
    machine.clock_error = 0.02;
    int64_t since_ms = 0;
    for (const StepTrack& track : site.steps) {
      if (track.bad() && (since_ms == 0 || track.since_ms() < since_ms))
        since_ms = track.since_ms();
    }
    const auto add = [&](bool measured, Way way, const char* target, const PathTrack& track) {
      if (!measured) return;
      PathNow& path = machine.paths.emplace_back();
      path.way = way;
      path.target = target;
      track.Describe(since_ms, path);
    };
    add(setting_.gateways, Way::kGateway, "gateway", site.gateway);
    add(setting_.hub, Way::kHub, "hub", site.hub);
    add(setting_.hosts, Way::kHost, "mot-cua", site.host);
    const auto name = [&](bool asked, const char* what, const NameTrack& track) {
      if (!asked) return;
      NameNow& out = machine.names.emplace_back();
      out.name = what;
      track.Describe(out);
    };
    name(setting_.names, "motcua.example", site.portal_name);
    name(setting_.names && setting_.other_names, "chinhphu.example", site.other_name);
    for (size_t step = 0; step < 5; ++step) {
      if (site.steps[step].at_ms() == 0) continue;
      Point& point = scene.steps[step].points.emplace_back();
      point.machine = i;
      site.steps[step].Describe(now_ms, true, point);
      point.current = point.current && site.walked[step];
      point.address_well = !point.address.empty();
    }
    if (setting_.service_probe && site.service.at_ms() != 0) {
      Point& point = scene.steps[5].points.emplace_back();
      point.machine = i;
      site.service.Describe(now_ms, true, point);
    }
  }
  const auto server = [&](const char* called, const char* serves, double cpu, double disk) {
    MachineNow& machine = scene.machines.emplace_back();
    machine.machine = called;
    machine.site = "22";
    machine.state = query::State::kOnline;
    machine.fresh = true;
    machine.serves = {serves};
    machine.loads[kCpu] = cpu;
    machine.loads[kMemory] = 0.6;
    machine.loads[kDisk] = disk;
    machine.disk = "sda";
    machine.usual_loads[kCpu] = machine.usual_loads[kDisk] = 0.2;
    return &machine;
  };
  if (setting_.portal_machines) {
    MachineNow* web = server("ps-web1", "mot-cua", shared.web_cpu, 0.1);
    if (shared.web_vanished) {
      web->state = query::State::kVanished;
      web->state_since_ms = vanished_ms_;
      web->fresh = false;
    }
    MachineNow* database = server("ps-db1", "mot-cua", 0.3, shared.db_disk);
    if (shared.db_failed) database->failed = {"postgresql.service"};
  }
  if (setting_.service_machine) server("csdl-1", "dan-cu-quoc-gia", shared.service_cpu, 0.1);
  return scene;
}

void Province::Pass(int seconds) {
  for (int i = 0; i < seconds; ++i) {
    ++second_;
    now_ms += 1000;
    if (shared.web_vanished && vanished_ms_ == 0) vanished_ms_ = now_ms;
    for (size_t s = 0; s < sites_.size(); ++s) {
      Site& site = sites_[s];
      if (second_ % 3 == 0) site.cpu = Uniform(0.02, 0.5);
      if ((second_ + site.offset_s) % setting_.interval_s == 0) Walk(site, harms[s]);
      if ((second_ + site.offset_s + 2) % 5 == 0) Measure(site, harms[s]);
    }
    if (second_ % 2 != 0 || !looked) continue;
    const Scene scene = MakeScene();
    looked(troubles_.Update(scene, Judge(scene)));
  }
}

}  // namespace haidang::verdict::testing
