#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "collector/verdict/judge.h"
#include "collector/verdict/track.h"
#include "collector/verdict/troubles.h"

namespace haidang::verdict::testing {

// What a site suffers. Losses are ratios, times seconds.
struct SiteHarm {
  double gateway_loss = 0, gateway_late = 0;
  double line_loss = 0, line_late = 0, line_narrow = 0;
  bool line_mtu = false;
  bool names_dead = false;
  double names_late = 0;
  bool captive_certificate = false, captive_content = false;
  bool shut = false, refused = false;  // a firewall
  double starved = 1;                  // everything takes so many times as long
  bool memory = false;
  double clock = 0;  // seconds ahead
  bool banned = false;
};

// What everybody suffers.
struct SharedHarm {
  double hub_loss = 0, hub_late = 0;
  bool hub_mute = false;  // only its echoes
  double backbone_loss = 0, backbone_late = 0;
  bool all_names_dead = false, portal_name_gone = false;
  double names_late = 0;
  bool portal_gone = false, portal_refuses = false;
  std::string portal_certificate;  // a reason
  double tls_late = 0, transfer_late = 0;
  std::array<double, 5> step_late{};         // by step
  std::array<std::string, 5> step_reason{};  // fails so
  double half_fails = 0;                     // of runs get a 500
  // Of one front end of two.
  std::string second_reason;
  double second_late = 0;
  double service_late = 0;
  std::string service_reason;
  bool service_quick = false;
  double web_cpu = 0.2, db_disk = 0.15;
  bool web_vanished = false, db_failed = false;
  double service_cpu = 0.2;
};

struct Setting {
  size_t sites = 8;
  bool gateways = true, hub = true, hosts = true, names = true, other_names = true;
  bool loads = true, portal_machines = true, service_machine = false, service_probe = false;
  int64_t interval_s = 5;
  double noise = 0.2;
};

// A province in simulated time: each site walks a journey of five steps, of which the last depends
// on a service, and measures its ways; the tracks and the judge are the collector's.
class Province {
 public:
  Province(const Setting& setting, uint64_t seed);

  void Pass(int seconds);
  // Looks every two seconds of Pass.
  std::function<void(const std::vector<Trouble>&)> looked;
  Scene MakeScene() const;
  const std::vector<Trouble>& troubles() const { return troubles_.now(); }
  double Uniform(double from, double to);

  std::vector<SiteHarm> harms;
  SharedHarm shared;
  int64_t now_ms = 1767573000000;

 private:
  struct Site {
    std::array<StepTrack, 5> steps;
    std::array<bool, 5> walked{};
    StepTrack service;
    PathTrack gateway, hub, host;
    NameTrack portal_name, other_name;
    std::array<double, 3> sent{}, lost{};
    double cpu = 0.2;
    int64_t offset_s = 0;
    bool second = false;  // speaks to the second front end
    std::array<double, 5> processing{};
    double base_rtt = 0.008;
  };
  void Walk(Site& site, const SiteHarm& harm);
  Run RunStep(const Site& site, const SiteHarm& harm, size_t step);
  void Measure(Site& site, const SiteHarm& harm);
  double Noisy(double value);
  bool Chance(double probability) { return Uniform(0, 1) < probability; }

  Setting setting_;
  std::mt19937_64 random_;
  std::vector<Site> sites_;
  int64_t second_ = 0;
  int64_t vanished_ms_ = 0;
  Troubles troubles_;
};

}  // namespace haidang::verdict::testing
