#include "tests/collector/verdict_faults.h"

namespace haidang::verdict::testing {
namespace {

using query::Culprit;
using enum Culprit;

template <typename Change>
std::function<void(Province&)> At(Change change) {
  return [change](Province& province) {
    const size_t site = static_cast<size_t>(province.Uniform(0, 0.999) *
                                            static_cast<double>(province.harms.size()));
    change(province.harms[site], province);
  };
}

template <typename Change>
std::function<void(Province&)> All(Change change) {
  return [change](Province& province) { change(province.shared, province); };
}

#define SITE(body)                  \
  At([](SiteHarm& h, Province& p) { \
    (void)p;                        \
    body;                           \
  })
#define ALL(body)                      \
  All([](SharedHarm& h, Province& p) { \
    (void)p;                           \
    body;                              \
  })
#define BOTH(body) [](Province& p) { body; }

}  // namespace

const std::vector<Fault>& Faults() {
  static const std::vector<Fault> kFaults = {
      // One site.
      {"gateway loses a quarter", {kSite}, SITE(h.gateway_loss = p.Uniform(0.2, 0.4))},
      {"gateway is late", {kSite}, SITE(h.gateway_late = p.Uniform(0.2, 0.6))},
      {"name server dead", {kSite}, SITE(h.names_dead = true)},
      {"name server slow", {kSite}, SITE(h.names_late = p.Uniform(1.2, 3))},
      {"captive portal, own certificate", {kSite}, SITE(h.captive_certificate = true)},
      {"captive portal, other content", {kSite}, SITE(h.captive_content = true)},
      {"firewall refuses", {kSite}, SITE(h.refused = true)},
      {"firewall drops", {kSite}, SITE(h.shut = true)},
      {"line loses", {kLink}, SITE(h.line_loss = p.Uniform(0.15, 0.35))},
      {"line is late", {kLink}, SITE(h.line_late = p.Uniform(0.25, 1))},
      {"line is narrow", {kLink}, SITE(h.line_narrow = p.Uniform(2, 6); h.line_late = 0.12)},
      {"line eats large packets", {kLink}, SITE(h.line_mtu = true)},
      {"machine starved of processors", {kMachine}, SITE(h.starved = p.Uniform(8, 20))},
      {"machine starved of memory",
       {kMachine},
       SITE(h.starved = p.Uniform(8, 20); h.memory = true)},
      {"clock a year ahead", {kMachine}, SITE(h.clock = 31536000)},
      {"clock a year behind", {kMachine}, SITE(h.clock = -31536000)},
      {"banned by the portal", {kSystem, kUnknown}, SITE(h.banned = true), false},
      // The province's network.
      {"hub loses", {kLink}, ALL(h.hub_loss = p.Uniform(0.12, 0.3))},
      {"hub is late", {kLink}, ALL(h.hub_late = p.Uniform(0.25, 1))},
      {"backbone is late", {kLink}, ALL(h.backbone_late = p.Uniform(0.3, 1))},
      {"backbone loses", {kLink}, ALL(h.backbone_loss = p.Uniform(0.15, 0.3))},
      {"all names dead", {kLink}, ALL(h.all_names_dead = true)},
      {"all names slow", {kLink}, ALL(h.names_late = p.Uniform(1.2, 3))},
      {"the portal's name gone", {kSystem, kLink}, ALL(h.portal_name_gone = true)},
      // The system.
      {"slow disk under the database", {kSystem}, ALL(h.db_disk = 0.98; h.step_late.fill(3))},
      {"slow disk, search only", {kSystem}, ALL(h.db_disk = 0.97; h.step_late[2] = 4)},
      {"slow disk, the step with a service too",
       {kSystem},
       ALL(h.db_disk = 0.97; h.step_late[2] = h.step_late[4] = 4)},
      {"table locked", {kSystem}, ALL(h.step_reason[2] = "timeout")},
      {"pool empty", {kSystem}, ALL(h.step_late.fill(6); h.step_late[0] = 0)},
      {"portal's processors busy",
       {kSystem},
       ALL(h.web_cpu = 0.99; h.step_late.fill(2); h.tls_late = 0.3)},
      {"portal slow, nothing shows why", {kSystem}, ALL(h.step_late.fill(p.Uniform(2.5, 6)))},
      {"one step 500", {kSystem}, ALL(h.step_reason[2] = "status")},
      {"sign-in 500", {kSystem}, ALL(h.step_reason[1] = "status")},
      {"sign-in slow", {kSystem}, ALL(h.step_late[1] = 5)},
      {"first page 500", {kSystem}, ALL(h.step_reason[0] = "status")},
      {"one step hangs", {kSystem}, ALL(h.step_reason[3] = "timeout")},
      {"one step other content", {kSystem}, ALL(h.step_reason[2] = "content")},
      {"maintenance page", {kSystem}, ALL(h.step_reason[0] = "content")},
      {"redirect loop", {kSystem}, ALL(h.step_reason[1] = "redirect")},
      {"portal gone", {kSystem}, ALL(h.portal_gone = true)},
      {"portal gone, its machine too", {kSystem}, ALL(h.portal_gone = h.web_vanished = true)},
      {"portal refuses", {kSystem}, ALL(h.portal_refuses = true)},
      {"database stopped", {kSystem}, ALL(h.db_failed = true; h.step_reason[1] = "status")},
      {"certificate expired", {kSystem}, ALL(h.portal_certificate = "tls_expired")},
      {"certificate of another name", {kSystem}, ALL(h.portal_certificate = "tls_name")},
      {"handshakes late", {kSystem}, ALL(h.tls_late = 2)},
      {"answers sent slowly", {kSystem}, ALL(h.transfer_late = 4)},
      {"a third of answers 500", {kSystem}, ALL(h.half_fails = 0.33)},
      {"second front end 500", {kSystem}, ALL(h.second_reason = "status")},
      {"second front end slow", {kSystem}, ALL(h.second_late = 4)},
      {"second front end expired", {kSystem}, ALL(h.second_reason = "tls_expired")},
      {"second front end gone", {kSystem}, ALL(h.second_reason = "connect_timeout")},
      {"hub mute, portal slow", {kSystem}, ALL(h.hub_mute = true; h.step_late.fill(4))},
      // A service behind it.
      {"service slow", {kService}, ALL(h.service_late = 4)},
      {"service fails", {kService}, ALL(h.service_reason = "status")},
      {"service hangs", {kService}, ALL(h.service_reason = "timeout")},
      {"service busy", {kService}, ALL(h.service_late = 4; h.service_cpu = 0.99)},
      // Two at once.
      {"service slow, a name server dead",
       {kService, kSite},
       BOTH(p.shared.service_late = 4; p.harms[0].names_dead = true)},
      {"one step 500, a clock wrong",
       {kSystem, kMachine},
       BOTH(p.shared.step_reason[2] = "status"; p.harms[0].clock = 31536000)},
      {"portal slow, a gateway loses",
       {kSystem, kSite},
       BOTH(p.shared.step_late.fill(4); p.harms[0].gateway_loss = 0.35)},
      {"two lines lose",
       {kLink},
       BOTH(p.harms.front().line_loss = 0.3; p.harms.back().line_loss = 0.3)},
      {"portal slow, a machine starved",
       {kSystem, kMachine},
       BOTH(p.shared.step_late.fill(4); p.harms[0].starved = 12)},
      {"portal slow, a line is late",
       {kSystem, kLink},
       BOTH(p.shared.step_late.fill(4); p.harms[0].line_late = 0.5)},
  };
  return kFaults;
}

#undef SITE
#undef ALL
#undef BOTH

}  // namespace haidang::verdict::testing
