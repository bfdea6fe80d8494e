#include "collector/tools.h"

#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "collector/hold_state.h"
#include "collector/store/audit.h"
#include "collector/store/restore.h"
#include "core/clock.h"

namespace haidang::collector {
namespace {

std::string StoreOf(const std::string& directory) { return directory + "/telemetry.db"; }

std::string TimeText(int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  char text[32];
  if (gmtime_r(&seconds, &utc) == nullptr) return std::to_string(ms);
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text, size};
}

void Print(const store::Audit& audit, const std::string& path) {
  std::printf("%s\n", path.c_str());
  std::printf("  machines             %" PRId64 "\n", audit.machines);
  std::printf("  series               %" PRId64 "\n", audit.series);
  std::printf("  batches stored       %" PRId64 "\n", audit.batches);
  std::printf("  values in them       %" PRId64 "\n", audit.samples);
  if (audit.batches > 0) {
    std::printf("  from                 %s\n", TimeText(audit.first_ms).c_str());
    std::printf("  to                   %s\n", TimeText(audit.last_ms).c_str());
  }
  std::printf("  batches lost         %" PRId64 "  (told as gaps by their machines)\n",
              audit.lost_batches);
  std::printf("  batches quarantined  %" PRId64 "  (came, and could not be stored)\n",
              audit.quarantined_batches);
  int64_t faults = 0;
  for (const store::Audit::Fault& fault : audit.faults) {
    faults += fault.count;
    std::printf("FAULT %s: %s\n", fault.what.c_str(), fault.where[0].c_str());
    for (size_t i = 1; i < fault.where.size(); ++i)
      std::printf("  also   %s\n", fault.where[i].c_str());
    std::printf("  count  %" PRId64 "\n  means  %s\n  do     %s\n", fault.count,
                fault.means.c_str(), fault.todo.c_str());
  }
  if (audit.whole()) {
    std::printf("whole: every acknowledged batch is here once, as it was sent\n");
  } else {
    std::printf("faults: %" PRId64 ", of %zu kinds\n", faults, audit.faults.size());
  }
}

}  // namespace

Result<bool> CheckStoreIn(const std::string& directory, const std::string& file) {
  const auto path = ClaimStore(directory, file);
  if (!path) return path.error();
  auto audit = store::CheckStore(*path);
  if (!audit) return audit.error();
  Print(*audit, *path);
  return audit->whole();
}

Status RestoreStoreIn(const std::string& directory, const std::string& file) {
  if (auto held = HoldState(directory); !held) return held;
  std::error_code absent;
  if (std::filesystem::equivalent(file, StoreOf(directory), absent)) {
    return Error{file + ": is the store itself; name a backup"};
  }
  if (auto quiet = ClaimStore(directory, file); !quiet) return quiet.error();
  const auto restored = store::RestoreStore(directory, file, SystemClock().WallMs());
  if (!restored) return restored.error();
  std::printf("%s: holds what %s holds now, %" PRId64 " bytes\n", StoreOf(directory).c_str(),
              file.c_str(), restored->bytes);
  if (!restored->aside.empty()) {
    std::printf(
        "before   %s\nto go back, with the collector stopped:\n"
        "  haidang-collector restore %s\n",
        restored->aside.c_str(), restored->aside.c_str());
  }
  std::printf(
      "start haidang-collector: agents send again what they still keep of what is missing\n");
  return {};
}

}  // namespace haidang::collector
