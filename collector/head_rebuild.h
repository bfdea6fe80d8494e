#pragma once

#include <cstdint>

#include "collector/fleet.h"
#include "core/result.h"
#include "core/sparkplug/batch.h"

namespace haidang::collector {

// What the journal told of a machine's newest batches.
struct Rebuilt {
  int64_t received_ms = 0;  // of the one received last; 0: there is none
};

// Makes the machine's head anew from the journal: from the last full batch of its live spool on, at
// most 512 batches or 30 minutes back. Batches received before `received_after_ms` only count for
// `received_ms`. Loop thread.
Result<Rebuilt> RebuildHead(store::Store& store, Fleet& fleet, Machine& machine,
                            sparkplug::BatchDecoder& decoder, int64_t received_after_ms = 0);

}  // namespace haidang::collector
