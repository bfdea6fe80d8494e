#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "collector/store/audit.h"
#include "collector/store/store.h"
#include "core/log.h"
#include "tests/collector/world.h"

// A power cut may leave any part of what was written after the last sync: the WAL ends anywhere,
// and what is behind the last synced commit may be anything. What was committed before must be
// there, and the store go on.

using namespace haidang;
using namespace haidang::collector::testing;
namespace fs = std::filesystem;

namespace {

// How far the WAL reached when so many batches were acknowledged.
struct Mark {
  uint64_t batches = 0;
  uint64_t wal_bytes = 0;
};

struct Fixture : World {
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t number = 0;
  std::vector<Mark> marks;  // since the WAL began, ascending
  std::mt19937_64 random{20261123};

  Fixture() {
    spdlog::set_level(spdlog::level::off);
    Receive(agent.Birth());
    Commit(1);
  }
  std::string Wal() const { return dir + "/telemetry.db-wal"; }
  void Commit(uint64_t batches) {
    for (uint64_t i = 0; i < batches; ++i) {
      ++number;
      Receive(agent.Live({.number = number,
                          .values = {{load, static_cast<double>(number)}},
                          .full = number == 1}));
    }
    REQUIRE(ingest->Commit());
    marks.push_back({number, fs::file_size(Wal())});
  }
  // All that was committed goes into the database; the WAL's next frames stand at its beginning,
  // and older ones behind them.
  void Checkpoint() {
    auto db = Database::Open(dir + "/telemetry.db", {});
    REQUIRE(db);
    REQUIRE(db->Exec("PRAGMA wal_checkpoint(RESTART)"));
    marks.clear();
  }
  uint64_t Acknowledged(uint64_t wal_bytes, uint64_t before) const {
    uint64_t batches = before;
    for (const Mark& mark : marks) {
      if (mark.wal_bytes <= wal_bytes) batches = mark.batches;
    }
    return batches;
  }

  // The files as they stand, in a directory of their own; then `damage(wal)`.
  template <typename Damage>
  void CheckAfter(uint64_t must_be_there, Damage&& damage) {
    const std::string torn = root / "torn";
    fs::remove_all(torn);
    fs::create_directory(torn);
    for (const char* name : {"/telemetry.db", "/telemetry.db-wal"}) {
      fs::copy(dir + name, torn + name);  // -shm is made anew after a power cut
    }
    damage(torn + "/telemetry.db-wal");
    {
      store::StoreOptions opening;
      opening.path = torn + "/telemetry.db";
      auto opened = store::Store::Open(opening, [] { return uint64_t{9}; });
      REQUIRE(opened);
      auto contents = (*opened)->Load();
      REQUIRE(contents);
      REQUIRE(contents->committed.size() == 1);
      const auto& ranges = contents->committed[0].second;
      REQUIRE(ranges.size() == 1);
      CHECK(ranges[0].range.first == 1);
      CHECK(ranges[0].range.last >= must_be_there);
      CHECK(ranges[0].range.last <= number);
      CHECK((*opened)->id() == store->id());
    }
    const auto audit = store::CheckStore(torn + "/telemetry.db");
    REQUIRE(audit);
    for (const auto& fault : audit->faults) UNSCOPED_INFO(fault.what << ": " << fault.where[0]);
    CHECK(audit->whole());
    CHECK(audit->batches >= static_cast<int64_t>(must_be_there));
  }
};

void Overwrite(const std::string& path, uint64_t at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file << bytes;
  REQUIRE(file.good());
}

}  // namespace

TEST_CASE_METHOD(Fixture, "a WAL that is cut anywhere keeps every commit that it still holds") {
  for (int i = 0; i < 12; ++i) Commit(1 + random() % 20);
  const uint64_t size = fs::file_size(Wal());
  // Around each commit, at each header of the first frames, and anywhere.
  std::set<uint64_t> cuts = {marks[0].wal_bytes, size};
  for (const Mark& mark : marks) {
    for (const int64_t by : {-4120, -25, -1, 0, 1, 23, 24, 4096}) {
      cuts.insert(static_cast<uint64_t>(static_cast<int64_t>(mark.wal_bytes) + by));
    }
  }
  for (int i = 0; i < 60; ++i)
    cuts.insert(marks[0].wal_bytes + random() % (size - marks[0].wal_bytes));
  for (const uint64_t cut : cuts) {
    if (cut > size || cut < marks[0].wal_bytes) continue;
    INFO("cut at " << cut << " of " << size);
    CheckAfter(Acknowledged(cut, 0), [&](const std::string& wal) { fs::resize_file(wal, cut); });
  }
}

TEST_CASE_METHOD(Fixture, "what is behind the last synced commit may be anything") {
  for (int i = 0; i < 10; ++i) Commit(1 + random() % 20);
  const uint64_t size = fs::file_size(Wal());
  for (int round = 0; round < 80; ++round) {
    const Mark& synced = marks[random() % (marks.size() - 1)];
    INFO("round " << round << ", synced to " << synced.wal_bytes << " of " << size);
    CheckAfter(synced.batches, [&](const std::string& wal) {
      for (uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
        const uint64_t at = synced.wal_bytes + random() % (size - synced.wal_bytes);
        std::string bytes(1 + random() % std::min<uint64_t>(600, size - at), '\0');
        for (char& byte : bytes) byte = round % 3 == 0 ? '\0' : static_cast<char>(random());
        Overwrite(wal, at, bytes);
      }
      // Blocks of the tail may also have come in another order, or not at all.
      if (round % 4 == 0)
        fs::resize_file(wal, synced.wal_bytes + random() % (size - synced.wal_bytes));
    });
  }
}

TEST_CASE_METHOD(Fixture, "after a checkpoint the WAL begins anew over its older frames") {
  for (int i = 0; i < 8; ++i) Commit(20);
  const uint64_t in_database = number;
  const uint64_t size = fs::file_size(Wal());
  Checkpoint();
  std::vector<uint64_t> ends;  // of the new frames, which the file's size does not tell
  const auto frames = [&] {
    std::ifstream file(Wal(), std::ios::binary);
    std::string header(32, '\0'), frame(24, '\0');
    file.read(header.data(), 32);
    uint64_t at = 32;
    while (file.read(frame.data(), 24) && frame.compare(8, 8, header, 16, 8) == 0) {
      at += 24 + 4096;
      file.seekg(static_cast<std::streamoff>(at));
    }
    return at;
  };
  for (int i = 0; i < 4; ++i) {
    Commit(3);
    marks.back().wal_bytes = frames();
  }
  REQUIRE(marks.back().wal_bytes < size);  // older frames are behind
  for (int round = 0; round < 60; ++round) {
    const uint64_t cut = 32 + random() % (fs::file_size(Wal()) - 32);
    INFO("cut at " << cut);
    CheckAfter(Acknowledged(cut, in_database),
               [&](const std::string& wal) { fs::resize_file(wal, cut); });
  }
  CheckAfter(in_database, [&](const std::string& wal) { fs::remove(wal); });
  CheckAfter(in_database, [&](const std::string& wal) { fs::resize_file(wal, 7); });
}

TEST_CASE_METHOD(Fixture, "a page of the database that is damaged is found by the check") {
  for (int i = 0; i < 6; ++i) Commit(20);
  Checkpoint();
  store->Rollback();
  ingest.reset();
  fleet.reset();
  store.reset();
  const std::string path = dir + "/telemetry.db";
  const uint64_t pages = fs::file_size(path) / 4096;
  int told = 0;
  for (uint64_t page = 1; page < pages; ++page) {
    const std::string damaged = root / "damaged.db";
    fs::copy(path, damaged, fs::copy_options::overwrite_existing);
    fs::remove(damaged + "-wal");
    Overwrite(damaged, page * 4096, std::string(64, '\x5a'));
    const auto audit = store::CheckStore(damaged);
    if (!audit) {
      CHECK(audit.error().message.find("damaged.db") != std::string::npos);
      ++told;
    } else if (!audit->whole()) {
      for (const auto& fault : audit->faults) CHECK_FALSE(fault.todo.empty());
      ++told;
    }
  }
  CHECK(told == static_cast<int>(pages) - 1);
}
