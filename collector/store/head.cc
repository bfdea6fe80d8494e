#include "collector/store/head.h"

#include <bit>
#include <cmath>
#include <iterator>

namespace haidang::store {

bool AliasTable::Set(uint64_t alias, AliasEntry entry) {
  const uint64_t i = alias - sparkplug::kFirstSeriesAlias;
  if (i >= kDense) {
    if (sparse_.size() >= kMaxSparse && !sparse_.contains(alias)) return false;
    sparse_[alias] = entry;
    return true;
  }
  if (i >= dense_.size()) dense_.resize(i + 1);
  dense_[i] = entry;
  return true;
}

void AliasTable::Move(const std::function<uint32_t(uint64_t, const AliasEntry&)>& slot_of) {
  for (size_t i = 0; i < dense_.size(); ++i) {
    AliasEntry& entry = dense_[i];
    if (entry.slot != AliasEntry::kUnknown) {
      entry.slot = slot_of(sparkplug::kFirstSeriesAlias + i, entry);
    }
  }
  for (auto it = sparse_.begin(); it != sparse_.end();) {
    it->second.slot = slot_of(it->first, it->second);
    it = it->second.slot == AliasEntry::kUnknown ? sparse_.erase(it) : std::next(it);
  }
}

const AliasEntry* AliasTable::FindSparse(uint64_t alias) const {
  const auto it = sparse_.find(alias);
  return it == sparse_.end() ? nullptr : &it->second;
}

void Head::Apply(int64_t spool, const sparkplug::BatchHeader& header,
                 std::span<const sparkplug::SampleView> samples, const AliasTable& aliases) {
  const bool consecutive = spool_ == spool && number_ != 0 && header.number == number_ + 1;
  ++epoch_;
  EndKnowledge(header, consecutive);
  for (const sparkplug::SampleView& sample : samples) {
    const AliasEntry* entry = aliases.Find(sample.alias);
    if (entry != nullptr && entry->slot != AliasEntry::kIgnored) Store(*entry, sample.value);
  }
  if (header.full) {
    full_number_ = header.number;
    full_device_ms_ = header.wall_ms;
    has_hole_ = false;
  } else if (!consecutive) {
    has_hole_ = true;
    if (spool_ != spool) full_number_ = 0;
  }
  spool_ = spool;
  number_ = header.number;
  device_ms_ = header.wall_ms;
}

void Head::EndKnowledge(const sparkplug::BatchHeader& header, bool consecutive) {
  if (!consecutive || header.full) {
    since_.fill(epoch_);
    return;
  }
  for (uint64_t unread = ~header.groups; unread != 0; unread &= unread - 1) {
    since_[static_cast<size_t>(std::countr_zero(unread))] = epoch_;
  }
}

void Head::Store(const AliasEntry& entry, const sparkplug::WireValue& value) {
  if (entry.slot >= cells_.size()) cells_.resize(entry.slot + 1);
  Cell& cell = cells_[entry.slot];
  cell.kind = value.kind;
  cell.group = entry.group;
  cell.datatype = entry.datatype;
  cell.epoch = epoch_;
  cell.bits = value.bits;
  if (value.view.size() > kMaxText) {
    cell.kind = sparkplug::WireValue::Kind::kNull;
    cell.text.clear();
  } else if (!value.view.empty() || !cell.text.empty()) {
    cell.text.assign(value.view);
  }
}

void Head::Forget() {
  since_.fill(++epoch_);
  spool_ = 0;
  number_ = 0;
  full_number_ = 0;
  has_hole_ = false;
}

bool Head::Known(uint32_t slot) const {
  if (slot >= cells_.size()) return false;
  const Cell& cell = cells_[slot];
  return cell.epoch != 0 && cell.epoch >= since_[cell.group] &&
         cell.kind != sparkplug::WireValue::Kind::kNull;
}

Value Head::ValueOf(uint32_t slot) const {
  if (!Known(slot)) return Null{};
  const Cell& cell = cells_[slot];
  return sparkplug::ToValue({cell.kind, cell.bits, cell.text}, cell.datatype);
}

std::optional<double> Head::Number(uint32_t slot) const {
  if (!Known(slot)) return std::nullopt;
  const Cell& cell = cells_[slot];
  if (cell.datatype == DataType::kString || cell.datatype == DataType::kBytes) return std::nullopt;
  const double number = AsNumber(sparkplug::ToValue({cell.kind, cell.bits, {}}, cell.datatype));
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::string_view> Head::Text(uint32_t slot) const {
  using Kind = sparkplug::WireValue::Kind;
  if (!Known(slot)) return std::nullopt;
  const Cell& cell = cells_[slot];
  const Kind wanted = cell.datatype == DataType::kString ? Kind::kText : Kind::kBytes;
  if (cell.kind != wanted) return std::nullopt;
  if (cell.datatype != DataType::kString && cell.datatype != DataType::kBytes) return std::nullopt;
  return std::string_view(cell.text);
}

}  // namespace haidang::store
