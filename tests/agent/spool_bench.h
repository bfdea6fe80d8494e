#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
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

inline sparkplug::Batch SomeBatch(double value, bool full = false) {
  sparkplug::Batch batch;
  batch.header.full = full;
  batch.header.boot_id = 7;
  batch.header.wall_ms = 1767573000000;
  batch.samples.emplace_back(uint64_t{40}, value);
  return batch;
}

inline StoredBatch MustAppend(Spool& spool, double value, bool full = false) {
  auto stored = spool.Append(SomeBatch(value, full || spool.wants_full()));
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
// The batches of a parcel, as they were recorded.
inline std::map<Key, std::string> BatchesOf(const Parcel& parcel) {
  std::map<Key, std::string> all;
  if (!parcel.packed) {
    REQUIRE(parcel.first == parcel.last);
    all[{parcel.spool_id, parcel.first}] = parcel.bytes;
    return all;
  }
  const auto batches = sparkplug::OpenEnvelopeBody(parcel.bytes);
  REQUIRE(batches.ok());
  REQUIRE(batches->size() == parcel.batches());
  for (size_t i = 0; i < batches->size(); ++i) {
    all[{parcel.spool_id, parcel.first + i}] = (*batches)[i];
  }
  return all;
}

inline bool NothingFlies(uint64_t, uint64_t) { return false; }

// All that would be sent, from the newest to the oldest, some at a time.
inline std::vector<Parcel> Parcels(Spool& spool) {
  std::vector<Parcel> all;
  std::optional<int64_t> below;
  for (;;) {
    auto page = spool.Waiting(7, below, NothingFlies);
    INFO((page.ok() ? "" : page.error().message));
    REQUIRE(page.ok());
    REQUIRE(page->size() <= 7);
    if (page->empty()) return all;
    for (Parcel& parcel : *page) {
      const int64_t last = parcel.first_row + static_cast<int64_t>(parcel.batches()) - 1;
      REQUIRE((!below || last < *below));  // newest first
      below = parcel.first_row;
      all.push_back(std::move(parcel));
    }
  }
}

// Likewise by key. Settled ones may be among them: in a pack, less than half.
inline std::map<Key, std::string> Everything(Spool& spool) {
  std::map<Key, std::string> all;
  for (const Parcel& parcel : Parcels(spool)) all.merge(BatchesOf(parcel));
  return all;
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
  batch.header.full = spool.wants_full();
  batch.samples.emplace_back(uint64_t{40}, std::string(2000, 'x'));
  auto stored = spool.Append(std::move(batch));
  INFO((stored.ok() ? "" : stored.error().message));
  REQUIRE(stored.ok());
  return std::move(stored).value();
}

}  // namespace haidang::testing
