#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sparkplug/lease.h"

// NCMD payloads (docs/wire-format.md).
namespace haidang::sparkplug {

// Inclusive.
struct NumberRange {
  uint64_t first = 0;
  uint64_t last = 0;
  bool operator==(const NumberRange&) const = default;
};

inline constexpr size_t kMaxCommittedRanges = 32;

// "These batches are safely on disk here": the only acknowledgement there is.
struct Committed {
  uint64_t store_id = 0;
  uint64_t spool_id = 0;
  uint64_t cumulative = 0;          // every number from 1 to this one is settled; 0: none
  std::vector<NumberRange> ranges;  // further ones, ascending, disjoint, above cumulative + 1
  uint64_t newest = 0;              // the batch whose receipt `received_ms` is; 0: none
  int64_t received_ms = 0;          // the collector's wall clock
  int64_t sent_ms = 0;              // the collector's wall clock; the payload's timestamp
  // The highest batch that is stored, and the CRC that it has there: who has this number with
  // another CRC is not who sent it. Number 0: none.
  uint64_t check_number = 0;
  uint64_t check_crc = 0;
};

// What an NCMD asks. Unknown metrics are ignored and counted by the caller through `unknown`.
struct Command {
  bool rebirth = false;
  std::optional<Committed> committed;
  std::optional<double> backfill_rate;  // batches a second, ≥ 0
  // All the shared journeys that the machine is to walk from now on; what was said before is over.
  std::optional<std::vector<Lease>> journeys;
  int unknown = 0;
};

std::string EncodeRebirth(int64_t sent_ms);
std::string EncodeCommitted(const Committed& committed);
std::string EncodeBackfillRate(double batches_per_second, int64_t sent_ms);
// Required: what EncodeLeases asks.
std::string EncodeJourneys(std::span<const Lease> leases, int64_t sent_ms);

Result<Command> DecodeCommand(std::string_view payload);

}  // namespace haidang::sparkplug
