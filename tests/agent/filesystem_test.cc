#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>

#include "agent/sources.h"
#include "agent/sources/mounts.h"
#include "agent/sources/text.h"
#include "core/catalogue.h"
#include "tests/support/fake_loop.h"
#include "tests/support/slow_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::SlowLoop;
using haidang::testing::TempDir;

namespace {

std::string Machine(const std::string& name) {
  return std::string(FIXTURES) + "/machines/" + name + "/";
}

Result<FilesystemUsage> Some(const std::string& path) {
  if (path == "/data/srv") return Error{"stale file handle"};
  if (path == "/tmp") return FilesystemUsage{};
  return FilesystemUsage{1000, 300, 200, 50, 40};
}

using Values = std::map<std::string, double>;

Values Read(Source& source) {
  std::vector<Reading> readings;
  std::vector<Event> events;
  REQUIRE(source.Read(0, readings, events).ok());
  Values values;
  for (const Reading& reading : readings) {
    REQUIRE(FindMetric(reading.series.metric) != nullptr);
    CHECK(FindMetric(reading.series.metric)->source == "filesystem");
    values[ToString(reading.series)] = AsNumber(reading.value);
  }
  return values;
}

const std::string kRoot = R"({device="/dev/sda1",fstype="ext4",mountpoint="/"})";
const std::string kData = R"({device="/dev/sdb1",fstype="ext4",mountpoint="/mnt/dữ liệu"})";
const std::string kNas =
    R"({device="nas.quangninh.lan:/vol1",fstype="nfs4",mountpoint="/mnt/nas"})";
const std::string kBad = R"({device="/dev/sdc",fstype="btrfs",mountpoint="/data/srv"})";

}  // namespace

TEST_CASE("mounts: storage only, as people see it") {
  const auto mounts =
      ParseMounts(ReadSmallFile(Machine("commune-server") + "proc/1/mountinfo").value());
  REQUIRE(mounts.ok());
  std::set<std::string> points;
  for (const Mount& mount : mounts->mounts) points.insert(mount.point);
  CHECK(points ==
        std::set<std::string>{"/", "/mnt/dữ liệu", "/mnt/nas", "/tmp", "/data/home", "/data/srv"});
  for (const Mount& mount : mounts->mounts) {
    CHECK(mount.network == (mount.type == "nfs4"));
    CHECK(mount.read_only == (mount.device == "/dev/sdb1"));
    if (mount.point == "/tmp") CHECK(mount.device == "tmpfs-above");
  }
}

TEST_CASE("filesystem: usage of each mount") {
  FakeClock clock;
  FakeLoop loop(clock);
  const auto source = MakeFilesystemSource(Machine("commune-server"), loop, Some);
  source->Prepare();
  loop.RunPosted();
  CHECK(source->Ready());
  const Values values = Read(*source);
  CHECK(values.at("node_filesystem_size_bytes" + kRoot) == 1000);
  CHECK(values.at("node_filesystem_free_bytes" + kRoot) == 300);
  CHECK(values.at("node_filesystem_avail_bytes" + kRoot) == 200);
  CHECK(values.at("node_filesystem_files" + kRoot) == 50);
  CHECK(values.at("node_filesystem_files_free" + kRoot) == 40);
  CHECK(values.at("node_filesystem_readonly" + kRoot) == 0);
  CHECK(values.at("node_filesystem_readonly" + kData) == 1);
  CHECK(values.at("node_filesystem_device_error" + kRoot) == 0);
  CHECK(values.at("node_filesystem_device_error" + kBad) == 1);
  CHECK_FALSE(values.contains("node_filesystem_size_bytes" + kBad));
  for (const auto& [series, value] : values) CHECK(series.find("/tmp") == std::string::npos);
}

TEST_CASE("filesystem: read-only is told of the file system, not of a sandbox's own mount") {
  FakeClock clock;
  FakeLoop loop(clock);
  // Of this machine only /proc/self is there, in which / is mounted read-only though its file
  // system is not.
  const auto source = MakeFilesystemSource(Machine("old-kernel"), loop, Some);
  source->Prepare();
  loop.RunPosted();
  CHECK(Read(*source).at(
            R"(node_filesystem_readonly{device="/dev/hda1",fstype="ext3",mountpoint="/"})") == 0);
}

TEST_CASE("filesystem: no mount table, or one that cannot be read, is a failure") {
  FakeClock clock;
  FakeLoop loop(clock);
  std::vector<Reading> readings;
  std::vector<Event> events;
  for (const char* machine : {"empty", "broken"}) {
    const auto source = MakeFilesystemSource(Machine(machine), loop, Some);
    CHECK_FALSE(source->Read(0, readings, events).ok());
    source->Prepare();
    loop.RunPosted();
    CHECK_FALSE(source->Read(0, readings, events).ok());
    CHECK(source->Ready());
  }
}

TEST_CASE("filesystem: a mount that hangs stops neither the loop nor the other mounts") {
  SlowLoop loop;
  std::promise<void> thaw;
  const std::shared_future<void> thawed = thaw.get_future().share();
  std::atomic<bool> hung = false;
  const auto stat = [&, thawed](const std::string& path) {
    if (path == "/mnt/nas") {
      hung = true;
      thawed.wait();
    }
    return Some(path);
  };
  const auto source = MakeFilesystemSource(Machine("commune-server"), loop, stat);
  source->Prepare();
  REQUIRE(loop.jobs.size() == 1);
  std::vector<Reading> readings;
  std::vector<Event> events;
  CHECK_FALSE(source->Read(0, readings, events).ok());  // no worker was free

  auto worker = std::async(std::launch::async, loop.jobs[0].first);
  while (!hung) std::this_thread::yield();
  CHECK_FALSE(source->Ready());
  Values values = Read(*source);
  CHECK(values.at("node_filesystem_device_error" + kNas) == 1);
  CHECK(values.at("node_filesystem_size_bytes" + kRoot) == 1000);

  // The next round leaves the hung mount alone.
  source->Prepare();
  REQUIRE(loop.jobs.size() == 2);
  loop.jobs[1].first();
  loop.jobs[1].second();
  CHECK(source->Ready());
  values = Read(*source);
  CHECK(values.at("node_filesystem_device_error" + kNas) == 1);
  CHECK(values.at("node_filesystem_device_error" + kRoot) == 0);

  // Once it answered, it is asked again.
  thaw.set_value();
  worker.get();
  loop.jobs[0].second();
  source->Prepare();
  REQUIRE(loop.jobs.size() == 3);
  loop.jobs[2].first();
  loop.jobs[2].second();
  CHECK(Read(*source).at("node_filesystem_device_error" + kNas) == 0);
}

TEST_CASE("filesystem: workers that never come back are bounded") {
  SlowLoop loop;
  const auto source = MakeFilesystemSource(Machine("commune-server"), loop, [](const std::string&) {
    return Result<FilesystemUsage>(FilesystemUsage{1, 1, 1, 1, 1});
  });
  size_t asked = 0;
  for (int round = 0; round < 20; ++round) {
    source->Prepare();
    if (loop.jobs.size() <= 3) asked = loop.jobs.size();
  }
  CHECK(asked == 3);
  CHECK(loop.jobs.size() == 3);
}

TEST_CASE(
    "filesystem: of ten thousand mounts the first are read, and that there are more is told") {
  const TempDir dir;
  std::filesystem::create_directories(dir / "proc/1");
  const auto write = [&](int mounts) {
    std::ofstream file(dir / "proc/1/mountinfo");
    file << "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n";
    for (int i = 1; i < mounts; ++i) {
      file << 20 + i << " 20 0:" << 100 + i << " / /srv/projects/shared/volume-" << i
           << " rw,nosuid,nodev,relatime shared:" << i << " - tmpfs tmpfs-" << i << " rw,size=4k\n";
    }
  };
  write(10'000);
  REQUIRE(std::filesystem::file_size(dir / "proc/1/mountinfo") > 1U << 20);
  FakeClock clock;
  FakeLoop loop(clock);
  std::atomic<size_t> asked = 0;
  const auto source = MakeFilesystemSource(dir / "", loop, [&](const std::string& path) {
    ++asked;
    return Some(path);
  });
  std::vector<Event> events;
  const auto read = [&] {
    std::vector<Reading> readings;
    events.clear();
    source->Prepare();
    loop.RunPosted();
    REQUIRE(source->Read(1234, readings, events).ok());
    return readings.size();
  };
  const auto start = std::clock();
  CHECK(read() == kMaxMounts * 7);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  CAPTURE(seconds);
  CHECK(seconds < 2);  // 0.02 here; with each line held against all before it 100 times that
  CHECK(asked == kMaxMounts);
  REQUIRE(events.size() == 1);
  CHECK(events[0] == Event{1234, "mounts_left_out", "filesystem",
                           "of 10000 mounted file systems only the first 256 are read"});
  read();
  CHECK(events.empty());  // told once
  write(200);
  CHECK(read() == 200 * 7);
  CHECK(events.empty());
  write(257);
  CHECK(read() == kMaxMounts * 7);
  CHECK(events.size() == 1);
}
