#include <algorithm>
#include <limits>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"
#include "core/sparkplug/batch.h"

// What the collector's word changes.
namespace haidang::agent {
namespace {

using sparkplug::WireValue;

Value OwnedValue(const WireValue& wire) {
  switch (wire.kind) {
    case WireValue::Kind::kInt:
    case WireValue::Kind::kInt32:
      return wire.bits;  // the same bytes for both signs
    case WireValue::Kind::kDouble:
      return std::bit_cast<double>(wire.bits);
    case WireValue::Kind::kBoolean:
      return wire.bits != 0;
    case WireValue::Kind::kText:
      return std::string(wire.view);
    case WireValue::Kind::kBytes:
      return Bytes{std::string(wire.view)};
    case WireValue::Kind::kNull:
      break;
  }
  return Null{};
}

// The same batch under another key.
Result<std::string> WithKey(std::string_view encoded, uint64_t spool_id, uint64_t number) {
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(encoded);
  if (!message) return message.error();
  if (message->batches.size() != 1 || !message->batches[0].crc_matches) return Error{"damaged"};
  const sparkplug::BatchView& view = message->batches[0];
  sparkplug::Batch batch;
  batch.header = view.header;
  batch.header.spool_id = spool_id;
  batch.header.number = number;
  for (const sparkplug::SampleView& sample : view.samples) {
    batch.samples.emplace_back(sample.alias, OwnedValue(sample.value));
  }
  if (!view.events.empty()) {
    auto events = sparkplug::DecodeEvents(view.events);
    if (!events) return events.error();
    batch.events = std::move(events).value();
  }
  return sparkplug::EncodeBatch(batch);
}

}  // namespace

SqliteSpool::Spools::iterator SqliteSpool::FindSpool(uint64_t id) {
  return std::find_if(books_.spools.begin(), books_.spools.end(),
                      [&](const auto& entry) { return entry.second.id == id; });
}

Result<Settlement> SqliteSpool::SettleNamed(const sparkplug::Committed& committed) {
  if (committed.sent_ms > 0) heard_ms_ = committed.sent_ms;
  const auto spool = FindSpool(committed.spool_id);
  if (spool == books_.spools.end()) return Settlement{};
  const int64_t base = spool->first;
  const uint64_t last = spool->second.next - 1;
  const uint64_t highest =
      committed.ranges.empty() ? committed.cumulative : committed.ranges.back().last;
  const bool is_current = std::next(spool) == books_.spools.end();
  Result<bool> anothers =
      is_current && highest > last ? Result<bool>(true) : IsAnothers(base, committed);
  if (!anothers) return anothers.error();
  if (*anothers) return RolledBack(base, committed);

  RowSet named;
  const auto name = [&](uint64_t first, uint64_t end) {
    if (first > last) return;
    named.Add(base + static_cast<int64_t>(first), base + static_cast<int64_t>(std::min(end, last)));
  };
  name(1, committed.cumulative);
  for (const auto& range : committed.ranges) name(range.first, range.last);
  return SettleRows(base, named, committed.ranges.size() < sparkplug::kMaxCommittedRanges);
}

// In memory alone: the file learns of it with the next batch, and a crash before that costs no more
// than that the collector says it again. `everything`: what is not named, the collector does not
// have.
Settlement SqliteSpool::SettleRows(int64_t base, const RowSet& named, bool everything) {
  const auto spool = books_.spools.find(base);
  const int64_t first = base + 1, last = LastRow(spool);
  const RowSet before = books_.settled.Within(first, last);
  const RowSet held = books_.held.Within(first, last);
  const RowSet waited = held.Minus(before);
  if (everything) books_.settled.Remove(first, last);
  for (const auto& [low, high] : named.ranges()) books_.settled.Add(low, high);
  const RowSet waits = held.Minus(books_.settled);

  Settlement settlement;
  settlement.settled = waited.Minus(waits).Count();
  settlement.again = waits.Minus(waited).Count();
  const size_t unkept = before.Minus(books_.settled).Minus(held).Count();
  if (settlement.again + unkept > 0) {
    spdlog::warn(
        "{}: the collector no longer has {} batches of spool {:016x} that it had acknowledged (was "
        "it restored from a backup?): {} are sent again, {} are kept no more",
        options_.path, settlement.again + unkept, spool->second.id, settlement.again, unkept);
  }
  // What no file holds is not kept.
  std::erase_if(memory_, [&](const InMemory& batch) {
    if (!books_.settled.Contains(batch.rowid)) return false;
    memory_bytes_ -= static_cast<int64_t>(batch.bytes.size()) + kRowOverhead;
    books_.held.Remove(batch.rowid, batch.rowid);
    return true;
  });
  return settlement;
}

// The collector has a batch of ours with another content.
Result<bool> SqliteSpool::IsAnothers(int64_t base, const sparkplug::Committed& committed) {
  if (committed.check_number == 0) return false;
  if (committed.check_number >= books_.spools.find(base)->second.next) return false;
  const int64_t row = base + static_cast<int64_t>(committed.check_number);
  if (!books_.held.Contains(row)) return false;
  const Result<std::optional<std::string>> bytes = ReadBatch(row);
  if (!bytes) return bytes.error();
  if (!*bytes) return false;
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(**bytes);
  return message && message->batches.size() == 1 &&
         message->batches[0].header.crc != committed.check_crc;
}

// This machine goes on from a state of its past (a VM's snapshot), and the collector has numbers
// that were given to other batches after it. What was acknowledged before is the same on both
// sides; what came later gets keys of its own.
Result<Settlement> SqliteSpool::RolledBack(int64_t base, const sparkplug::Committed& committed) {
  const auto spool = books_.spools.find(base);
  const RowSet waiting = WaitingRows().Within(base + 1, LastRow(spool));
  const int64_t settled = books_.settled.LastTo(LastRow(spool)).value_or(base);
  RowSet rows = waiting.Within(std::max(settled, base) + 1, LastRow(spool));
  const int64_t checked = committed.check_number < spool->second.next
                              ? base + static_cast<int64_t>(committed.check_number)
                              : base;
  if (waiting.Contains(checked)) rows.Add(checked, checked);
  spdlog::error(
      "{}: the collector has other batches of spool {:016x} than we recorded: this machine was "
      "rolled back to an earlier state (a snapshot, a copied disk); a new spool id begins, {} "
      "batches are recorded anew under it",
      options_.path, spool->second.id, rows.Count());
  const std::deque<InMemory> in_memory = memory_;
  const Run run = run_;
  const Status begun = InTransaction([&]() -> Status {
    const auto here = books_.spools.find(base);
    if (Status s = SaveNext(here); !s) return s;
    if (std::next(here) == books_.spools.end()) {
      if (Status s = BeginSpool(); !s) return s;
    }
    return RecordAnew(base, rows);
  });
  if (!begun) {
    memory_ = in_memory;
    run_ = run;
    return begun.error();
  }
  return Settlement{};
}

// In a transaction. What was settled of the spool id is kept no more: a collector that was restored
// could not tell whose it is. The spool id ends with the last number that the collector had of us:
// what it has above is not ours, and what it has not is recorded anew.
Status SqliteSpool::RecordAnew(int64_t base, const RowSet& rows) {
  const auto spool = books_.spools.find(base);
  const int64_t end = std::max(base, books_.settled.LastTo(LastRow(spool)).value_or(base));
  const int64_t shift =
      rows.empty() ? 0 : LastRow(std::prev(books_.spools.end())) + 1 - *rows.First();
  const RowSet held = books_.held.Within(base + 1, LastRow(spool));
  std::optional<int64_t> at = held.First();
  while (at) {
    Result<std::optional<Item>> item = ItemAt(*at);
    if (!item) return item.error();
    if (!*item) break;  // the rest is in memory
    if (Status s = RecordItemAnew(**item, rows, shift); !s) return s;
    at = held.FirstFrom((*item)->last + 1);
  }
  for (InMemory& batch : memory_) {
    if (!rows.Contains(batch.rowid)) continue;
    books_.held.Remove(batch.rowid, batch.rowid);
    books_.settled.Add(batch.rowid, batch.rowid);
    batch.rowid += shift;
    auto bytes =
        WithKey(batch.bytes, current().id, static_cast<uint64_t>(batch.rowid - current_base()));
    if (!bytes) return bytes.error();
    memory_bytes_ += std::ssize(*bytes) - std::ssize(batch.bytes);
    batch.bytes = std::move(bytes).value();
    books_.held.Add(batch.rowid, batch.rowid);
  }
  if (const auto last = rows.LastTo(std::numeric_limits<int64_t>::max())) {
    current().next = static_cast<uint64_t>(*last + shift - current_base()) + 1;
  }
  run_ = {LastRow(std::prev(books_.spools.end())) + 1, 0, 0, 0};
  if (Status s = SaveNext(std::prev(books_.spools.end())); !s) return s;
  books_.settled.Remove(end + 1, LastRow(spool));
  spool->second.next = static_cast<uint64_t>(end - base) + 1;
  if (Status s = SaveNext(spool); !s) return s;
  return SaveSettled();
}

// One of the file: takes it apart into what goes to the other spool id and what waits where it is.
Status SqliteSpool::RecordItemAnew(const Item& item, const RowSet& rows, int64_t shift) {
  const RowSet waiting = WaitingRows().Within(item.first, item.last);
  const RowSet moving = rows.Within(item.first, item.last);
  if (moving.empty() && waiting.Count() == static_cast<size_t>(item.last - item.first + 1)) {
    return {};
  }
  std::vector<std::string> batches;
  if (!waiting.empty()) {
    Result<std::string> bytes = ReadItem(item);
    if (!bytes) return bytes.error();
    if (item.packed) {
      Result<std::vector<std::string>> opened = sparkplug::OpenEnvelopeBody(*bytes);
      if (!opened) return DropItem(item, "corrupt");
      batches = std::move(opened).value();
    } else {
      batches.push_back(std::move(bytes).value());
    }
    if (std::ssize(batches) != item.last - item.first + 1) return DropItem(item, "corrupt");
  }
  if (Status s = Delete(item); !s) return s;
  books_.held.Remove(item.first, item.last);
  for (const auto& [first, last] : waiting.ranges()) {
    for (int64_t row = first; row <= last; ++row) {
      const std::string& bytes = batches[static_cast<size_t>(row - item.first)];
      if (!moving.Contains(row)) {
        if (Status s = Insert(row, item.age_ms, bytes); !s) return s;
        continue;
      }
      books_.settled.Add(row, row);
      const int64_t fresh = row + shift;
      auto anew = WithKey(bytes, current().id, static_cast<uint64_t>(fresh - current_base()));
      if (!anew) continue;  // damaged: a hole under the new spool id
      if (Status s = Insert(fresh, item.age_ms, *anew); !s) return s;
    }
  }
  return {};
}

}  // namespace haidang::agent
