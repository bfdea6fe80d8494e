#include <limits>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"
#include "core/sparkplug/batch.h"

// What waits, as parcels, and what is told of it.
namespace haidang::agent {
namespace {

// What is read at once.
constexpr size_t kMaxParcelBytes = 256 << 10;

}  // namespace

Parcel SqliteSpool::ParcelOf(int64_t first, int64_t last, bool packed, std::string bytes) const {
  const auto spool = SpoolOf(first);
  return {spool->second.id,
          static_cast<uint64_t>(first - spool->first),
          static_cast<uint64_t>(last - spool->first),
          first,
          packed,
          std::move(bytes)};
}

const SqliteSpool::InMemory* SqliteSpool::FindInMemory(int64_t row) const {
  const auto at = std::find_if(memory_.begin(), memory_.end(),
                               [&](const InMemory& batch) { return batch.rowid == row; });
  return at == memory_.end() ? nullptr : &*at;
}

Result<std::vector<Parcel>> SqliteSpool::ReadWaiting(size_t limit, std::optional<int64_t> below_row,
                                                     const InFlight& in_flight) {
  std::vector<Parcel> parcels;
  const RowSet waiting = WaitingRows();
  const int64_t end = below_row.value_or(std::numeric_limits<int64_t>::max());
  const auto flies = [&](int64_t row) {
    const auto spool = SpoolOf(row);
    return in_flight(spool->second.id, static_cast<uint64_t>(row - spool->first));
  };
  size_t bytes = 0;
  std::optional<int64_t> row = waiting.LastTo(end - 1);
  while (row && parcels.size() < limit && bytes < kMaxParcelBytes) {
    int64_t from = *row;
    if (!flies(*row)) {
      const InMemory* kept = FindInMemory(*row);
      Result<std::optional<Item>> item = kept != nullptr ? std::optional<Item>() : ItemAt(*row);
      if (!item) return item.error();
      if (kept != nullptr) {
        parcels.push_back(ParcelOf(*row, *row, false, kept->bytes));
      } else if (!*item) {
        Lose(*row, *row, "corrupt");
      } else {
        RowSet wanted;
        from = (*item)->first;
        for (int64_t each = from; each <= *row; ++each) {
          if (waiting.Contains(each) && !flies(each)) wanted.Add(each, each);
        }
        if (Status s = AddParcels(**item, wanted, false, limit, parcels); !s) return s.error();
      }
      if (!parcels.empty()) bytes += parcels.back().bytes.size();
    }
    row = waiting.LastTo(from - 1);
  }
  return parcels;
}

Result<std::vector<Parcel>> SqliteSpool::ReadWaitingOf(uint64_t spool_id, uint64_t first,
                                                       uint64_t last) {
  std::vector<Parcel> parcels;
  const auto spool = FindSpool(spool_id);
  if (spool == books_.spools.end() || first == 0 || first >= spool->second.next) return parcels;
  const int64_t base = spool->first;
  const RowSet wanted =
      WaitingRows().Within(base + static_cast<int64_t>(first),
                           base + static_cast<int64_t>(std::min(last, spool->second.next - 1)));
  for (auto row = wanted.LastTo(std::numeric_limits<int64_t>::max()); row;) {
    if (const InMemory* kept = FindInMemory(*row)) {
      parcels.push_back(ParcelOf(*row, *row, false, kept->bytes));
      row = wanted.LastTo(*row - 1);
      continue;
    }
    Result<std::optional<Item>> item = ItemAt(*row);
    if (!item) return item.error();
    if (!*item) break;
    const size_t limit = std::numeric_limits<size_t>::max();
    if (Status s = AddParcels(**item, wanted, true, limit, parcels); !s) return s.error();
    row = wanted.LastTo((*item)->first - 1);
  }
  return parcels;
}

// The wanted rows of one of the file. `check`: a pack is looked into before it is sent.
Status SqliteSpool::AddParcels(const Item& item, const RowSet& wanted, bool check, size_t limit,
                               std::vector<Parcel>& parcels) {
  const RowSet rows = wanted.Within(item.first, item.last);
  const bool whole = rows.Count() * 2 > static_cast<size_t>(item.last - item.first + 1);
  if (!item.packed || (whole && !check)) {
    Result<std::string> bytes = ReadItem(item);
    if (!bytes) return bytes.error();
    parcels.push_back(ParcelOf(item.first, item.last, item.packed, std::move(bytes).value()));
    return {};
  }
  Result<std::optional<std::vector<std::string>>> batches = Unpack(item);
  if (!batches) return batches.error();
  if (!*batches) return {};
  if (whole) return AddParcels(item, wanted, false, limit, parcels);
  for (auto row = rows.LastTo(item.last); row && parcels.size() < limit;
       row = rows.LastTo(*row - 1)) {
    parcels.push_back(ParcelOf(*row, *row, false,
                               std::move((**batches)[static_cast<size_t>(*row - item.first)])));
  }
  return {};
}

Result<std::string> SqliteSpool::ReadItem(const Item& item) {
  Statement& select = item.packed ? sql_->pack_bytes : sql_->batch_bytes;
  Result<bool> row = select.Bind(1, item.first).Step();
  if (!row) return row.error();
  if (!*row) return Error{options_.path + ": a batch that was just there is gone"};
  std::string bytes(select.Blob(0));
  select.Reset();
  return bytes;
}

// Its batches; nothing where it is damaged, which gives it up.
Result<std::optional<std::vector<std::string>>> SqliteSpool::Unpack(const Item& item) {
  Result<std::string> bytes = ReadItem(item);
  if (!bytes) return bytes.error();
  Result<std::vector<std::string>> batches = sparkplug::OpenEnvelopeBody(*bytes);
  if (batches && std::ssize(*batches) == item.last - item.first + 1) {
    return std::optional(std::move(batches).value());
  }
  spdlog::error("{}: {} batches of spool {:016x} are damaged, and given up", options_.path,
                item.last - item.first + 1, SpoolOf(item.first)->second.id);
  if (Status s = InTransaction([&] { return DropItem(item, "corrupt"); }); !s) return s.error();
  return std::optional<std::vector<std::string>>();
}

Result<std::optional<std::string>> SqliteSpool::ReadBatch(int64_t row) {
  using Bytes = std::optional<std::string>;
  if (const InMemory* kept = FindInMemory(row)) return Bytes(kept->bytes);
  Result<std::optional<Item>> item = ItemAt(row);
  if (!item) return item.error();
  if (!*item) return Bytes();
  if (!(*item)->packed) {
    Result<std::string> bytes = ReadItem(**item);
    if (!bytes) return bytes.error();
    return Bytes(std::move(bytes).value());
  }
  Result<std::optional<std::vector<std::string>>> batches = Unpack(**item);
  if (!batches) return batches.error();
  if (!*batches) return Bytes();
  return Bytes(std::move((**batches)[static_cast<size_t>(row - (*item)->first)]));
}

// ---- what is told ----

// First: every number from it on can be had, unless older ones still wait below a hole.
sparkplug::HeldSpool SqliteSpool::Describe(Spools::const_iterator spool) const {
  const int64_t first = spool->first + 1, last = LastRow(spool);
  const RowSet held = books_.held.Within(first, last);
  const int64_t waiting = held.Minus(books_.settled).First().value_or(last + 1);
  RowSet given_up;
  given_up.Add(first, last);
  given_up = given_up.Minus(held).Minus(books_.settled);
  const int64_t from = given_up.LastTo(waiting - 1).value_or(spool->first) + 1;
  const int64_t oldest = held.FirstFrom(from).value_or(last + 1);
  return {spool->second.id, static_cast<uint64_t>(oldest - spool->first), spool->second.next,
          spool->second.reason, 0};
}

Result<std::vector<sparkplug::HeldSpool>> SqliteSpool::DescribeHeld() const {
  std::vector<sparkplug::HeldSpool> all;
  for (auto spool = books_.spools.begin(); spool != books_.spools.end(); ++spool) {
    const SpoolId& one = spool->second;
    if (!IsLeft(spool)) {
      all.push_back(Describe(spool));
    } else if (one.next > 1) {
      all.push_back({one.id, one.next, one.next, "", heard_ms_});
    }
  }
  for (const Ended& ended : books_.ended) {
    all.push_back({ended.id, ended.next, ended.next, "", ended.ended_ms});
  }
  return all;
}

int64_t SqliteSpool::waiting_bytes() const {
  const size_t held = books_.held.Count();
  if (held == 0) return 0;
  const double share = static_cast<double>(waiting_batches()) / static_cast<double>(held);
  return static_cast<int64_t>(static_cast<double>(held_bytes()) * share);
}

Result<SpoolReport> SqliteSpool::MakeReport() {
  SpoolReport report;
  report.max_bytes = options_.max_bytes;
  report.in_memory = memory_.size();
  for (auto spool = books_.spools.begin(); spool != books_.spools.end(); ++spool) {
    const bool is_current = std::next(spool) == books_.spools.end();
    if (IsLeft(spool)) continue;
    SpoolIdReport& line = report.spools.emplace_back();
    line.spool_id = spool->second.id;
    line.current = is_current;
    line.held = Describe(spool);
    std::optional<int64_t> row = books_.held.FirstFrom(spool->first + 1);
    while (row && *row <= LastRow(spool)) {
      if (const InMemory* kept = FindInMemory(*row)) {
        AddToReport({*row, *row, kept->age_ms, std::ssize(kept->bytes), false}, line);
        row = books_.held.FirstFrom(*row + 1);
        continue;
      }
      Result<std::optional<Item>> item = ItemAt(*row);
      if (!item) return item.error();
      if (!*item) break;
      AddToReport(**item, line);
      row = books_.held.FirstFrom((*item)->last + 1);
    }
  }
  return report;
}

void SqliteSpool::AddToReport(const Item& item, SpoolIdReport& report) const {
  const RowSet rows = books_.held.Within(item.first, item.last);
  const size_t waiting = rows.Minus(books_.settled).Count();
  const size_t kept = rows.Count() - waiting;
  const int64_t bytes = item.bytes + kRowOverhead;
  const int64_t waiting_bytes =
      bytes * static_cast<int64_t>(waiting) / static_cast<int64_t>(rows.Count());
  report.kept += kept;
  report.kept_bytes += bytes - waiting_bytes;
  if (waiting == 0) return;
  if (report.waiting == 0) report.oldest_ms = AgeNow() - item.age_ms;
  report.newest_ms = AgeNow() - item.age_ms;
  report.waiting += waiting;
  report.waiting_bytes += waiting_bytes;
}

}  // namespace haidang::agent
