#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/spool.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

// What the tests of the spool have in common.
namespace haidang::testing {

using namespace haidang::agent;

// Spool ids: 1000, 1001, …
struct Ids {
  uint64_t next = 1000;
  uint64_t operator()() { return next++; }
};

inline std::unique_ptr<Spool> OpenSpool(SpoolOptions options, const Clock& clock, Ids& ids) {
  auto spool = Spool::Open(std::move(options), clock, std::ref(ids));
  INFO((spool.ok() ? "" : spool.error().message));
  REQUIRE(spool.ok());
  return std::move(spool).value();
}

inline sparkplug::Batch SomeBatch(double value) {
  sparkplug::Batch batch;
  batch.header.boot_id = 7;
  batch.header.wall_ms = 1767573000000;
  batch.samples.emplace_back(uint64_t{40}, value);
  return batch;
}

inline StoredBatch MustAppend(Spool& spool, double value) {
  auto stored = spool.Append(SomeBatch(value));
  INFO((stored.ok() ? "" : stored.error().message));
  REQUIRE(stored.ok());
  return std::move(stored).value();
}

inline sparkplug::Committed Named(uint64_t id, uint64_t cumulative,
                                  std::vector<sparkplug::NumberRange> ranges = {}) {
  sparkplug::Committed committed;
  committed.spool_id = id;
  committed.cumulative = cumulative;
  committed.ranges = std::move(ranges);
  return committed;
}

using Key = std::pair<uint64_t, uint64_t>;
inline std::map<Key, std::string> Everything(Spool& spool) {
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
inline void CopyFiles(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(to + suffix);
    if (std::filesystem::exists(from + suffix) && std::string(suffix) != "-shm") {
      std::filesystem::copy_file(from + suffix, to + suffix);
    }
  }
}

inline StoredBatch MustAppendBig(Spool& spool) {
  sparkplug::Batch batch;
  batch.samples.emplace_back(uint64_t{40}, std::string(2000, 'x'));
  auto stored = spool.Append(std::move(batch));
  INFO((stored.ok() ? "" : stored.error().message));
  REQUIRE(stored.ok());
  return std::move(stored).value();
}

}  // namespace haidang::testing
