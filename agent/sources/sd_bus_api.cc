#include "agent/sources/sd_bus_api.h"

#include <dlfcn.h>

#include <string>

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libsystemd.so.0";

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Result<std::shared_ptr<const SdBusApi>> SdBusApi::Load() {
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    return Error{std::string("services need libsystemd, which cannot be loaded: ") + dlerror() +
                 "; install the package libsystemd0, or put \"services\" under [sources] off"};
  }
  auto api = std::make_shared<SdBusApi>();
  const bool complete = Find(library, "sd_bus_new", api->bus_new) &&
                        Find(library, "sd_bus_set_address", api->set_address) &&
                        Find(library, "sd_bus_set_bus_client", api->set_bus_client) &&
                        Find(library, "sd_bus_start", api->start) &&
                        Find(library, "sd_bus_process", api->process) &&
                        Find(library, "sd_bus_close_unref", api->close_unref) &&
                        Find(library, "sd_bus_call", api->call) &&
                        Find(library, "sd_bus_error_free", api->error_free) &&
                        Find(library, "sd_bus_message_new_method_call", api->new_call) &&
                        Find(library, "sd_bus_message_append", api->append) &&
                        Find(library, "sd_bus_message_append_strv", api->append_strv) &&
                        Find(library, "sd_bus_message_enter_container", api->enter) &&
                        Find(library, "sd_bus_message_exit_container", api->exit) &&
                        Find(library, "sd_bus_message_read", api->read) &&
                        Find(library, "sd_bus_message_unref", api->message_unref);
  if (!complete) return Error{std::string(kLibrary) + " is too old for services"};
  return std::shared_ptr<const SdBusApi>(std::move(api));
}

}  // namespace haidang::agent
