#pragma once

#include <systemd/sd-bus.h>

#include <memory>

#include "core/result.h"

namespace haidang::agent {

// libsystemd's D-Bus client, loaded only where a system bus is: linking it would cost every agent
// 2 MiB of resident memory (it brings 7 further libraries), containers and Windows too.
struct SdBusApi {
  // Loads it once; it stays until the process ends. Any thread.
  static Result<std::shared_ptr<const SdBusApi>> Load();

  decltype(&sd_bus_new) bus_new = nullptr;
  decltype(&sd_bus_set_address) set_address = nullptr;
  decltype(&sd_bus_set_bus_client) set_bus_client = nullptr;
  decltype(&sd_bus_start) start = nullptr;
  decltype(&sd_bus_process) process = nullptr;
  decltype(&sd_bus_close_unref) close_unref = nullptr;
  decltype(&sd_bus_call) call = nullptr;
  decltype(&sd_bus_error_free) error_free = nullptr;
  decltype(&sd_bus_message_new_method_call) new_call = nullptr;
  decltype(&sd_bus_message_append) append = nullptr;
  decltype(&sd_bus_message_append_strv) append_strv = nullptr;
  decltype(&sd_bus_message_enter_container) enter = nullptr;
  decltype(&sd_bus_message_exit_container) exit = nullptr;
  decltype(&sd_bus_message_read) read = nullptr;
  decltype(&sd_bus_message_unref) message_unref = nullptr;
};

}  // namespace haidang::agent
