#include <optional>

#include "collector/store/audit.h"
#include "collector/store/block/block.h"
#include "collector/store/store_file.h"

namespace haidang::store {
namespace {

template <typename Tell>
Status TellBlock(StoreFile& file, const BlockEntry& row, Tell&& tell) {
  const auto block = Block::Open(row.bytes);
  if (!block) return block.error();
  StatedValues values;
  for (const Block::Column& column : block->columns()) {
    if (auto read = block->Read(column, values); !read) return read;
    for (const Stated& stated : values.rows()) {
      const TickRow& tick = block->rows()[stated.tick];
      const SpoolOfFile* spool = file.FindSpool(tick.spool);
      if (spool == nullptr) return Error{"of a spool that no table knows"};
      auto told =
          tell(spool->machine, column.key.series, tick.time_ms + tick.offset_ms, stated.value);
      if (!told) return told;
    }
  }
  return {};
}

}  // namespace

Status ExportLedger(const std::string& path, const std::function<bool(const LedgerEntry&)>& visit) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  if (auto loaded = file->Load(); !loaded) return loaded;
  std::optional<Error> stopped;
  int64_t left_out = 0;
  const auto stop = [&](const JournalEntry& row, const std::string& why) {
    if (!stopped) stopped = Error{path + ": journal row " + std::to_string(row.id) + ": " + why};
  };
  const auto tell = [&](std::string_view machine, int64_t series_row, int64_t ts_ms,
                        const sparkplug::WireValue& value) -> Status {
    const auto series = file->FindSeries(series_row);
    if (!series) return series.error();
    if (*series == nullptr) {
      ++left_out;
      return {};
    }
    const Value meant = sparkplug::ToValue(value, (*series)->datatype);
    if (!visit({machine, (*series)->id, ts_ms, meant})) return Error{"writing was given up"};
    return {};
  };
  auto blocks = file->WalkBlocks([&](const BlockEntry& row) {
    if (stopped) return;
    if (auto told = TellBlock(*file, row, tell); !told) {
      stopped = Error{path + ": block row " + std::to_string(row.id) + ": " + told.error().message};
    }
  });
  if (!blocks) return blocks;
  auto walked = file->WalkJournal(
      [&](const JournalEntry& row, const auto&, const sparkplug::BatchView& batch) {
        if (stopped) return;
        const auto in_block = file->IsInBlock(row);
        if (!in_block) return stop(row, in_block.error().message);
        if (*in_block) return;
        const SpoolOfFile* spool = file->FindSpool(row.spool);
        if (spool == nullptr) return stop(row, "of a spool that no table knows");
        for (const sparkplug::SampleView& sample : batch.samples) {
          const auto aliases = file->AliasesOf(spool->layout);
          if (!aliases) return stop(row, aliases.error().message);
          const auto* known = FindAlias(**aliases, sample.alias);
          if (known == nullptr || known->second == 0) continue;
          auto told = tell(spool->machine, known->second, batch.header.wall_ms, sample.value);
          if (!told) return stop(row, told.error().message);
        }
      },
      stop);
  if (!walked) return walked;
  if (stopped) return *stopped;
  if (left_out == 0) return {};
  return Error{path + ": " + std::to_string(left_out) +
               " values are left out, because their series are gone from the table series; "
               "haidang-collector check says more"};
}

}  // namespace haidang::store
