#include "agent/sources/systemd_bus.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace haidang::agent {
namespace {

constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
constexpr uint64_t kPatienceUs = 2'000'000;
constexpr size_t kMaxUnits = 512;

Error Failed(const char* what, int negative_errno) {
  return Error{std::string("systemd: ") + what + ": " + std::strerror(-negative_errno)};
}

// What the bus's answer says of an object or property that is not there.
bool IsAbsent(const sd_bus_error& error) {
  const std::string_view name = error.name != nullptr ? error.name : "";
  return name == SD_BUS_ERROR_UNKNOWN_OBJECT || name == SD_BUS_ERROR_UNKNOWN_PROPERTY ||
         name == SD_BUS_ERROR_UNKNOWN_INTERFACE || name == SD_BUS_ERROR_UNKNOWN_METHOD;
}

}  // namespace

Result<std::unique_ptr<SystemdBus>> SystemdBus::Connect(const std::string& socket) {
  auto api = SdBusApi::Load();
  if (!api) return api.error();
  sd_bus* bus = nullptr;
  int done = (*api)->bus_new(&bus);
  if (done < 0) return Failed("no D-Bus client", done);
  std::unique_ptr<SystemdBus> self(new SystemdBus(std::move(*api), bus));
  done = self->api_->set_address(bus, ("unix:path=" + socket).c_str());
  if (done >= 0) done = self->api_->set_bus_client(bus, 1);
  if (done >= 0) done = self->api_->start(bus);
  if (done < 0) return Failed(("cannot connect to " + socket).c_str(), done);
  return self;
}

SystemdBus::~SystemdBus() { api_->close_unref(bus_); }

SystemdBus::Message SystemdBus::NewCall(const char* path, const char* interface,
                                        const char* member) {
  // What the bus sent by itself would gather.
  while (api_->process(bus_, nullptr) > 0) {
  }
  sd_bus_message* message = nullptr;
  if (api_->new_call(bus_, &message, kSystemd, path, interface, member) < 0) message = nullptr;
  return {message, MessageEnd{api_.get()}};
}

bool SystemdBus::Append(sd_bus_message* message, const std::vector<std::string>& texts) const {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return api_->append_strv(message, all.data()) >= 0;
}

Result<std::vector<ListedUnit>> SystemdBus::ListMatching(const std::vector<std::string>& patterns) {
  const std::vector<std::string> states =
      patterns.empty() ? std::vector<std::string>{"failed"} : std::vector<std::string>();
  return List("ListUnitsByPatterns", &states, patterns);
}

Result<std::vector<ListedUnit>> SystemdBus::ListNamed(const std::vector<std::string>& names) {
  return List("ListUnitsByNames", nullptr, names);
}

Result<std::map<std::string, uint64_t>> SystemdBus::CountByState() {
  constexpr size_t kMaxStates = 32;
  std::map<std::string, uint64_t> counts;
  const std::vector<std::string> any;
  const Status counted = EachUnit("ListUnitsByPatterns", &any, any, [&](const UnitTexts& unit) {
    if (counts.size() < kMaxStates || counts.contains(unit.active)) ++counts[unit.active];
    return Status();
  });
  if (!counted) return counted.error();
  return counts;
}

Result<std::vector<ListedUnit>> SystemdBus::List(const char* member,
                                                 const std::vector<std::string>* states,
                                                 const std::vector<std::string>& names) {
  std::vector<ListedUnit> units;
  const Status listed = EachUnit(member, states, names, [&](const UnitTexts& unit) -> Status {
    if (units.size() == kMaxUnits) {
      return Error{"systemd: more than " + std::to_string(kMaxUnits) +
                   " units match; name them more closely under [services] units"};
    }
    units.push_back({unit.name, unit.load, unit.active, unit.path});
    return {};
  });
  if (!listed) return listed.error();
  return units;
}

Status SystemdBus::EachUnit(const char* member, const std::vector<std::string>* states,
                            const std::vector<std::string>& names,
                            const std::function<Status(const UnitTexts& unit)>& each) {
  const Message call = NewCall(kManagerPath, kManager, member);
  if (!call || (states != nullptr && !Append(call.get(), *states)) || !Append(call.get(), names)) {
    return Failed(member, -ENOTCONN);
  }
  sd_bus_message* answer = nullptr;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  const int called = api_->call(bus_, call.get(), kPatienceUs, &error, &answer);
  api_->error_free(&error);
  if (called < 0) return Failed(member, called);
  const Message reply(answer, MessageEnd{api_.get()});

  int more = api_->enter(answer, SD_BUS_TYPE_ARRAY, "(ssssssouso)");
  while (more >= 0) {
    UnitTexts unit;
    const char* other = nullptr;  // description, sub state, following, job's type and path
    uint32_t job = 0;
    more = api_->read(answer, "(ssssssouso)", &unit.name, &other, &unit.load, &unit.active, &other,
                      &other, &unit.path, &job, &other, &other);
    if (more == 0) return {};
    if (more < 0) break;
    if (const Status taken = each(unit); !taken) return taken;
  }
  return Failed(member, more);
}

Result<SystemdBus::Message> SystemdBus::Property(const std::string& path, const char* interface,
                                                 const char* property) {
  const Message call = NewCall(path.c_str(), kProperties, "Get");
  if (!call || api_->append(call.get(), "ss", interface, property) < 0) {
    return Failed(property, -ENOTCONN);
  }
  sd_bus_message* answer = nullptr;
  sd_bus_error error = SD_BUS_ERROR_NULL;
  const int called = api_->call(bus_, call.get(), kPatienceUs, &error, &answer);
  const bool absent = IsAbsent(error);
  api_->error_free(&error);
  if (called < 0 && !absent) return Failed(property, called);
  return Message(answer, MessageEnd{api_.get()});
}

Result<std::optional<std::string>> SystemdBus::Text(const std::string& path, const char* interface,
                                                    const char* property) {
  const auto reply = Property(path, interface, property);
  if (!reply) return reply.error();
  const char* text = nullptr;
  if (*reply == nullptr || api_->read(reply->get(), "v", "s", &text) < 0) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(text);
}

Result<std::optional<uint64_t>> SystemdBus::Number(const std::string& path, const char* interface,
                                                   const char* property) {
  const auto reply = Property(path, interface, property);
  if (!reply) return reply.error();
  uint64_t number = 0;
  uint32_t small = 0;
  if (*reply == nullptr) return std::optional<uint64_t>();
  if (api_->read(reply->get(), "v", "t", &number) >= 0) return std::optional<uint64_t>(number);
  if (api_->read(reply->get(), "v", "u", &small) >= 0) return std::optional<uint64_t>(small);
  return std::optional<uint64_t>();
}

}  // namespace haidang::agent
