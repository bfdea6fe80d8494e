#include "collector/head_rebuild.h"

#include <algorithm>
#include <string>
#include <vector>

namespace haidang::collector {
namespace {

constexpr size_t kMaxBatches = 512;
constexpr size_t kMaxBytes = 16U << 20;
constexpr int64_t kMaxAgeMs = int64_t{30} * 60 * 1000;

struct Kept {
  uint64_t number;
  bool full;
  std::string payload;
};

}  // namespace

Result<Rebuilt> RebuildHead(store::Store& store, Fleet& fleet, Machine& machine,
                            sparkplug::BatchDecoder& decoder, int64_t received_after_ms) {
  Rebuilt rebuilt;
  machine.head.Forget();
  if (machine.live == nullptr) return rebuilt;
  auto aliases = fleet.AliasesOf(store, machine, *machine.live);
  if (!aliases) return aliases.error();
  std::vector<Kept> batches;
  size_t bytes = 0;
  int64_t newest_ms = INT64_MIN;
  auto read = store.Recent(machine.row.id, INT64_MIN, [&](const store::JournalRow& row) {
    rebuilt.received_ms = std::max(rebuilt.received_ms, row.received_ms);
    newest_ms = std::max(newest_ms, row.time_ms);
    Spool& live = *machine.live;
    if (row.spool == live.row.id && row.number == live.committed.Highest()) {
      live.highest_time_ms = row.time_ms;
    }
    if (row.received_ms < received_after_ms || newest_ms - row.time_ms > kMaxAgeMs) return false;
    if (row.spool != machine.live->row.id) return true;
    const bool full = (row.flags & store::kFlagFull) != 0;
    batches.push_back({row.number, full, std::string(row.payload)});
    bytes += row.payload.size();
    return !full && batches.size() < kMaxBatches && bytes < kMaxBytes;
  });
  if (!read) return read.error();
  if (rebuilt.received_ms == 0) {
    const auto received_ms = store.LastReceivedInBlocks(machine.row.id);
    if (!received_ms) return received_ms.error();
    rebuilt.received_ms = *received_ms;
  }
  std::sort(batches.begin(), batches.end(),
            [](const Kept& a, const Kept& b) { return a.number < b.number; });
  for (const Kept& batch : batches) {
    auto message = decoder.Decode(batch.payload);
    if (!message) continue;
    for (const sparkplug::BatchView& view : message->batches) {
      if (view.header.number != batch.number) continue;
      machine.head.Apply(machine.live->row.id, view.header, view.samples, **aliases);
    }
  }
  return rebuilt;
}

}  // namespace haidang::collector
