#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "collector/store/block/block.h"
#include "collector/store/block/tick_rows.h"
#include "collector/store/head.h"
#include "core/io/database.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {

// The series of one machine that are looked at, as slots of a Head.
struct ScanQuestion {
  int64_t machine = 0;                     // row id
  int64_t from_ms = 0;                     // inclusive
  int64_t to_ms = 0;                       // inclusive
  std::map<int64_t, uint32_t> slots;       // by row id of the series
  std::map<int64_t, AliasTable> speakers;  // by spool: what its aliases in the journal mean
};

// Reads a machine's batches from blocks and journal alike, in order of time, and says at each what
// is known then (docs/store-format.md, "What a value means"). Reads one window of time in each
// transaction. One thread.
class Scan {
 public:
  // What the head of the batch's spool knows once the batch is taken in; false ends the scan.
  using Visit = std::function<bool(const TickRow& row, const Head& head)>;

  // `question` must outlive the scan.
  Scan(Database& db, const ScanQuestion& question);
  ~Scan();

  Status Run(const Visit& visit);

 private:
  struct Item;
  struct Part;

  // The first window at `from` or later in which there is something; nothing where there is none.
  Result<std::optional<int64_t>> NextWindow(int64_t from);
  Result<std::vector<Item>> Load(int64_t window);
  Status LoadBlocks(int64_t window, std::vector<Item>& items, int64_t& covered);
  Status LoadJournal(int64_t window, int64_t covered, std::vector<Item>& items);
  void Take(const Item& item);
  uint64_t AliasOf(const ColumnKey& key, uint32_t slot);

  Database& db_;
  const ScanQuestion& question_;
  sparkplug::BatchDecoder decoder_;
  std::map<int64_t, Head> heads_;  // by spool
  // Columns of blocks speak an alias each, which this scan gives them.
  AliasTable column_aliases_;
  std::map<ColumnKey, uint64_t> given_;
  std::vector<std::unique_ptr<Part>> parts_;  // of the window that is being read
  std::vector<sparkplug::SampleView> samples_;
};

}  // namespace haidang::store
