#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace haidang::verdict {

// The middle of the finite ones; nothing where there is none.
inline std::optional<double> Median(std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What is usual of N values that are measured together: the median of medians of half hours, of the
// last 48 in which anything was measured and of seven days at most. The caller leaves out what was
// measured in trouble. At most about 3 KiB with N = 7; pure.
template <size_t N>
class Usual {
 public:
  using Values = std::array<std::optional<double>, N>;

  // `needed`: so many measurements before anything is usual.
  explicit Usual(uint64_t needed = 10) : needed_(needed) {}

  void Add(const Values& values, int64_t now_ms) {
    const int64_t block = now_ms / kBlockMs;
    if (!recent_.empty() && block != block_) Close();
    block_ = block;
    ++count_;
    ++in_block_;
    Row row = ToRow(values);
    if (recent_.size() < kReservoir) {
      recent_.push_back(row);
    } else if (const uint64_t at = Random() % in_block_; at < kReservoir) {
      recent_[at] = row;  // every one of the half hour is kept with the same probability
    }
    Compute();
  }

  // The mean of a longer time that was measured before; the earlier ones first.
  void AddBlock(const Values& values, int64_t at_ms) {
    if (blocks_.size() >= kBlocks) blocks_.erase(blocks_.begin());
    blocks_.push_back({at_ms / kBlockMs, ToRow(values)});
    block_ = std::max(block_, at_ms / kBlockMs);
    count_ += kEnough;
    Compute();
  }

  const Values& now() const { return usual_; }

  bool known() const { return count_ >= needed_; }

 private:
  static constexpr int64_t kBlockMs = int64_t{30} * 60 * 1000;
  static constexpr int64_t kDays = 7;
  static constexpr size_t kBlocks = 48;
  static constexpr size_t kReservoir = 24;
  static constexpr size_t kEnough = 5;  // of a half hour, to count as one
  using Row = std::array<float, N>;
  struct Block {
    int64_t number = 0;
    Row medians{};
  };

  static Row ToRow(const Values& values) {
    Row row;
    for (size_t i = 0; i < N; ++i) {
      row[i] = values[i] ? static_cast<float>(*values[i]) : std::numeric_limits<float>::quiet_NaN();
    }
    return row;
  }
  void Compute() {
    if (count_ < needed_) return;
    const int64_t oldest = block_ - kDays * 48;
    for (size_t i = 0; i < N; ++i) {
      std::vector<float> all;
      for (const Block& block : blocks_) {
        if (block.number >= oldest) all.push_back(block.medians[i]);
      }
      if (recent_.size() >= kEnough || all.empty()) {
        if (const auto now = MedianOf(i)) all.push_back(static_cast<float>(*now));
      }
      usual_[i] = Median(std::move(all));
    }
  }
  std::optional<double> MedianOf(size_t i) const {
    std::vector<float> values;
    for (const Row& row : recent_) values.push_back(row[i]);
    return Median(std::move(values));
  }
  void Close() {
    if (recent_.size() >= kEnough || blocks_.empty()) {
      Values medians;
      for (size_t i = 0; i < N; ++i) medians[i] = MedianOf(i);
      if (blocks_.size() >= kBlocks) blocks_.erase(blocks_.begin());
      blocks_.push_back({block_, ToRow(medians)});
    }
    recent_.clear();
    in_block_ = 0;
  }
  uint64_t Random() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return random_ >> 33;
  }

  uint64_t needed_;
  uint64_t count_ = 0;
  uint64_t in_block_ = 0;
  uint64_t random_ = 1;
  int64_t block_ = 0;
  std::vector<Block> blocks_;
  std::vector<Row> recent_;  // of the half hour under way
  Values usual_;
};

}  // namespace haidang::verdict
