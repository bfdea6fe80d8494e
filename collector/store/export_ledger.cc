#include <optional>

#include "collector/store/audit.h"
#include "collector/store/store_file.h"

namespace haidang::store {

Status ExportLedger(const std::string& path, const std::function<bool(const LedgerEntry&)>& visit) {
  auto file = StoreFile::Open(path);
  if (!file) return file.error();
  if (auto loaded = file->Load(); !loaded) return loaded;
  std::optional<Error> stopped;
  int64_t left_out = 0;
  const auto stop = [&](const JournalEntry& row, const std::string& why) {
    if (!stopped) stopped = Error{path + ": journal row " + std::to_string(row.id) + ": " + why};
  };
  auto walked = file->WalkJournal(
      [&](const JournalEntry& row, const auto&, const sparkplug::BatchView& batch) {
        if (stopped) return;
        const SpoolOfFile* spool = file->FindSpool(row.spool);
        if (spool == nullptr) return stop(row, "of a spool that no table knows");
        for (const sparkplug::SampleView& sample : batch.samples) {
          const auto aliases = file->AliasesOf(spool->layout);
          if (!aliases) return stop(row, aliases.error().message);
          const auto* known = FindAlias(**aliases, sample.alias);
          if (known == nullptr || known->second == 0) continue;
          const auto series = file->FindSeries(known->second);
          if (!series) return stop(row, series.error().message);
          if (*series == nullptr) {
            ++left_out;
            continue;
          }
          const Value value = sparkplug::ToValue(sample.value, (*series)->datatype);
          if (!visit({spool->machine, (*series)->id, batch.header.wall_ms, value})) {
            return stop(row, "writing was given up");
          }
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
