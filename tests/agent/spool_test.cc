#include "agent/spool.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::TempDir;

namespace {

struct Ids {
  uint64_t next = 1000;
  uint64_t operator()() { return next++; }
};

std::unique_ptr<Spool> OpenSpool(SpoolOptions options, const Clock& clock, Ids& ids) {
  auto spool = Spool::Open(std::move(options), clock, std::ref(ids));
  INFO((spool.ok() ? "" : spool.error().message));
  REQUIRE(spool.ok());
  return std::move(spool).value();
}

sparkplug::Batch SomeBatch(double value) {
  sparkplug::Batch batch;
  batch.header.boot_id = 7;
  batch.header.wall_ms = 1767573000000;
  batch.samples.emplace_back(uint64_t{40}, value);
  return batch;
}

StoredBatch MustAppend(Spool& spool, double value) {
  auto stored = spool.Append(SomeBatch(value));
  INFO((stored.ok() ? "" : stored.error().message));
  REQUIRE(stored.ok());
  return std::move(stored).value();
}

sparkplug::Committed Named(uint64_t id, uint64_t cumulative,
                           std::vector<sparkplug::NumberRange> ranges = {}) {
  sparkplug::Committed committed;
  committed.spool_id = id;
  committed.cumulative = cumulative;
  committed.ranges = std::move(ranges);
  return committed;
}

using Key = std::pair<uint64_t, uint64_t>;
std::map<Key, std::string> Everything(Spool& spool) {
  std::map<Key, std::string> all;
  std::optional<int64_t> below;
  int64_t last = std::numeric_limits<int64_t>::max();
  for (;;) {
    auto page = spool.Waiting(7, below);
    REQUIRE(page.ok());
    if (page->empty()) return all;
    for (const StoredBatch& batch : *page) {
      REQUIRE(batch.rowid < last);  // newest first
      last = batch.rowid;
      REQUIRE(all.emplace(Key{batch.spool_id, batch.number}, batch.encoded).second);
    }
    below = last;
  }
}

// As kill -9 leaves it: the files as they are, while the process has them open.
void CopyFiles(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(to + suffix);
    if (std::filesystem::exists(from + suffix) && std::string(suffix) != "-shm") {
      std::filesystem::copy_file(from + suffix, to + suffix);
    }
  }
}

}  // namespace

TEST_CASE("batches are numbered from 1, found again and settled by name") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1000);
  for (uint64_t i = 1; i <= 10; ++i) {
    CHECK(spool->next_number() == i);
    const StoredBatch batch = MustAppend(*spool, static_cast<double>(i));
    CHECK(batch.number == i);
    CHECK(batch.spool_id == 1000);
  }
  CHECK(spool->waiting_batches() == 10);
  CHECK(*spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}})) == 5);
  CHECK(spool->waiting_batches() == 5);
  CHECK(*spool->Settle(Named(1000, 2, {{5, 6}, {9, 9}})) == 0);
  CHECK(*spool->Settle(Named(4711, 10)) == 0);  // not ours
  std::set<uint64_t> numbers;
  for (const auto& [key, bytes] : Everything(*spool)) numbers.insert(key.second);
  CHECK(numbers == std::set<uint64_t>{3, 4, 7, 8, 10});
  CHECK((*spool->Find(1000, 7)).has_value());
  CHECK_FALSE((*spool->Find(1000, 5)).has_value());
  CHECK_FALSE((*spool->Find(1000, 11)).has_value());
  CHECK_FALSE((*spool->Find(1001, 7)).has_value());
  CHECK_FALSE((*spool->Find(1000, 0)).has_value());
  const auto held = spool->Held();
  REQUIRE(held->size() == 1);
  CHECK((*held)[0].first == 3);
  CHECK((*held)[0].next == 11);
  CHECK(*spool->Settle(Named(1000, 10)) == 5);
  CHECK(spool->waiting_bytes() == 0);
  CHECK((*spool->Held())[0].first == 11);
  CHECK_FALSE(spool->oldest_rowid().has_value());
}

TEST_CASE("a clean stop keeps the spool id and the numbers, anything else begins a new one") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  for (int i = 0; i < 5; ++i) MustAppend(*spool, i);
  CHECK(*spool->Settle(Named(1000, 5)) == 5);
  REQUIRE(spool->Close().ok());
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1000);
  CHECK(spool->next_number() == 6);
  MustAppend(*spool, 6);
  MustAppend(*spool, 7);
  CHECK(*spool->Settle(Named(1000, 5, {{7, 7}})) == 1);

  spool.reset();  // without Close
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 1);
  MustAppend(*spool, 1);
  const auto held = *spool->Held();
  REQUIRE(held.size() == 2);
  CHECK(held[0].spool_id == 1000);
  CHECK(held[0].first == 6);
  CHECK(held[0].next == 8);  // 7 is settled, and still was given
  CHECK(held[1].spool_id == 1001);
  CHECK(*spool->Settle(Named(1000, 7)) == 1);
  CHECK(spool->Held()->size() == 1);  // of no interest any more
  CHECK(spool->waiting_batches() == 1);
}

TEST_CASE("an alias means its series for ever") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  const SeriesId disk{"node_filesystem_avail_bytes",
                      {{"device", "/dev/sda1"}, {"mountpoint", "/"}}};
  const SeriesId other{"node_filesystem_avail_bytes",
                       {{"device", "/dev/sda1/"}, {"mountpoint", ""}}};
  const uint32_t group = *spool->GroupOf("filesystem");
  const uint64_t alias = *spool->AliasOf(disk, DataType::kInt64, group);
  CHECK(alias == sparkplug::kFirstSeriesAlias);
  CHECK(*spool->AliasOf(disk, DataType::kInt64, group) == alias);
  CHECK(*spool->AliasOf(other, DataType::kInt64, group) == alias + 1);
  CHECK(*spool->AliasOf(disk, DataType::kDouble, group) == alias + 2);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->GroupOf("cpu") == group + 1);
  CHECK(*spool->GroupOf("filesystem") == group);
  CHECK(spool->Groups() == std::vector<std::string>{"filesystem", "cpu"});
  const auto known = *spool->Series();
  REQUIRE(known.size() == 3);
  CHECK(known[0].series == disk);
  CHECK(known[1].series == other);
  CHECK(known[2].datatype == DataType::kDouble);
  REQUIRE(spool->Forget(alias + 2).ok());
  CHECK(*spool->AliasOf(disk, DataType::kDouble, group) == alias + 3);  // never twice
  for (int i = 2; i < sparkplug::kMaxGroups; ++i)
    REQUIRE(spool->GroupOf("g" + std::to_string(i)).ok());
  CHECK_FALSE(spool->GroupOf("one too many").ok());
}

TEST_CASE("bdSeq counts over restarts and wraps") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->NextBdSeq() == 0);
  CHECK(*spool->NextBdSeq() == 1);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(*spool->NextBdSeq() == 2);
  for (int i = 3; i < 256; ++i) REQUIRE(*spool->NextBdSeq() == i);
  CHECK(*spool->NextBdSeq() == 0);
}

TEST_CASE("the oldest go when the spool is full or they are too old, counted and told") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  SECTION("size") {
    options.max_bytes = 5000;
    auto spool = OpenSpool(options, clock, ids);
    for (int i = 0; i < 200; ++i) {
      MustAppend(*spool, i);
      REQUIRE(spool->waiting_bytes() <= 5000);
    }
    CHECK(spool->waiting_batches() + spool->dropped_batches() == 200);
    CHECK(spool->dropped_batches() > 100);
    const auto held = *spool->Held();
    CHECK(held[0].first == spool->dropped_batches() + 1);
    CHECK(held[0].next == 201);
    CHECK(held[0].reason == "full");
    const uint64_t dropped = spool->dropped_batches();
    spool.reset();
    spool = OpenSpool(options, clock, ids);
    CHECK((*spool->Held())[0].reason == "full");
    CHECK((*spool->Held())[0].first == dropped + 1);
  }
  SECTION("age, whatever the wall clock does") {
    options.max_age = std::chrono::hours(1);
    auto spool = OpenSpool(options, clock, ids);
    for (int i = 0; i < 240; ++i) {
      MustAppend(*spool, i);
      clock.Advance(15s);
    }
    clock.StepWall(std::chrono::hours(24 * 365));
    MustAppend(*spool, 0);
    CHECK(spool->dropped_batches() == 0);
    clock.Advance(30min);
    MustAppend(*spool, 0);
    CHECK(spool->dropped_batches() == 120);
    CHECK((*spool->Held())[0].reason == "age");
    REQUIRE(spool->Close().ok());
    spool.reset();
    clock.Advance(std::chrono::hours(100));  // switched off: nothing ages
    spool = OpenSpool(options, clock, ids);
    MustAppend(*spool, 0);
    CHECK(spool->waiting_batches() == 123);
  }
}

TEST_CASE("a mark that we never gave means a rolled-back file") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  CHECK(*spool->Settle(Named(1000, 2)) == 0);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 1);
  CHECK(MustAppend(*spool, 2).spool_id == 1001);
  CHECK(spool->waiting_batches() == 2);
  CHECK(*spool->Settle(Named(1001, 1)) == 1);
}

TEST_CASE("a damaged file is moved aside and the agent goes on") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const std::string path = dir / "spool.db";
  const auto aside = [&] {
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("spool.db.corrupt-") && !name.ends_with("-wal")) ++found;
    }
    return found;
  };
  SECTION("no database at all") {
    std::ofstream(path) << std::string(10000, 'x');
    auto spool = OpenSpool({path}, clock, ids);
    MustAppend(*spool, 1);
    CHECK(aside() == 1);
  }
  SECTION("damage within, met after a crash") {
    {
      auto spool = OpenSpool({path}, clock, ids);
      for (int i = 0; i < 2000; ++i) MustAppend(*spool, i);
      CopyFiles(path, dir / "copy.db");
    }
    std::filesystem::rename(dir / "copy.db", path);
    std::filesystem::remove(path + "-wal");
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
    for (std::streamoff at = 8192; at + 512 < size; at += 4096) {
      file.seekp(at);
      file << std::string(512, '\xee');
    }
    file.close();
    auto spool = OpenSpool({path}, clock, ids);
    MustAppend(*spool, 1);
    CHECK(aside() == 1);
    CHECK(spool->waiting_batches() == 1);
  }
  SECTION("a torn WAL loses nothing of the file before it") {
    {
      auto spool = OpenSpool({path}, clock, ids);
      for (int i = 0; i < 20; ++i) MustAppend(*spool, i);
      REQUIRE(spool->Close().ok());
    }
    std::ofstream(path + "-wal") << std::string(5000, 'w');
    auto spool = OpenSpool({path}, clock, ids);
    CHECK(spool->waiting_batches() == 20);
    CHECK(aside() == 0);
  }
}

TEST_CASE("a directory that cannot be used is a clear error") {
  FakeClock clock;
  Ids ids;
  const auto spool = Spool::Open({"/no/such/directory/spool.db"}, clock, std::ref(ids));
  REQUIRE_FALSE(spool.ok());
  CHECK_THAT(spool.error().message, Catch::Contains("/no/such/directory/spool.db"));
  CHECK_THAT(spool.error().message, Catch::Contains("directory"));
}

// Random orders of append, settle, clean stop and crash, against a model.
TEST_CASE("property: what was appended and not settled is there, whatever happens") {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](size_t n) {
      return std::uniform_int_distribution<size_t>(0, n - 1)(random);
    };
    TempDir dir;
    FakeClock clock;
    Ids ids;
    int generation = 0;
    std::string path = dir / "spool-0.db";
    auto spool = OpenSpool({path}, clock, ids);
    std::map<Key, std::string> model;
    std::map<uint64_t, uint64_t> next{{spool->id(), 1}};
    for (int step = 0; step < 300; ++step) {
      clock.Advance(15s);
      const size_t what = below(100);
      if (what < 60) {
        const StoredBatch batch = MustAppend(*spool, static_cast<double>(step));
        REQUIRE(batch.number == next[batch.spool_id]++);
        REQUIRE(model.emplace(Key{batch.spool_id, batch.number}, batch.encoded).second);
      } else if (what < 90) {
        const auto id = std::next(next.begin(), static_cast<std::ptrdiff_t>(below(next.size())));
        const uint64_t given = id->second;
        sparkplug::Committed committed = Named(id->first, below(given));
        uint64_t at = committed.cumulative + 2;
        while (at < given && committed.ranges.size() < 32) {
          const uint64_t last = std::min(at + below(3), given - 1);
          committed.ranges.push_back({at, last});
          at = last + 2 + below(4);
        }
        const size_t before = model.size();
        std::erase_if(model, [&](const auto& entry) {
          if (entry.first.first != id->first) return false;
          const uint64_t number = entry.first.second;
          if (number <= committed.cumulative) return true;
          for (const auto& range : committed.ranges) {
            if (number >= range.first && number <= range.last) return true;
          }
          return false;
        });
        REQUIRE(*spool->Settle(committed) == before - model.size());
      } else if (what < 95) {
        REQUIRE(spool->Close().ok());
        const uint64_t id = spool->id();
        spool.reset();
        spool = OpenSpool({path}, clock, ids);
        REQUIRE(spool->id() == id);
        REQUIRE(spool->next_number() == next[id]);
      } else {
        const std::string copy = dir / ("spool-" + std::to_string(++generation) + ".db");
        CopyFiles(path, copy);
        path = copy;
        spool = OpenSpool({path}, clock, ids);
        REQUIRE(next.emplace(spool->id(), 1).second);
      }
      REQUIRE(spool->waiting_batches() == model.size());
    }
    REQUIRE(Everything(*spool) == model);
    const auto all_held = *spool->Held();
    for (const auto& held : all_held) {
      CHECK(held.next == next[held.spool_id]);
      uint64_t first = held.next;
      for (const auto& [key, bytes] : model) {
        if (key.first == held.spool_id) first = std::min(first, key.second);
      }
      CHECK(held.first == first);
    }
  }
}

namespace {

// No file of this process may grow beyond `bytes`: to SQLite that is a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("while the disk is full the newest are kept in memory, and written once there is room") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  std::map<Key, std::string> expected;
  const auto append = [&](int i) {
    const StoredBatch batch = MustAppend(*spool, i);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  for (int i = 0; i < 5; ++i) append(i);
  {
    FileSizeLimit full(40000);
    for (int i = 5; i < 150; ++i) append(i);
    CHECK(Everything(*spool) == expected);
    CHECK(spool->dropped_batches() == 0);
    CHECK((*spool->Find(1000, 149)).has_value());
    CHECK(spool->NextBdSeq().ok());
  }
  append(150);
  CHECK(Everything(*spool) == expected);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(Everything(*spool) == expected);  // all of it on disk by then
  {
    FileSizeLimit full(1);
    for (int i = 0; i < 1000; ++i) {
      MustAppend(*spool, i);
      REQUIRE(spool->waiting_batches() <= expected.size() + 256);
    }
    CHECK(spool->dropped_batches() == 1000 - 256);
    const auto page = *spool->Waiting(1, std::nullopt);
    CHECK(page[0].number == 1000);  // the newest stay
    REQUIRE(spool->Settle(Named(1001, 1000)).ok());
    CHECK(spool->waiting_batches() == expected.size());
  }
  CHECK(spool->Held()->back().reason == "full");
}

TEST_CASE("a disk that is full at the start lets the agent run from memory") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  FileSizeLimit full(1);
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  CHECK(*spool->AliasOf({"node_load1", {}}, DataType::kDouble, 0) == 32);
  CHECK(*spool->Settle(Named(spool->id(), 1)) == 1);
}

namespace {

StoredBatch MustAppendBig(Spool& spool) {
  sparkplug::Batch batch;
  batch.samples.emplace_back(uint64_t{40}, std::string(2000, 'x'));
  auto stored = spool.Append(std::move(batch));
  INFO((stored.ok() ? "" : stored.error().message));
  REQUIRE(stored.ok());
  return std::move(stored).value();
}

// Junk in place of the file and its WAL, under the feet of the agent.
void Overwrite(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    if (!std::filesystem::exists(path + suffix)) continue;
    std::fstream file(path + suffix, std::ios::in | std::ios::out | std::ios::binary);
    file << std::string(std::filesystem::file_size(path + suffix), 'Z');
  }
}

std::vector<std::string> Aside(const TempDir& dir) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("spool.db.corrupt-")) found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("what cannot be committed is not settled") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 20; ++i) MustAppendBig(*spool);
  spool.reset();  // as after a crash
  spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 60; ++i) MustAppendBig(*spool);
  const auto expected = Everything(*spool);
  {
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal"));
    CHECK_FALSE(spool->Settle(Named(1000, 20)).ok());
    CHECK_FALSE(spool->Settle(Named(1001, 60)).ok());
    CHECK(spool->waiting_batches() == 80);
    CHECK(spool->oldest_rowid() == 1);
    CHECK(Everything(*spool) == expected);
    const auto held = *spool->Held();
    REQUIRE(held.size() == 2);
    CHECK(held[0].spool_id == 1000);
    CHECK(held[0].first == 1);
    CHECK(held[0].next == 21);
  }
  CHECK(*spool->Settle(Named(1000, 20)) == 20);
  CHECK(spool->Held()->size() == 1);
  CHECK(spool->waiting_batches() == 60);
}

TEST_CASE("what cannot be dropped is dropped later, and counted once") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  options.max_age = std::chrono::hours(1);
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 60; ++i) MustAppendBig(*spool);
  clock.Advance(2h);
  {
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal"));
    for (int i = 0; i < 3; ++i) MustAppendBig(*spool);
    CHECK(spool->dropped_batches() == 0);
    CHECK(spool->waiting_batches() == 63);
    CHECK((*spool->Held())[0].first == 1);
  }
  MustAppendBig(*spool);
  CHECK(spool->dropped_batches() == 60);
  CHECK(Everything(*spool).size() == 4);
  CHECK((*spool->Held())[0].first == 61);
}

TEST_CASE("a bound that was lowered is reached in steps, none of them long") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  for (int i = 0; i < 1500; ++i) MustAppend(*spool, i);
  REQUIRE(spool->Close().ok());
  spool.reset();
  options.max_bytes = 1000;
  spool = OpenSpool(options, clock, ids);
  for (int i = 1; i <= 2; ++i) {
    MustAppend(*spool, i);
    CHECK(spool->dropped_batches() == static_cast<uint64_t>(i) * 512);
  }
  MustAppend(*spool, 3);
  CHECK(spool->waiting_bytes() <= 1000);
  CHECK(spool->dropped_batches() + spool->waiting_batches() == 1503);
  CHECK(Everything(*spool).size() == spool->waiting_batches());
}

TEST_CASE("batches that are in memory alone belong to their own spool id") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const SpoolOptions options{dir / "spool.db"};
  auto spool = OpenSpool(options, clock, ids);
  std::map<Key, std::string> expected;
  const auto append = [&] {
    const StoredBatch batch = MustAppendBig(*spool);
    expected[{batch.spool_id, batch.number}] = batch.encoded;
  };
  append();
  REQUIRE(spool->Settle(Named(1000, 1)).ok());
  for (int i = 0; i < 20; ++i) append();  // the WAL has frames that the next transaction may reuse
  REQUIRE(spool->Settle(Named(1000, 21)).ok());
  expected.clear();
  {
    // Room for the small change of a new spool id, not for a batch of many pages.
    FileSizeLimit full(std::filesystem::file_size(options.path + "-wal") + 20000);
    sparkplug::Batch big;
    big.samples.emplace_back(uint64_t{40}, std::string(100000, 'y'));
    const auto stored = spool->Append(std::move(big));
    REQUIRE(stored.ok());
    expected[{stored->spool_id, stored->number}] = stored->encoded;
    REQUIRE(spool->Settle(Named(1000, 99)).ok());
    REQUIRE(spool->id() == 1001);
    append();
    const auto held = *spool->Held();
    REQUIRE(held.size() == 2);
    CHECK(held[0].first == 22);
    CHECK(held[0].next == 23);
    CHECK(held[1].first == 1);
    CHECK(held[1].next == 2);
    CHECK(Everything(*spool) == expected);
    REQUIRE(spool->Settle(Named(1001, 1)).ok());  // the older one still waits
    expected.erase({1001, 1});
    CHECK(spool->Held()->size() == 2);
    CHECK(Everything(*spool) == expected);
  }
  append();
  CHECK(Everything(*spool) == expected);
  CHECK(*spool->Settle(Named(1000, 22)) == 1);
  CHECK(spool->Held()->size() == 1);
}

TEST_CASE("damage is met once, by whatever call, and a new spool begins") {
  const std::map<std::string, std::function<bool(Spool&, uint64_t)>> calls = {
      {"Append",  // drops the oldest, which is not in the cache
       [](Spool& spool, uint64_t) {
         sparkplug::Batch batch;
         batch.samples.emplace_back(uint64_t{40}, std::string(20000, 'x'));
         return spool.Append(std::move(batch)).ok();
       }},
      {"Held", [](Spool& spool, uint64_t) { return spool.Held().ok(); }},
      {"Waiting", [](Spool& spool, uint64_t) { return spool.Waiting(500, std::nullopt).ok(); }},
      {"Find", [](Spool& spool, uint64_t id) { return spool.Find(id, 100).ok(); }},
      {"Settle", [](Spool& spool, uint64_t id) { return spool.Settle(Named(id, 100)).ok(); }},
      {"Series", [](Spool& spool, uint64_t) { return spool.Series().ok(); }},
      {"AliasOf",
       [](Spool& spool, uint64_t) {
         return spool.AliasOf({"node_load5", {}}, DataType::kDouble, 0).ok();
       }},
      {"Close", [](Spool& spool, uint64_t) { return spool.Close().ok(); }},
  };
  for (const auto& [name, call] : calls) {
    for (const bool movable : {true, false}) {
      INFO(name << (movable ? "" : ", and the file cannot be moved"));
      TempDir dir;
      FakeClock clock;
      Ids ids;
      const SpoolOptions options{dir / "spool.db", 1 << 20};
      auto spool = OpenSpool(options, clock, ids);
      REQUIRE(spool->NextBdSeq().ok());
      REQUIRE(spool->NextBdSeq().ok());
      for (int i = 0; i < 500; ++i) MustAppendBig(*spool);
      const std::string aside = options.path + ".corrupt-" + std::to_string(clock.WallMs() / 1000);
      if (!movable) std::filesystem::create_directories(aside + "/occupied");
      Overwrite(options.path);
      for (int i = 0; i < 3 && spool->id() == 1000; ++i) call(*spool, 1000);
      CHECK(call(*spool, 1000));
      // A call that touches pages in the cache alone meets nothing.
      if (spool->id() == 1000) CHECK_FALSE(spool->Waiting(500, std::nullopt).ok());
      REQUIRE(spool->id() == 1001);
      CHECK(spool->dropped_batches() >= 400);
      const size_t before = spool->waiting_batches();
      MustAppend(*spool, 5);
      CHECK(Everything(*spool).size() == before + 1);
      CHECK(spool->Held()->at(0).reason == "corrupt");
      CHECK(*spool->NextBdSeq() == 2);
      CHECK(*spool->Settle(Named(1001, spool->next_number() - 1)) == before + 1);
      CHECK(spool->Close().ok());
      if (!movable) continue;
      CHECK(std::filesystem::is_regular_file(aside));
      spool.reset();
      spool = OpenSpool(options, clock, ids);
      CHECK(spool->id() == 1001);
      CHECK(*spool->NextBdSeq() == 3);
    }
  }
}

TEST_CASE("of the damaged files the newest two are kept") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  const std::string path = dir / "spool.db";
  std::ofstream(path + ".corrupt-notes") << "somebody's own";
  for (int i = 0; i < 5; ++i) {
    std::ofstream(path) << std::string(10000, 'x');
    std::ofstream(path + "-wal") << std::string(100, 'x');
    OpenSpool({path}, clock, ids);
    const std::string name = "spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000);
    CHECK(std::filesystem::exists(dir / name));
    clock.Advance(100s);
  }
  auto found = Aside(dir);
  std::erase_if(found, [](const std::string& name) { return name.find("-wal") != name.npos; });
  CHECK(found.size() == 3);  // and the notes
  for (const std::string& name : Aside(dir)) {
    CHECK((name == "spool.db.corrupt-notes" ||
           name >= "spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000 - 200)));
  }
  clock.StepWall(-24h);  // the newest stays, whatever the clock says
  std::ofstream(path) << std::string(10000, 'x');
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path + suffix);
  OpenSpool({path}, clock, ids);
  CHECK(
      std::filesystem::exists(dir / ("spool.db.corrupt-" + std::to_string(clock.WallMs() / 1000))));
}
