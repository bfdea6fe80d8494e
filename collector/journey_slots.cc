#include "collector/journey_slots.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace haidang::collector {
namespace {

std::string LabelOf(const SeriesDef& def, std::string_view name) {
  const auto it = def.row.series.labels.find(name);
  return it == def.row.series.labels.end() ? "" : it->second;
}

class Finder {
 public:
  Finder() {
    Of("probe_success", &JourneySlots::Step::success);
    Of("probe_duration_seconds", &JourneySlots::Step::duration);
    Of("probe_http_status_code", &JourneySlots::Step::status);
    Of("haidang_probe_reason", &JourneySlots::Step::reason);
    Of("haidang_probe_runs_total", &JourneySlots::Step::runs);
    Of("haidang_probe_address", &JourneySlots::Step::address);
    Of("haidang_probe_depends_on", &JourneySlots::Step::depends_on);
    Of("haidang_journey_steps", &JourneySlots::walks, "journey");
    Of("haidang_path_success", &JourneySlots::Path::success);
    Of("haidang_path_rtt_seconds", &JourneySlots::Path::rtt);
    Of("haidang_path_sent_total", &JourneySlots::Path::sent);
    Of("haidang_path_lost_total", &JourneySlots::Path::lost);
    Of("haidang_path_mtu_problem", &JourneySlots::Path::mtu);
    Of("haidang_dns_success", &JourneySlots::Name::success);
    Of("haidang_dns_seconds", &JourneySlots::Name::seconds);
    Of("node_disk_io_time_seconds_total", &JourneySlots::disks, "device");
    Of("haidang_plugin_state", &JourneySlots::checks, "name");
    Of("haidang_processes", &JourneySlots::processes, "name");
    Of("node_network_receive_errs_total", &JourneySlots::errors);
    Of("node_network_transmit_errs_total", &JourneySlots::errors);
    Of("node_network_carrier_down_changes_total", &JourneySlots::carrier_downs);
    Of("node_pressure_cpu_waiting_seconds_total", &JourneySlots::wait_cpu);
    Of("node_pressure_memory_waiting_seconds_total", &JourneySlots::wait_memory);
    Of("node_pressure_io_waiting_seconds_total", &JourneySlots::wait_disk);
    see_["probe_http_duration_seconds"] = [this](uint32_t slot, const SeriesDef& def) {
      const std::string phase = LabelOf(def, "phase");
      for (size_t i = 0; i < query::kStepPhases.size(); ++i) {
        if (phase == query::kStepPhases[i]) Step(slot, def).phases[i] = slot;
      }
    };
    see_["node_systemd_unit_state"] = [this](uint32_t slot, const SeriesDef& def) {
      if (LabelOf(def, "state") == "failed") Add(out_.units, LabelOf(def, "name"), slot);
    };
  }

  void See(uint32_t slot, const SeriesDef& def) {
    const auto it = see_.find(def.row.series.metric);
    if (it != see_.end()) it->second(slot, def);
  }

  JourneySlots Take() {
    for (auto& [key, step] : steps_) out_.steps.push_back(std::move(step));
    std::sort(out_.steps.begin(), out_.steps.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [key, path] : paths_) out_.paths.push_back(std::move(path));
    for (auto& [key, name] : names_) out_.names.push_back(std::move(name));
    return std::move(out_);
  }

 private:
  using Seer = std::function<void(uint32_t, const SeriesDef&)>;

  void Of(std::string_view metric, uint32_t JourneySlots::Step::*member) {
    see_[metric] = [this, member](uint32_t slot, const SeriesDef& def) {
      Step(slot, def).*member = slot;
    };
  }
  void Of(std::string_view metric, uint32_t JourneySlots::Path::*member) {
    see_[metric] = [this, member](uint32_t slot, const SeriesDef& def) {
      const std::string role = LabelOf(def, "role");
      auto& path = paths_[{role, LabelOf(def, "target")}];
      path.way = WayOf(role);
      path.target = LabelOf(def, "target");
      path.*member = slot;
    };
  }
  void Of(std::string_view metric, uint32_t JourneySlots::Name::*member) {
    see_[metric] = [this, member](uint32_t slot, const SeriesDef& def) {
      auto& name = names_[LabelOf(def, "name")];
      name.name = LabelOf(def, "name");
      name.*member = slot;
    };
  }
  void Of(std::string_view metric, std::vector<JourneySlots::Item> JourneySlots::*list,
          std::string_view label) {
    see_[metric] = [this, list, label = std::string(label)](uint32_t slot, const SeriesDef& def) {
      Add(out_.*list, LabelOf(def, label), slot);
    };
  }
  void Of(std::string_view metric, std::vector<uint32_t> JourneySlots::*list) {
    see_[metric] = [this, list](uint32_t slot, const SeriesDef&) {
      if ((out_.*list).size() < JourneySlots::kMaxItems) (out_.*list).push_back(slot);
    };
  }
  void Of(std::string_view metric, uint32_t JourneySlots::*member) {
    see_[metric] = [this, member](uint32_t slot, const SeriesDef&) { out_.*member = slot; };
  }

  static void Add(std::vector<JourneySlots::Item>& list, std::string name, uint32_t slot) {
    if (list.size() < JourneySlots::kMaxItems) list.push_back({std::move(name), slot});
  }
  JourneySlots::Step& Step(uint32_t slot, const SeriesDef& def) {
    auto& step = steps_[{LabelOf(def, "journey"), LabelOf(def, "step")}];
    if (step.first == kNoSlot) {
      step.first = slot;
      step.journey = LabelOf(def, "journey");
      step.step = LabelOf(def, "step");
    }
    return step;
  }

  std::unordered_map<std::string_view, Seer> see_;
  std::map<std::pair<std::string, std::string>, JourneySlots::Step> steps_;
  std::map<std::pair<std::string, std::string>, JourneySlots::Path> paths_;
  std::map<std::string, JourneySlots::Name> names_;
  JourneySlots out_;
};

}  // namespace

verdict::Way WayOf(std::string_view role) {
  if (role == "gateway") return verdict::Way::kGateway;
  return role == "hub" ? verdict::Way::kHub : verdict::Way::kHost;
}

JourneySlots FindJourneySlots(std::span<const SeriesDef* const> slots) {
  Finder finder;
  for (uint32_t slot = 0; slot < slots.size(); ++slot) finder.See(slot, *slots[slot]);
  return finder.Take();
}

}  // namespace haidang::collector
