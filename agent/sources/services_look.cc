#include "agent/sources/services_look.h"

#include <unistd.h>

#include <utility>

namespace haidang::agent {
namespace {

constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kUnit[] = "org.freedesktop.systemd1.Unit";
constexpr char kService[] = "org.freedesktop.systemd1.Service";
constexpr char kSocket[] = "org.freedesktop.systemd1.Socket";
constexpr char kTimer[] = "org.freedesktop.systemd1.Timer";

// systemd's word for "not counted".
std::optional<uint64_t> Counted(std::optional<uint64_t> number) {
  return number == UINT64_MAX ? std::nullopt : number;
}

// A time of 0 is "never".
std::optional<uint64_t> Happened(std::optional<uint64_t> time) {
  return time == 0U ? std::nullopt : time;
}

}  // namespace

ServicesLook::ServicesLook(std::string socket, const std::vector<std::string>& units)
    : socket_(std::move(socket)) {
  for (const std::string& unit : units) {
    const bool pattern = unit.find_first_of("*?[") != std::string::npos;
    (pattern ? patterns_ : names_).push_back(unit);
  }
}

Result<ServicesState> ServicesLook::Run() {
  if (bus_ == nullptr) {
    if (access(socket_.c_str(), F_OK) != 0) return ServicesState();
    auto bus = SystemdBus::Connect(socket_);
    if (!bus) return bus.error();
    bus_ = std::move(*bus);
  }
  Result<ServicesState> state = Ask();
  if (!state) {
    bus_.reset();
    looks_ = 0;
  }
  return state;
}

Result<ServicesState> ServicesLook::Ask() {
  ServicesState state;
  state.has_bus = true;
  const auto system = bus_->Text(kManagerPath, kManager, "SystemState");
  if (!system) return system.error();
  state.system = system->value_or("");
  // All units make a long answer, and how many there are changes seldom.
  constexpr uint64_t kCountEvery = 4;
  if (looks_++ % kCountEvery == 0) {
    const auto counts = bus_->CountByState();
    if (!counts) return counts.error();
    counts_ = *counts;
  }
  state.counts = counts_;

  const auto add = [&](const Result<std::vector<ListedUnit>>& units) -> Status {
    if (!units) return units.error();
    for (const ListedUnit& unit : *units) {
      if (const Status added = Add(unit, state); !added) return added;
    }
    return {};
  };
  const auto failed = bus_->ListMatching({});
  if (const Status added = add(failed); !added) return added.error();
  state.failed = failed->size();
  if (!patterns_.empty()) {
    if (const Status added = add(bus_->ListMatching(patterns_)); !added) return added.error();
  }
  if (!names_.empty()) {
    if (const Status added = add(bus_->ListNamed(names_)); !added) return added.error();
  }
  return state;
}

Status ServicesLook::Add(const ListedUnit& unit, ServicesState& state) {
  const auto [at, fresh] = state.units.try_emplace(unit.name);
  if (!fresh) return {};
  at->second.active = unit.active;
  return unit.load == "loaded" ? AddDetails(unit, at->second) : Status();
}

Status ServicesLook::AddDetails(const ListedUnit& unit, UnitState& state) {
  Status status;
  const auto number = [&](const char* interface, const char* property) -> std::optional<uint64_t> {
    if (!status) return std::nullopt;
    const auto answer = bus_->Number(unit.path, interface, property);
    if (!answer) status = answer.error();
    return answer ? Counted(*answer) : std::nullopt;
  };
  const auto text = [&](const char* interface, const char* property) -> std::string {
    if (!status) return {};
    const auto answer = bus_->Text(unit.path, interface, property);
    if (!answer) status = answer.error();
    return answer ? answer->value_or("") : "";
  };
  if (unit.active == "active") state.start_us = Happened(number(kUnit, "ActiveEnterTimestamp"));
  if (unit.name.ends_with(".service")) {
    state.type = text(kService, "Type");
    state.restarts = number(kService, "NRestarts");
    if (unit.active == "failed") state.result = text(kService, "Result");
    if (unit.active != "inactive" && unit.active != "failed") {
      state.memory_bytes = number(kService, "MemoryCurrent");
      state.cpu_ns = number(kService, "CPUUsageNSec");
      state.tasks = number(kService, "TasksCurrent");
    }
  } else if (unit.name.ends_with(".timer")) {
    state.trigger_us = Happened(number(kTimer, "LastTriggerUSec"));
  } else if (unit.name.ends_with(".socket")) {
    state.accepted = number(kSocket, "NAccepted");
  }
  return status;
}

}  // namespace haidang::agent
