#pragma once

#include <string>
#include <vector>

#include "collector/verdict/step_view.h"

// What the points of one group have in common. Pure.
namespace haidang::verdict {

// How many of those points show it.
struct Facts {
  size_t all = 0;
  size_t hub_good = 0, hub_bad = 0, hub_known = 0;
  size_t host_good = 0, host_bad = 0, host_far = 0;
  size_t gateway_bad = 0;
  size_t starved = 0, clock_wrong = 0;
  size_t connect_late = 0, connect_as_usual = 0;
  size_t names_failing = 0, names_asked_more = 0, names_all_failing = 0, names_quick = 0;
  size_t reach = 0, refused = 0, status = 0, content = 0, of_names = 0, certificate = 0;
  size_t address_well = 0;
  double hub_sent = 0, hub_lost = 0, host_sent = 0, host_lost = 0;  // of all of them together
  size_t waits = 0;  // for the answer, or gets a wrong one: what is lost on the way shows elsewhere

  Facts(const StepView& view, const std::vector<size_t>& points);
  bool Most(size_t n) const { return n > 0 && n * 10 >= all * 6; }
  bool Nearly(size_t n) const { return n > 0 && n * 10 >= all * 8; }
  // The way there is well, as far as it was measured.
  bool WayWell() const { return hub_good >= 2 && Most(hub_good) && hub_bad * 10 <= all; }
  // Together they lose so much on the way to the hub that it is no chance, though each for itself
  // cannot tell.
  bool HubLoses() const { return hub_lost >= 5 && hub_lost >= 0.04 * hub_sent; }
  // As much is lost on the way to the system, which does answer.
  bool HostLoses() const {
    return host_lost >= 5 && host_lost >= 0.08 * host_sent && host_lost < 0.6 * host_sent;
  }

 private:
  void See(const StepView& view, size_t i);
};

// Everybody in trouble spoke to other addresses than everybody who is well.
struct Split {
  bool is = false;
  std::string bad, good;
};
Split SplitOf(const StepView& view, const std::vector<size_t>& points,
              const std::vector<size_t>& well);

}  // namespace haidang::verdict
