#pragma once

#include <optional>

#include "collector/store/store.h"

namespace haidang::store {

// Compiled once; used by the loop thread alone.
struct Store::Statements {
  std::optional<Statement> append, event, boot, expire_boots, machine, spool, series, alias,
      presence, close_info, info, gap, quarantine, finding, snapshot, range, hole, remove_hole,
      open_holes, expire_holes, remove_range, aliases, ranges, recent, crc, in_gap, expire,
      note_expired, expire_events, expire_findings, age_journal, age_events, forget_spool,
      forget_ranges, forget_gaps, forget_layout, block, blocks, expire_blocks, last_block,
      of_others, machine_series, rollup, rollup_merged, rollup_due, rollup_settled, expire_rollups,
      remote, remove_remote, free_pages, shrink, note_covered;
};

}  // namespace haidang::store
