#include "agent/sources/sd_bus_api.h"

#include <string>

#include "agent/library.h"

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libsystemd.so.0";

}  // namespace

Result<std::shared_ptr<const SdBusApi>> SdBusApi::Load() {
  const auto library =
      Library::Load(kLibrary, "services need libsystemd",
                    "install the package libsystemd0, or put \"services\" under [sources] off");
  if (!library) return library.error();
  auto api = std::make_shared<SdBusApi>();
  const bool complete = library->Find("sd_bus_new", api->bus_new) &&
                        library->Find("sd_bus_set_address", api->set_address) &&
                        library->Find("sd_bus_set_bus_client", api->set_bus_client) &&
                        library->Find("sd_bus_start", api->start) &&
                        library->Find("sd_bus_process", api->process) &&
                        library->Find("sd_bus_close_unref", api->close_unref) &&
                        library->Find("sd_bus_call", api->call) &&
                        library->Find("sd_bus_error_free", api->error_free) &&
                        library->Find("sd_bus_message_new_method_call", api->new_call) &&
                        library->Find("sd_bus_message_append", api->append) &&
                        library->Find("sd_bus_message_append_strv", api->append_strv) &&
                        library->Find("sd_bus_message_enter_container", api->enter) &&
                        library->Find("sd_bus_message_exit_container", api->exit) &&
                        library->Find("sd_bus_message_read", api->read) &&
                        library->Find("sd_bus_message_unref", api->message_unref);
  if (!complete) return Error{std::string(kLibrary) + " is too old for services"};
  return std::shared_ptr<const SdBusApi>(std::move(api));
}

}  // namespace haidang::agent
