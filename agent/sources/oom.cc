#include "agent/sources/oom.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxRecords = 20'000;  // of the log, at a reading
constexpr size_t kMaxEvents = 16;       // at a reading
constexpr size_t kMaxProcess = 64;

// Takes what stands between `before` and `after` off `text`, and what is before it; empty where one
// of them is not there.
std::string_view TakeBetween(std::string_view& text, std::string_view before,
                             std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == text.npos) return {};
  text.remove_prefix(begin + before.size());
  const size_t end = text.find(after);
  if (end == text.npos) return {};
  const std::string_view between = text.substr(0, end);
  text.remove_prefix(end + after.size());
  return between;
}

// The kernel's counter; nothing where it has none (before 4.13).
Result<std::optional<uint64_t>> ReadKills(const std::string& path) {
  const auto text = ReadOptionalFile(path);
  if (!text) return text.error();
  std::string_view rest = *text;
  const std::string_view count = TakeBetween(rest, "\noom_kill ", "\n");
  return ParseUnsigned(count);
}

// The kernel's log from where it stands when it is opened.
class KernelLog {
 public:
  explicit KernelLog(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ >= 0) lseek(fd_, 0, SEEK_END);
  }
  ~KernelLog() {
    if (fd_ >= 0) close(fd_);
  }
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;

  // May the agent read it?
  bool is_open() const { return fd_ >= 0; }

  // The kills that it tells of since the last time.
  std::vector<OomKill> TakeKills() {
    std::vector<OomKill> kills;
    std::array<char, 8192> buffer{};  // the kernel's longest record
    for (size_t i = 0; i < kMaxRecords; ++i) {
      const ssize_t got = read(fd_, buffer.data(), buffer.size());
      if (got < 0 && (errno == EPIPE || errno == EINTR)) continue;  // EPIPE: some were overwritten
      if (got <= 0) break;
      std::string_view records(buffer.data(), static_cast<size_t>(got));
      while (!records.empty()) {
        auto kill = ParseOomRecord(TakeLine(records));
        if (kill && kills.size() < kMaxEvents) kills.push_back(std::move(*kill));
      }
    }
    return kills;
  }

 private:
  int fd_;
};

class OomSource final : public Source {
 public:
  explicit OomSource(const std::string& root)
      : counter_path_(root + "proc/vmstat"), log_(root + "dev/kmsg") {}

  std::string_view name() const override { return "oom"; }

  Status Read(int64_t wall_ms, std::vector<Reading>&, std::vector<Event>& events) override {
    const auto kills = ReadKills(counter_path_);
    if (!kills) return kills.error();
    const auto before = std::exchange(kills_, *kills);
    if (before && *kills && **kills > *before) Tell(wall_ms, **kills - *before, events);
    return {};
  }

 private:
  void Tell(int64_t wall_ms, uint64_t count, std::vector<Event>& events) {
    const auto named = log_.is_open() ? log_.TakeKills() : std::vector<OomKill>();
    for (const OomKill& kill : named) {
      events.push_back({wall_ms, "oom_kill", kill.process,
                        (kill.of_group ? "limit: " : "memory: ") + kill.details});
    }
    if (count <= named.size()) return;
    events.push_back(
        {wall_ms, "oom_kill", "",
         fmt::format("{}: {}", log_.is_open() ? "unnamed" : "unreadable", count - named.size())});
  }

  std::string counter_path_;
  KernelLog log_;
  std::optional<uint64_t> kills_;
};

}  // namespace

std::optional<OomKill> ParseOomRecord(std::string_view record) {
  const size_t header = record.find(';');
  if (header == record.npos) return std::nullopt;
  std::string_view text = record.substr(header + 1);
  const size_t what = text.find("Killed process ");
  if (what == text.npos) return std::nullopt;
  OomKill kill;
  kill.of_group = text.substr(0, what).find("cgroup") != text.npos;
  text.remove_prefix(what);
  const auto pid = ParseUnsigned(TakeBetween(text, "Killed process ", " ("));
  // A process may have brackets in its name.
  const size_t end = std::min(text.find(") total-vm"), text.rfind(')'));
  if (!pid || end == text.npos) return std::nullopt;
  kill.process = Printable(text.substr(0, end), kMaxProcess);
  text.remove_prefix(end);
  kill.details = fmt::format("pid {}", *pid);
  const auto resident_kib = ParseUnsigned(TakeBetween(text, "anon-rss:", "kB"));
  if (resident_kib) kill.details += fmt::format(", {} MiB", *resident_kib / 1024);
  return kill;
}

std::unique_ptr<Source> MakeOomSource(const std::string& root) {
  return std::make_unique<OomSource>(root);
}

}  // namespace haidang::agent
