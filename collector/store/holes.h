#pragma once

#include "collector/store/rows.h"
#include "core/io/database.h"

namespace haidang::store {

// What ReadHole reads, without its WHERE.
inline constexpr const char* kSelectHole =
    "SELECT id, machine, spool, first, last, from_ms, to_ms, reason, recovered, lost, opened_ms,"
    " closed_ms FROM hole";

inline HoleRow ReadHole(const Statement& s) {
  HoleRow row;
  row.id = s.Int(0);
  row.machine = s.Int(1);
  row.spool = s.Int(2);
  row.range = {s.UInt(3), s.UInt(4)};
  if (!s.IsNull(5)) row.from_ms = s.Int(5);
  row.to_ms = s.Int(6);
  row.reason = s.Text(7);
  row.recovered = s.UInt(8);
  row.lost = s.UInt(9);
  row.opened_ms = s.Int(10);
  if (!s.IsNull(11)) row.closed_ms = s.Int(11);
  return row;
}

}  // namespace haidang::store
