#include "agent/spool_status.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "agent/sources/text.h"
#include "agent/sqlite_spool.h"
#include "core/io/files.h"

namespace haidang::agent {
namespace {

constexpr char kStatusFile[] = "/spool.status";
constexpr char kTimeFormat[] = "%Y-%m-%d %H:%M:%S UTC";
constexpr auto kStale = kSpoolStatusEvery * 3 / 2;

std::string Age(int64_t ms) {
  const int64_t seconds = ms / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

std::string Size(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} B", bytes);
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", value / 1024);
  return fmt::format("{:.1f} MiB", value / (1 << 20));
}

std::string Time(int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, kTimeFormat, &utc);
  return text;
}

std::string FormatSpoolId(const SpoolIdReport& spool) {
  std::string text =
      fmt::format("\nspool {:016x}{}\n  numbers   {} to {}\n", spool.spool_id,
                  spool.current ? " (current)" : "", spool.held.first, spool.held.next - 1);
  if (spool.held.first == spool.held.next) {
    text = fmt::format("\nspool {:016x}{}\n  numbers   none held, next {}\n", spool.spool_id,
                       spool.current ? " (current)" : "", spool.held.next);
  }
  if (!spool.held.reason.empty()) {
    text += fmt::format("  given up  older ones, because: {}\n", spool.held.reason);
  }
  text += fmt::format("  waiting   {} batches, {}", spool.waiting, Size(spool.waiting_bytes));
  if (spool.waiting > 0) {
    text += fmt::format(", recorded {} to {} ago", Age(spool.oldest_ms), Age(spool.newest_ms));
  }
  return text + fmt::format("\n  kept      {} batches, {}\n", spool.kept, Size(spool.kept_bytes));
}

// What precedes the figures that a running agent wrote, which begin with their Time.
std::string FormatAge(const std::string& figures, int64_t wall_ms) {
  std::tm utc{};
  if (strptime(figures.c_str(), kTimeFormat, &utc) == nullptr) {
    return "an agent runs here; when these figures were so is not known:\n";
  }
  const int64_t age_ms = wall_ms - int64_t{timegm(&utc)} * 1000;
  if (age_ms < -kStale.count()) {
    return "an agent runs here; the clock was set back since it wrote this, which may be old; "
           "as it was at ";
  }
  const std::string age = Age(std::max<int64_t>(age_ms, 0));
  if (age_ms <= kStale.count()) {
    return fmt::format("an agent runs here; as it was {} ago, at ", age);
  }
  return fmt::format(
      "an agent runs here, but these figures are stale: it writes them each minute and could not "
      "for {} (is the disk full or read-only? its log says why); as it was at ",
      age);
}

// Whether an agent holds the directory now.
bool AgentRuns(const std::string& directory) {
  const int fd = open((directory + "/agent.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool runs = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return runs;
}

Result<std::string> ReadFile(const std::string& directory, const Clock& clock) {
  const std::string path = directory + "/spool.db";
  if (!std::filesystem::exists(path)) {
    return Error{path + ": there is no spool: no agent has run with this directory"};
  }
  DatabaseOptions options;
  options.read_only = true;
  options.exclusive = true;
  Result<Database> db = Database::Open(path, options);
  if (!db) return db.error();
  SqliteSpool spool(
      {.path = path}, clock, [] { return uint64_t{1}; }, SpoolFile{std::move(db).value(), false});
  if (Status loaded = spool.LoadOnly(); !loaded) {
    return Error{loaded.error().message + "; where an older haidang-agent made it, start this one"};
  }
  Result<SpoolReport> report = spool.Report();
  if (AgentRuns(directory)) return Error{path + ": an agent just started here: try again"};
  if (!report) return report.error();
  return "no agent runs here; from its file, at " + FormatSpoolReport(*report, clock.WallMs());
}

}  // namespace

std::string FormatSpoolReport(const SpoolReport& report, int64_t wall_ms) {
  SpoolIdReport all;
  for (const SpoolIdReport& spool : report.spools) {
    if (spool.waiting > 0) {
      all.oldest_ms = std::max(all.oldest_ms, spool.oldest_ms);
      all.newest_ms = all.waiting == 0 ? spool.newest_ms : std::min(all.newest_ms, spool.newest_ms);
    }
    all.waiting += spool.waiting;
    all.waiting_bytes += spool.waiting_bytes;
    all.kept += spool.kept;
    all.kept_bytes += spool.kept_bytes;
  }
  std::string text = Time(wall_ms) + "\n";
  text += fmt::format("waiting: {} batches, {}", all.waiting, Size(all.waiting_bytes));
  if (all.waiting > 0) {
    text += fmt::format(", recorded {} to {} ago", Age(all.oldest_ms), Age(all.newest_ms));
  }
  text += fmt::format("\nkept, acknowledged: {} batches, {}\n", all.kept, Size(all.kept_bytes));
  text += fmt::format("in all: {} of at most {}\n", Size(all.waiting_bytes + all.kept_bytes),
                      Size(report.max_bytes));
  if (report.in_memory > 0) {
    text += fmt::format("the disk is full: {} batches are in memory only\n", report.in_memory);
  }
  for (const SpoolIdReport& spool : report.spools) text += FormatSpoolId(spool);
  return text;
}

Status WriteSpoolStatus(const std::string& directory, const SpoolReport& report, int64_t wall_ms) {
  return ReplaceFile(directory + kStatusFile, FormatSpoolReport(report, wall_ms), 0600, false);
}

Result<std::string> ReadSpoolStatus(const std::string& directory, const Clock& clock) {
  if (!AgentRuns(directory)) return ReadFile(directory, clock);
  Result<std::string> text = ReadSmallFile(directory + kStatusFile);
  if (!text) {
    return Error{"an agent runs here and has not told yet what it holds: try again in a minute (" +
                 text.error().message + ")"};
  }
  return FormatAge(*text, clock.WallMs()) + *text;
}

}  // namespace haidang::agent
