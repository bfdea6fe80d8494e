// Every source on machines of which every file is broken in one way, and on a large whole one.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "agent/make_sources.h"
#include "agent/series_bound.h"
#include "agent/sources/text.h"
#include "core/io/loop.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::Machine;
using haidang::testing::TempDir;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

// What all sources of a machine said in one reading.
struct Machinery {
  size_t series = 0;
  std::map<std::string, std::string> failed;  // by source
};

Machinery ReadAll(const std::string& root) {
  FakeClock clock;
  const auto loop = MakeLoop();
  Options options;
  // Of the machine that the test runs on, whatever the root.
  options.sources_off = {"timex", "services", "agent"};
  auto sources = MakeSources(options, {*loop, clock, root, [] { return AgentStats(); }});
  REQUIRE(sources.ok());
  REQUIRE(sources->size() > 25);
  for (const auto& source : *sources) source->Prepare();
  const auto hung = loop->After(30s, [&] { loop->Stop(); });
  const auto poll = loop->Every(1ms, [&] {
    if (std::all_of(sources->begin(), sources->end(), [](const auto& one) { return one->Ready(); }))
      loop->Stop();
  });
  loop->Run();
  Machinery all;
  for (const auto& source : *sources) {
    CAPTURE(source->name());
    CHECK(source->Ready());
    std::vector<Reading> readings;
    std::vector<Event> events;
    const Status read = source->Read(haidang::testing::kNow, readings, events);
    if (!read) {
      all.failed.emplace(source->name(), read.error().message);
      continue;
    }
    // A series that is read twice is taken once (Recorder).
    std::set<std::string> series;
    for (const Reading& reading : readings) {
      const MetricInfo* info = FindMetric(reading.series.metric);
      const std::string name = ToString(reading.series);
      if (info == nullptr || !IsReadBy(*info, source->name())) FAIL(name);
      if (!std::isfinite(AsNumber(reading.value))) FAIL(name);
      series.insert(name);
    }
    all.series += series.size();
  }
  return all;
}

// A copy of the large machine in which each file below /proc and /sys is what `damage` makes of it.
void CopyBroken(const std::string& to,
                const std::function<void(const std::string& path, std::string text)>& damage) {
  const std::string from = Machine("storage-server");
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(to)) {
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path().string());
  }
  REQUIRE(files.size() > 150);
  for (const std::string& file : files) {
    std::string text = ReadSmallFile(file).value();
    fs::remove(file);
    damage(file, std::move(text));
  }
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("a server with 64 processors, 40 disks and RAIDs: every source, and how many series") {
  const Machinery all = ReadAll(Machine("storage-server"));
  CHECK(all.failed.empty());
  for (const auto& [source, error] : all.failed) UNSCOPED_INFO(source << ": " << error);
  CHECK(all.series == 2745);
  CHECK(all.series < kMaxSeries);
}

TEST_CASE("a small virtual machine: every source") {
  const Machinery all = ReadAll(Machine("commune-server"));
  CHECK(all.failed.empty());
  for (const auto& [source, error] : all.failed) UNSCOPED_INFO(source << ": " << error);
  CHECK(all.series == 175);
}

TEST_CASE("a machine whose files are all broken: nothing crashes, hangs or grows") {
  const auto numbers_as = [](const std::string& number) {
    return [number](const std::string& path, const std::string& text) {
      std::string out;
      for (size_t i = 0; i < text.size();) {
        const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
        if (!digit) out += text[i++];
        if (digit) out += number;
        while (digit && i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0)
          ++i;
      }
      Write(path, out);
    };
  };
  const std::pair<const char*, std::function<void(const std::string&, std::string)>> damages[] = {
      {"empty", [](const std::string& path, const std::string&) { Write(path, ""); }},
      {"cut in the middle",
       [](const std::string& path, const std::string& text) {
         Write(path, text.substr(0, text.size() / 2));
       }},
      {"without its end",
       [](const std::string& path, const std::string& text) {
         Write(path, text.substr(0, text.size() - std::min<size_t>(text.size(), 3)));
       }},
      {"zeros", [](const std::string& path,
                   const std::string& text) { Write(path, std::string(text.size() + 9, '\0')); }},
      {"no UTF-8",
       [](const std::string& path, std::string text) {
         for (size_t i = 0; i < text.size(); i += 5) text[i] = static_cast<char>(0xfe);
         Write(path, text);
       }},
      {"blanks alone",
       [](const std::string& path, const std::string&) {
         Write(path, std::string(5000, ' ') + "\n\n\t\n");
       }},
      {"one line of 2 MiB", [](const std::string& path,
                               const std::string&) { Write(path, std::string(2U << 20, '7')); }},
      {"twenty thousand of its lines",
       [](const std::string& path, const std::string& text) {
         std::string many;
         for (int i = 0; i < 20'000 && many.size() < (1U << 20) - text.size(); ++i) many += text;
         Write(path, many);
       }},
      {"numbers that do not fit", numbers_as("99999999999999999999999")},
      {"the largest numbers", numbers_as("18446744073709551615")},
      {"negative numbers", numbers_as("-1")},
      {"numbers that are none", numbers_as("nan")},
      {"a directory",
       [](const std::string& path, const std::string&) { fs::create_directory(path); }},
      {"a link to itself",
       [](const std::string& path, const std::string&) { fs::create_symlink(path, path); }},
      {"a link to nothing",
       [](const std::string& path, const std::string&) { fs::create_symlink("/nowhere", path); }},
      {"a pipe that nobody writes to",
       [](const std::string& path, const std::string&) {
         REQUIRE(mkfifo(path.c_str(), 0600) == 0);
       }},
      {"gone", [](const std::string&, const std::string&) {}},
  };
  for (const auto& [how, damage] : damages) {
    INFO(how);
    const TempDir dir;
    const std::string root = dir / "machine/";
    CopyBroken(root, damage);
    const auto start = std::clock();
    const Machinery all = ReadAll(root);
    CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 20);  // sanitizers
    CHECK(all.series < 5000);
    for (const auto& [source, error] : all.failed) {
      INFO(source);
      CHECK(error.size() < 4096);
    }
  }
}

TEST_CASE("directories of /sys that are loops and files of no sense") {
  const TempDir dir;
  const std::string root = dir / "machine/";
  fs::copy(Machine("storage-server"), root,
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  for (const char* directory : {"sys/class/net", "sys/class/hwmon", "sys/class/thermal",
                                "sys/class/power_supply", "sys/devices/system/edac/mc"}) {
    const std::string path = root + directory;
    fs::create_directory_symlink(path, path + "/mc7");
    fs::create_directory_symlink(path, path + "/thermal_zone7");
    fs::create_directory_symlink("loop", path + "/loop");
    Write(path + "/no-directory", "x");
    Write(path + "/\xff\xfe", "x");
    for (int i = 0; i < 3000; ++i) fs::create_directory(path + "/many" + std::to_string(i));
  }
  const Machinery all = ReadAll(root);
  CHECK(all.failed.empty());
  CHECK(all.series < 5000);
}

TEST_CASE("processes that end while they are counted, a network device that goes") {
  const TempDir dir;
  const std::string root = dir / "";
  fs::create_directories(root + "proc/net");
  const auto read = [&] { return ReadAll(root); };
  // A directory without its files is what a process leaves that ended between listing and reading.
  for (int pid = 1; pid <= 50; ++pid) fs::create_directories(root + "proc/" + std::to_string(pid));
  fs::copy(Machine("storage-server") + "proc/net/dev", root + "proc/net/dev");
  const Machinery before = read();
  CHECK(before.failed.count("processes") == 0);
  CHECK(before.failed.count("netdev") == 0);
  fs::remove(root + "proc/net/dev");
  const Machinery after = read();
  CHECK(after.series + 3 * 16 == before.series);
}
