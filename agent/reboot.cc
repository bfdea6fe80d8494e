#include "agent/reboot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>

#include "agent/boot_id.h"
#include "agent/sources/sys_tree.h"
#include "agent/sources/text.h"
#include "agent/sources/wtmp.h"
#include "core/io/files.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr off_t kWtmpTail = 384 * 4096;  // bytes of wtmp that are looked at
constexpr size_t kMaxKernel = 128;
// Between what wtmp says of the boot and what the clocks say; clocks are set while a machine boots.
constexpr int64_t kSameBootS = 600;

struct Known {
  uint64_t boot_id = 0;
  std::string kernel;
};

std::string FormatKnown(const BootFacts& boot) {
  return fmt::format("{:016x} {}\n", boot.boot_id, boot.kernel);
}

// Nothing where the file is not there, or is not one of ours.
std::optional<Known> ReadKnown(const std::string& path) {
  const auto text = ReadOptionalFile(path, 1024);
  if (!text || text->empty()) return std::nullopt;
  std::string_view rest = *text;
  std::string_view line = TakeLine(rest);
  const std::string_view digits = TakeField(line);
  Known known;
  const auto [end, fault] =
      std::from_chars(digits.data(), digits.data() + digits.size(), known.boot_id, 16);
  if (digits.size() != 16 || fault != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  known.kernel = TakeField(line);
  return known;
}

// The last `most` bytes of a file; empty where it cannot be read.
std::string ReadTail(const std::string& path, off_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return {};
  const off_t size = lseek(fd, 0, SEEK_END);
  std::string tail(static_cast<size_t>(std::clamp<off_t>(size, 0, most)), '\0');
  const ssize_t got = pread(fd, tail.data(), tail.size(), size - std::ssize(tail));
  close(fd);
  return got == std::ssize(tail) ? tail : std::string();
}

// A record that a kernel left of its crash before this boot: its path below `root`.
std::optional<std::string> FindCrashRecord(const std::string& root, int64_t booted_ms) {
  // What the firmware kept, and where systemd puts that, after this boot.
  for (const std::string directory : {"sys/fs/pstore/", "var/lib/systemd/pstore/"}) {
    for (const std::string& name : EntriesOf(root + directory)) {
      const std::string path = directory + name;
      struct stat found {};
      if (stat((root + path).c_str(), &found) != 0) continue;
      const bool now = directory.starts_with("sys/") || found.st_mtime * 1000 >= booted_ms - 1000;
      if (now) return "/" + path;
    }
  }
  return std::nullopt;
}

std::string LocalTime(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm local{};
  localtime_r(&time, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &local);
  return text;
}

std::string ReasonOf(const std::string& root, int64_t booted_ms) {
  if (const auto crash = FindCrashRecord(root, booted_ms)) {
    return "kernel_crash: the kernel's last messages are in " + *crash;
  }
  const auto record = ParseWtmp(ReadTail(root + "var/log/wtmp", kWtmpTail));
  const bool of_this_boot = record && std::abs(record->booted_s - booted_ms / 1000) <= kSameBootS;
  if (!of_this_boot) return "unknown: /var/log/wtmp does not tell of this boot";
  if (record->shut_down_s) return "orderly: shut down at " + LocalTime(*record->shut_down_s);
  if (record->has_before) return "abrupt: it was not shut down (power cut, reset or crash)";
  return "unknown: /var/log/wtmp begins with this boot";
}

}  // namespace

Result<BootFacts> ReadBootFacts(const std::string& root, const Clock& clock) {
  const auto boot_id = ReadBootId(root);
  if (!boot_id) return boot_id.error();
  const auto release = ReadWord(root + "proc/sys/kernel/osrelease");
  return BootFacts{.boot_id = *boot_id,
                   .kernel = Printable(release.value_or("unknown"), kMaxKernel),
                   .booted_ms = clock.WallMs() - clock.SinceBootMs()};
}

Result<std::optional<Event>> TellReboot(const std::string& root, const std::string& state_directory,
                                        const BootFacts& boot) {
  const std::string path = state_directory + "/boot";
  const std::optional<Known> known = ReadKnown(path);
  if (known && known->boot_id == boot.boot_id) return std::optional<Event>();
  if (const Status kept = ReplaceFile(path, FormatKnown(boot), 0640, true); !kept) {
    return kept.error();
  }
  if (!known) return std::optional<Event>();
  std::string text = ReasonOf(root, boot.booted_ms);
  if (known->kernel != boot.kernel) {
    text += fmt::format("; kernel {}, was {}", boot.kernel, known->kernel);
  }
  return std::optional(Event{boot.booted_ms, "machine_booted", "", ToUtf8(text, kMaxEventText)});
}

}  // namespace haidang::agent
