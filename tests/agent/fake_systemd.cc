#include "tests/agent/fake_systemd.h"

#include <fnmatch.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace haidang::testing {
namespace {

using namespace std::chrono_literals;

constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kUnitPath[] = "/org/freedesktop/systemd1/unit/";

// As sd_bus_path_encode would, but for a test's own names.
std::string PathOf(const std::string& name) {
  std::string path = kUnitPath;
  for (const char c : name) {
    static constexpr char kHex[] = "0123456789abcdef";
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      path += c;
    } else {
      path += {'_', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 15]};
    }
  }
  return path;
}

bool Listens(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const bool good = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return good;
}

std::vector<std::string> ReadTexts(sd_bus_message* message) {
  std::vector<std::string> texts;
  char** all = nullptr;
  if (sd_bus_message_read_strv(message, &all) < 0) return texts;
  for (char** one = all; one != nullptr && *one != nullptr; ++one) {
    texts.emplace_back(*one);
    free(*one);
  }
  free(all);
  return texts;
}

}  // namespace

FakeSystemd::FakeSystemd(const std::string& root) : socket_(root + "run/dbus/system_bus_socket") {
  std::filesystem::create_directories(root + "run/dbus");
  const std::string config = root + "bus.conf";
  std::ofstream(config) << "<busconfig><type>session</type><listen>unix:path=" << socket_
                        << "</listen><auth>EXTERNAL</auth><policy context='default'>"
                           "<allow send_destination='*' eavesdrop='true'/>"
                           "<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>";
  daemon_ = fork();
  if (daemon_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile",
           ("--config-file=" + config).c_str(), nullptr);
    _exit(127);
  }
  if (daemon_ < 0) throw std::runtime_error("no process for dbus-daemon");
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!Listens(socket_)) {
    if (std::chrono::steady_clock::now() > give_up) {
      EndBus();
      throw std::runtime_error("dbus-daemon does not listen on " + socket_);
    }
    std::this_thread::sleep_for(5ms);
  }
  std::atomic<bool> ready = false;
  thread_ = std::thread([this, &ready] {
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    sd_bus_set_address(bus, ("unix:path=" + socket_).c_str());
    sd_bus_set_bus_client(bus, 1);
    static const sd_bus_vtable kManager[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListUnitsByPatterns", "asas", "a(ssssssouso)", List,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListUnitsByNames", "as", "a(ssssssouso)", List, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};
    bool good = sd_bus_start(bus) >= 0 &&
                sd_bus_add_object_vtable(bus, nullptr, kManagerPath,
                                         "org.freedesktop.systemd1.Manager", kManager, this) >= 0 &&
                sd_bus_add_filter(bus, nullptr, Get, this) >= 0 &&
                sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) >= 0;
    ready = true;
    while (good && !stopping_) {
      if (hanging_) {
        std::this_thread::sleep_for(5ms);
        continue;
      }
      const int done = sd_bus_process(bus, nullptr);
      good = done >= 0 && (done > 0 || sd_bus_wait(bus, 20'000) >= 0);
    }
    sd_bus_close_unref(bus);
  });
  while (!ready) std::this_thread::sleep_for(1ms);
}

FakeSystemd::~FakeSystemd() {
  stopping_ = true;
  EndBus();
  thread_.join();
}

void FakeSystemd::EndBus() {
  if (daemon_ == 0) return;
  kill(daemon_, SIGKILL);
  waitpid(daemon_, nullptr, 0);
  daemon_ = 0;
}

void FakeSystemd::Set(std::map<std::string, FakeUnit> units) {
  const std::lock_guard lock(mutex_);
  units_ = std::move(units);
}

int FakeSystemd::List(sd_bus_message* message, void* self, sd_bus_error*) {
  auto& fake = *static_cast<FakeSystemd*>(self);
  const bool by_name = std::strcmp(sd_bus_message_get_member(message), "ListUnitsByNames") == 0;
  const std::vector<std::string> states = by_name ? std::vector<std::string>() : ReadTexts(message);
  const std::vector<std::string> names = ReadTexts(message);
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(message, &reply);
  sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(ssssssouso)");
  const auto tell = [&](const std::string& name, const FakeUnit& unit) {
    sd_bus_message_append(reply, "(ssssssouso)", name.c_str(), "a unit", unit.load.c_str(),
                          unit.active.c_str(), "sub", "", PathOf(name).c_str(), 0U, "", "/");
  };
  const std::lock_guard lock(fake.mutex_);
  if (by_name) {
    for (const std::string& name : names) {
      const auto unit = fake.units_.find(name);
      FakeUnit absent;
      absent.load = "not-found";
      absent.active = "inactive";
      tell(name, unit != fake.units_.end() ? unit->second : absent);
    }
  } else {
    for (const auto& one : fake.units_) {
      const std::string& name = one.first;
      const FakeUnit& unit = one.second;
      const bool state =
          states.empty() || std::find(states.begin(), states.end(), unit.active) != states.end();
      const bool pattern =
          names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& glob) {
            return fnmatch(glob.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
          });
      if (state && pattern) tell(name, unit);
    }
  }
  sd_bus_message_close_container(reply);
  const int sent = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return sent < 0 ? sent : 1;
}

// org.freedesktop.DBus.Properties.Get of the manager and of units.
int FakeSystemd::Get(sd_bus_message* message, void* self, sd_bus_error*) {
  if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "Get") <= 0) {
    return 0;
  }
  auto& fake = *static_cast<FakeSystemd*>(self);
  const char* interface = nullptr;
  const char* property = nullptr;
  sd_bus_message_read(message, "ss", &interface, &property);
  const std::string path = sd_bus_message_get_path(message);
  const std::string wanted = property;
  const std::lock_guard lock(fake.mutex_);
  const auto text = [&](const std::string& value) {
    return sd_bus_reply_method_return(message, "v", "s", value.c_str());
  };
  const auto number = [&](uint64_t value) {
    return sd_bus_reply_method_return(message, "v", "t", value);
  };
  if (path == kManagerPath && wanted == "SystemState") {
    const bool bad = std::any_of(fake.units_.begin(), fake.units_.end(),
                                 [](const auto& one) { return one.second.active == "failed"; });
    return text(bad ? "degraded" : "running");
  }
  for (const auto& [name, unit] : fake.units_) {
    if (PathOf(name) != path) continue;
    if (wanted == "Type") return text(unit.type);
    if (wanted == "Result") return text(unit.result);
    if (wanted == "NRestarts") return sd_bus_reply_method_return(message, "v", "u", unit.restarts);
    if (wanted == "MemoryCurrent") return number(unit.memory);
    if (wanted == "CPUUsageNSec") return number(unit.cpu_ns);
    if (wanted == "TasksCurrent") return number(unit.tasks);
    if (wanted == "ActiveEnterTimestamp") return number(unit.start_us);
    if (wanted == "LastTriggerUSec") return number(unit.trigger_us);
    if (wanted == "NAccepted") return sd_bus_reply_method_return(message, "v", "u", unit.accepted);
  }
  return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_PROPERTY, "no %s", property);
}

}  // namespace haidang::testing
