#include "collector/export_tool.h"

#include <cstdio>

#include "collector/export_samples.h"
#include "collector/hold_state.h"
#include "collector/store/audit.h"
#include "core/ledger.h"

namespace haidang::collector {
namespace {

bool Print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

Status WriteLedger(const std::string& path) {
  return store::ExportLedger(path, [](const store::LedgerEntry& entry) {
    return Print(LedgerLine(entry.machine, entry.series, entry.ts_ms, entry.value) + '\n');
  });
}

Result<SampleChoice> Choose(const ExportOrder& order) {
  SampleChoice choice;
  choice.machines = order.machines;
  choice.metrics = order.metrics;
  for (const auto& [text, bound] :
       {std::pair(&order.from, &choice.from_ms), std::pair(&order.to, &choice.to_ms)}) {
    if (text->empty()) continue;
    const auto moment = ParseMoment(*text);
    if (!moment) return moment.error();
    *bound = *moment;
  }
  if (choice.from_ms <= choice.to_ms) return choice;
  return Error{"--from is after --to"};
}

Status WriteSamples(const std::string& path, const ExportOrder& order) {
  const auto choice = Choose(order);
  if (!choice) return choice.error();
  auto store = store::SampleWalk::Open(path);
  if (!store) return store.error();
  return order.csv ? WriteCsv(*store, *choice, Print) : WriteOpenMetrics(*store, *choice, Print);
}

}  // namespace

Status ExportStore(const std::string& directory, const ExportOrder& order) {
  const auto path = ClaimStore(directory, order.file);
  if (!path) return path.error();
  const Status exported = order.ledger ? WriteLedger(*path) : WriteSamples(*path, order);
  if (exported && std::fflush(stdout) != 0) return Error{"stdout: cannot be written"};
  return exported;
}

}  // namespace haidang::collector
