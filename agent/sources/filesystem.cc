#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/mounts.h"
#include "agent/sources/text.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxLabelBytes = 512;

// A run over all mounts by one worker. Shared with that worker, which may outlive the source.
struct Round {
  explicit Round(std::vector<Mount> all) : mounts(std::move(all)), usage(mounts.size()) {}

  const std::vector<Mount> mounts;
  std::mutex mutex;
  std::vector<std::optional<Result<FilesystemUsage>>> usage;  // guarded; nothing: no answer yet
  std::atomic<bool> started = false;                          // a worker was free for it
  std::atomic<size_t> at = 0;                                 // the mount that the worker asks now
  std::atomic<bool> given_up = false;  // the worker ends once the mount that it asks has answered
  bool done = false;                   // loop thread
};

void Measure(Round& round, const StatFilesystem& stat) {
  round.started = true;
  for (size_t i = 0; i < round.mounts.size() && !round.given_up; ++i) {
    round.at = i;
    auto usage = stat(round.mounts[i].point);
    std::lock_guard lock(round.mutex);
    round.usage[i] = std::move(usage);
  }
}

class FilesystemSource final : public Source {
 public:
  FilesystemSource(const std::string& root, Loop& loop, StatFilesystem stat)
      : init_path_(root + "proc/1/mountinfo"),
        self_path_(root + "proc/self/mountinfo"),
        loop_(loop),
        stat_(std::move(stat)) {}

  std::string_view name() const override { return "filesystem"; }

  void Prepare() override {
    auto table = ReadMounts();
    if (!table) {
      round_.reset();
      failure_ = table.error();
      return;
    }
    failure_.reset();
    left_out_ = table->left_out;
    std::vector<Mount>& mounts = table->mounts;
    SetStuckAside();
    // Those that may hang come last, so that they do not keep the others waiting.
    std::stable_partition(mounts.begin(), mounts.end(), [](const Mount& m) { return !m.network; });
    std::vector<Mount> asked;
    skipped_.clear();
    for (Mount& mount : mounts) (MayAsk(mount) ? asked : skipped_).push_back(std::move(mount));
    round_ = std::make_shared<Round>(std::move(asked));
    if (round_->mounts.empty()) {
      round_->started = round_->done = true;
      return;
    }
    loop_.Work([round = round_, stat = stat_] { Measure(*round, stat); },
               [round = round_] { round->done = true; });
  }

  bool Ready() const override { return round_ == nullptr || round_->done; }

  Status Read(int64_t wall_ms, std::vector<Reading>& readings,
              std::vector<Event>& events) override {
    if (failure_) return *failure_;
    if (round_ == nullptr) return Error{"was read before it was prepared"};
    if (!round_->started) return Error{"all workers are busy with what does not answer"};
    TellLeftOut(wall_ms, events);
    for (const Mount& mount : skipped_) Report(mount, nullptr, readings);
    std::lock_guard lock(round_->mutex);
    for (size_t i = 0; i < round_->mounts.size(); ++i) {
      const auto& usage = round_->usage[i];
      Report(round_->mounts[i], usage && usage->ok() ? &usage->value() : nullptr, readings);
    }
    return {};
  }

 private:
  // Once when the cap is met, and again once it is met after it was not.
  void TellLeftOut(int64_t wall_ms, std::vector<Event>& events) {
    if (!std::exchange(left_out_told_, left_out_ > 0) && left_out_ > 0) {
      events.push_back({wall_ms, "mounts_left_out", "filesystem",
                        fmt::format("of {} mounted file systems only the first {} are read",
                                    kMaxMounts + left_out_, kMaxMounts)});
      spdlog::warn("filesystem: {}", events.back().text);
    }
  }

  // The machine's own view where we may see it: ours may be a sandbox in which all is read-only.
  Result<MountTable> ReadMounts() const {
    constexpr size_t kMaxBytes = 8U << 20;  // some 50 000 mounts
    std::string path = init_path_;
    auto text = ReadSmallFile(path, kMaxBytes);
    const bool own_view = !text.ok();
    if (own_view) {
      path = self_path_;
      text = ReadSmallFile(path, kMaxBytes);
    }
    if (!text) return text.error();
    auto table = ParseMounts(*text);
    if (!table) return Error{path + ": " + table.error().message};
    for (Mount& mount : table->mounts) mount.read_only |= mount.mounted_read_only && !own_view;
    return table;
  }

  // A worker that has not come back since the last tick keeps its thread: the mount that it waits
  // for is left alone until it answers.
  void SetStuckAside() {
    if (round_ != nullptr && !round_->done) {
      round_->given_up = true;
      stuck_.push_back(round_);
    }
    std::erase_if(stuck_, [](const std::shared_ptr<Round>& round) { return round->done; });
  }

  bool MayAsk(const Mount& mount) const {
    constexpr size_t kMaxStuck = 2;  // of the loop's four workers
    if (stuck_.size() > kMaxStuck || (stuck_.size() == kMaxStuck && mount.network)) return false;
    return std::none_of(stuck_.begin(), stuck_.end(), [&](const std::shared_ptr<Round>& round) {
      return round->started && round->mounts[round->at].point == mount.point;
    });
  }

  static void Report(const Mount& mount, const FilesystemUsage* usage,
                     std::vector<Reading>& readings) {
    if (usage != nullptr && usage->size == 0) return;  // no storage behind it
    const Labels labels = {{"device", mount.device},
                           {"fstype", mount.type},
                           {"mountpoint", ToUtf8(mount.point, kMaxLabelBytes)}};
    Add(readings, "node_filesystem_device_error", labels, usage == nullptr);
    Add(readings, "node_filesystem_readonly", labels, mount.read_only);
    if (usage == nullptr) return;
    Add(readings, "node_filesystem_size_bytes", labels, usage->size);
    Add(readings, "node_filesystem_free_bytes", labels, usage->free);
    Add(readings, "node_filesystem_avail_bytes", labels, usage->available);
    Add(readings, "node_filesystem_files", labels, usage->files);
    Add(readings, "node_filesystem_files_free", labels, usage->files_free);
  }

  std::string init_path_;
  std::string self_path_;
  Loop& loop_;
  StatFilesystem stat_;
  std::shared_ptr<Round> round_;               // the newest
  std::vector<std::shared_ptr<Round>> stuck_;  // older ones whose worker has not come back
  std::vector<Mount> skipped_;                 // not asked in the newest round
  std::optional<Error> failure_;               // of the newest Prepare
  size_t left_out_ = 0;                        // mounts beyond the cap, at the newest Prepare
  bool left_out_told_ = false;
};

}  // namespace

Result<FilesystemUsage> StatFilesystemNow(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return Error{path + ": " + std::strerror(errno)};
  return FilesystemUsage{info.f_blocks * info.f_frsize, info.f_bfree * info.f_frsize,
                         info.f_bavail * info.f_frsize, info.f_files, info.f_ffree};
}

std::unique_ptr<Source> MakeFilesystemSource(const std::string& root, Loop& loop,
                                             StatFilesystem stat) {
  return std::make_unique<FilesystemSource>(root, loop, std::move(stat));
}

}  // namespace haidang::agent
