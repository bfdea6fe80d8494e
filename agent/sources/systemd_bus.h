#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sources/sd_bus_api.h"
#include "core/result.h"

namespace haidang::agent {

// A unit as systemd lists it.
struct ListedUnit {
  std::string name;    // "ssh.service"
  std::string load;    // "loaded", "not-found", "masked"…
  std::string active;  // "active", "activating", "deactivating", "failed", "inactive"…
  std::string path;    // of its D-Bus object
};

// Questions to systemd over the system bus. Blocks, each call at most two seconds, so only on a
// worker; used by one thread at a time. After an Error it is of no use any more.
class SystemdBus {
 public:
  // `socket`: of the system bus. An Error where nobody listens there.
  static Result<std::unique_ptr<SystemdBus>> Connect(const std::string& socket);
  ~SystemdBus();
  SystemdBus(const SystemdBus&) = delete;
  SystemdBus& operator=(const SystemdBus&) = delete;

  // Loaded units whose name matches a shell's pattern; without patterns those that failed.
  Result<std::vector<ListedUnit>> ListMatching(const std::vector<std::string>& patterns);
  // How many of all loaded units are in each active state.
  Result<std::map<std::string, uint64_t>> CountByState();
  // Units by name, also those that are not loaded or do not exist.
  Result<std::vector<ListedUnit>> ListNamed(const std::vector<std::string>& names);

  // Properties of an object; nothing where it has none of that name.
  Result<std::optional<std::string>> Text(const std::string& path, const char* interface,
                                          const char* property);
  Result<std::optional<uint64_t>> Number(const std::string& path, const char* interface,
                                         const char* property);

 private:
  struct MessageEnd {
    const SdBusApi* api;
    void operator()(sd_bus_message* message) const { api->message_unref(message); }
  };
  using Message = std::unique_ptr<sd_bus_message, MessageEnd>;

  SystemdBus(std::shared_ptr<const SdBusApi> api, sd_bus* bus) : api_(std::move(api)), bus_(bus) {}

  Message NewCall(const char* path, const char* interface, const char* member);
  Result<std::vector<ListedUnit>> List(const char* member, const std::vector<std::string>* states,
                                       const std::vector<std::string>& names);
  // Calls `each` with every unit of the answer, whose texts it may read meanwhile, until one is
  // refused.
  struct UnitTexts {
    const char* name = nullptr;
    const char* load = nullptr;
    const char* active = nullptr;
    const char* path = nullptr;
  };
  Status EachUnit(const char* member, const std::vector<std::string>* states,
                  const std::vector<std::string>& names,
                  const std::function<Status(const UnitTexts& unit)>& each);
  // An Error where the bus did not answer; null where the property is not there.
  Result<Message> Property(const std::string& path, const char* interface, const char* property);
  bool Append(sd_bus_message* message, const std::vector<std::string>& texts) const;

  std::shared_ptr<const SdBusApi> api_;
  sd_bus* bus_;
};

}  // namespace haidang::agent
