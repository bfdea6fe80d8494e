#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/sample.h"

namespace haidang::agent {

// What the agent knows of the machine's boot.
struct BootFacts {
  uint64_t boot_id = 0;   // ReadBootId
  std::string kernel;     // its release, "6.1.0-18-amd64"
  int64_t booted_ms = 0;  // wall clock
};

Result<BootFacts> ReadBootFacts(const std::string& root, const Clock& clock);

// The event "machine_booted" where the machine was booted since the agent last ran here, which
// the file "boot" in `state_directory` remembers; nothing where it was not, and at the first run.
// Its text is "<reason>: <what is known>", the reason one of
//   orderly       it was shut down
//   kernel_crash  the kernel left a record of its end (pstore)
//   abrupt        neither: a power cut, a reset, a crash that left nothing
//   unknown       the machine keeps no record
// and the kernel's release where it is another one now. Required: the state directory is claimed.
// An Error where the file cannot be written: the same boot is then told again at the next start.
Result<std::optional<Event>> TellReboot(const std::string& root, const std::string& state_directory,
                                        const BootFacts& boot);

}  // namespace haidang::agent
