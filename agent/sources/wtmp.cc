#include "agent/sources/wtmp.h"

#include <utmp.h>

#include <cstring>

namespace haidang::agent {

std::optional<BootRecord> ParseWtmp(std::string_view records) {
  std::optional<BootRecord> boot;
  records.remove_prefix(records.size() % sizeof(utmp));
  for (; !records.empty(); records.remove_suffix(sizeof(utmp))) {
    utmp record{};
    std::memcpy(&record, records.data() + records.size() - sizeof record, sizeof record);
    // systemd writes a run level's record for user "shutdown" when it shuts down.
    const bool shutdown = record.ut_type == RUN_LVL &&
                          std::strncmp(record.ut_user, "shutdown", sizeof record.ut_user) == 0;
    if (shutdown && boot && !boot->shut_down_s) boot->shut_down_s = record.ut_tv.tv_sec;
    if (record.ut_type != BOOT_TIME) continue;
    if (boot) {
      boot->has_before = true;
      break;
    }
    boot = BootRecord{.booted_s = record.ut_tv.tv_sec};
  }
  return boot;
}

}  // namespace haidang::agent
