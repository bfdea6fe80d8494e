#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/sample.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {

// What an alias means for one machine. Eight bytes: 10 000 machines have a million of them.
struct AliasEntry {
  static constexpr uint32_t kUnknown = UINT32_MAX;      // no birth declared it
  static constexpr uint32_t kIgnored = UINT32_MAX - 1;  // beyond the machine's cap of series
  uint32_t slot = kUnknown;                             // index into the machine's series
  uint8_t group = 0;
  DataType datatype = DataType::kDouble;
};

// The aliases of one layout: the low ones, which nearly all are, indexed by
// alias - kFirstSeriesAlias; those of an agent whose devices came and went for years in a map.
class AliasTable {
 public:
  static constexpr uint64_t kDense = 65536;
  static constexpr size_t kMaxSparse = 65536;  // further ones are not taken

  const AliasEntry* Find(uint64_t alias) const {
    const uint64_t i = alias - sparkplug::kFirstSeriesAlias;  // wraps below the first: not found
    if (i >= kDense) return FindSparse(alias);
    return i < dense_.size() && dense_[i].slot != AliasEntry::kUnknown ? &dense_[i] : nullptr;
  }
  // False where there is no room. Required: kFirstSeriesAlias ≤ alias.
  bool Set(uint64_t alias, AliasEntry entry);
  // Gives every entry the slot that `slot_of(alias, entry)` answers; kUnknown forgets it.
  void Move(const std::function<uint32_t(uint64_t alias, const AliasEntry&)>& slot_of);

 private:
  const AliasEntry* FindSparse(uint64_t alias) const;

  std::vector<AliasEntry> dense_;
  std::unordered_map<uint64_t, AliasEntry> sparse_;
};

// The values that a machine's series have now, by slot. A value is known while nothing happened
// that makes it unknown: between consecutive batches of one spool id, for groups that the later one
// names as read, "not stated" means "unchanged"; over a hole, after a full batch that leaves it
// out, or when its group was not read, it is unknown until it is stated again. Null is unknown.
// Loop thread.
class Head {
 public:
  // Longer texts and histograms are unknown: ten thousand machines must fit into memory.
  static constexpr size_t kMaxText = 8192;  // bytes

  // Samples whose alias is not in `aliases` are not looked at.
  void Apply(int64_t spool, const sparkplug::BatchHeader& header,
             std::span<const sparkplug::SampleView> samples, const AliasTable& aliases);

  // Everything is unknown, as before the first batch.
  void Forget();

  bool Known(uint32_t slot) const;
  // Null where unknown.
  Value ValueOf(uint32_t slot) const;
  // Nothing where it is unknown, not finite, or no number.
  std::optional<double> Number(uint32_t slot) const;
  // The encoded histogram or the text; nothing where it is unknown or something else.
  std::optional<std::string_view> Text(uint32_t slot) const;

  int64_t spool() const { return spool_; }     // row id; 0 before the first batch
  uint64_t number() const { return number_; }  // of the newest batch
  int64_t device_ms() const { return device_ms_; }
  // The batch from which a rebuild would begin; number 0 where there was no full one yet.
  uint64_t full_number() const { return full_number_; }
  int64_t full_device_ms() const { return full_device_ms_; }
  // A number between the last full batch and the newest is missing: when it comes, rebuild.
  bool has_hole() const { return has_hole_; }

 private:
  struct Cell {
    sparkplug::WireValue::Kind kind = sparkplug::WireValue::Kind::kNull;
    uint8_t group = 0;
    DataType datatype = DataType::kDouble;
    uint32_t epoch = 0;  // of the batch that stated it; 0: never
    uint64_t bits = 0;
    std::string text;
  };
  void Store(const AliasEntry& entry, const sparkplug::WireValue& value);
  void EndKnowledge(const sparkplug::BatchHeader& header, bool consecutive);

  std::vector<Cell> cells_;
  // What was stated before this epoch is unknown now, by group.
  std::array<uint32_t, sparkplug::kMaxGroups> since_{};
  uint32_t epoch_ = 0;
  int64_t spool_ = 0;
  uint64_t number_ = 0;
  int64_t device_ms_ = 0;
  uint64_t full_number_ = 0;
  int64_t full_device_ms_ = 0;
  bool has_hole_ = false;
};

}  // namespace haidang::store
