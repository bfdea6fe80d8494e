#include "core/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

namespace haidang {
namespace {

constexpr char kVersion = 1;
constexpr int kBucketsPerDoubling = 4;
// 2^(-1), 2^(-3/4), 2^(-1/2), 2^(-1/4): upper ends within [0.5, 1), frexp's range.
constexpr std::array<double, kBucketsPerDoubling> kFractions = {
    0.5, 0.5946035575013605, 0.7071067811865475, 0.8408964152537144};

int IndexOf(double value) {
  if (std::isinf(value)) return Histogram::kMaxIndex;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  const auto bound = std::lower_bound(kFractions.begin(), kFractions.end(), fraction);
  const int index =
      static_cast<int>(bound - kFractions.begin()) + (exponent - 1) * kBucketsPerDoubling;
  return std::clamp(index, Histogram::kMinIndex, Histogram::kMaxIndex);
}

// `text` is advanced past it. Throws protozero's exceptions.
uint64_t TakeVarint(std::string_view& text) {
  const char* data = text.data();
  const uint64_t value = protozero::decode_varint(&data, text.data() + text.size());
  text.remove_prefix(static_cast<size_t>(data - text.data()));
  return value;
}

}  // namespace

void Histogram::Observe(double value) {
  if (std::isnan(value) || value < 0) return;
  ++count_;
  sum_ += value;
  if (value <= kZeroThreshold) {
    ++zero_count_;
  } else {
    ++buckets_[IndexOf(value)];
  }
}

void Histogram::Merge(const Histogram& other) {
  count_ += other.count_;
  zero_count_ += other.zero_count_;
  sum_ += other.sum_;
  for (const auto& [index, count] : other.buckets_) buckets_[index] += count;
}

Histogram Histogram::Since(const Histogram& before) const {
  if (zero_count_ < before.zero_count_) return *this;
  Histogram gained;
  gained.zero_count_ = gained.count_ = zero_count_ - before.zero_count_;
  auto at = buckets_.begin();
  for (const auto& [index, count] : before.buckets_) {
    for (; at != buckets_.end() && at->first < index; ++at) gained.Gain(at->first, at->second);
    if (at == buckets_.end() || at->first != index || at->second < count) return *this;
    gained.Gain(index, at->second - count);
    ++at;
  }
  for (; at != buckets_.end(); ++at) gained.Gain(at->first, at->second);
  // Sums of what is not negative do not fall; what rounding does to them is no observation.
  if (gained.count_ > 0 && sum_ > before.sum_) gained.sum_ = sum_ - before.sum_;
  return gained;
}

void Histogram::Gain(int index, uint64_t count) {
  if (count == 0) return;
  buckets_.emplace_hint(buckets_.end(), index, count);
  count_ += count;
}

double Histogram::UpperBound(int index) {
  const int doubling = index >> 2;  // floor
  const auto part = static_cast<size_t>(index & 3);
  return std::ldexp(kFractions[part], doubling + 1);
}

double Histogram::Within(int index, double share) {
  // Of a bucket (L, U]: what is below 1.1 L is less than 10 % above all its values, what is above
  // 0.9 U less than 10 % below them.
  const double upper = UpperBound(index);
  const double spread = upper * std::exp2((share - 1) / kBucketsPerDoubling);
  return std::clamp(spread, upper * (1 - kMostError), UpperBound(index - 1) * (1 + kMostError));
}

double Histogram::ShareBelow(int index, double bound) {
  if (!(bound > 0)) return 0;
  return std::clamp(std::log2(bound) * kBucketsPerDoubling - (index - 1), 0.0, 1.0);
}

double Histogram::Quantile(double q) const {
  if (count_ == 0 || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  auto below = static_cast<double>(zero_count_);
  if (buckets_.empty() || (zero_count_ > 0 && rank <= below)) return 0;
  for (const auto& [index, count] : buckets_) {
    const auto within = static_cast<double>(count);
    if (rank <= below + within) return Within(index, (rank - below) / within);
    below += within;
  }
  return Within(buckets_.rbegin()->first, 1);  // where rounding leaves the rank above all
}

uint64_t Histogram::CountAtOrBelow(double bound) const {
  if (std::isnan(bound) || bound < 0) return 0;
  if (std::isinf(bound)) return count_;
  uint64_t total = zero_count_;
  for (const auto& [index, count] : buckets_) {
    if (index == kMaxIndex || UpperBound(index) > bound) break;
    total += count;
  }
  return total;
}

std::string Histogram::Encode() const {
  std::string out(1, kVersion);
  protozero::add_varint_to_buffer(&out, zero_count_);
  const auto bits = std::bit_cast<uint64_t>(sum_);
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((bits >> shift) & 0xFF);
  int previous = 0;
  for (const auto& [index, count] : buckets_) {
    protozero::add_varint_to_buffer(&out, protozero::encode_zigzag64(index - previous));
    protozero::add_varint_to_buffer(&out, count);
    previous = index;
  }
  return out;
}

Result<Histogram> Histogram::Decode(std::string_view bytes) try {
  if (bytes.empty() || bytes[0] != kVersion) return Error{"histogram: unknown version"};
  bytes.remove_prefix(1);
  Histogram out;
  out.zero_count_ = out.count_ = TakeVarint(bytes);
  if (bytes.size() < 8) return Error{"histogram: ends within its sum"};
  uint64_t bits = 0;
  for (int i = 7; i >= 0; --i) {
    bits = (bits << 8) | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  }
  out.sum_ = std::bit_cast<double>(bits);
  bytes.remove_prefix(8);
  if (std::isnan(out.sum_) || std::signbit(out.sum_)) return Error{"histogram: impossible sum"};
  int64_t previous = 0;
  while (!bytes.empty()) {
    const int64_t delta = protozero::decode_zigzag64(TakeVarint(bytes));
    constexpr int64_t kWidest = kMaxIndex - kMinIndex;
    if (delta < -kWidest || delta > kWidest) return Error{"histogram: bucket out of range"};
    const int64_t index = previous + delta;
    if (index < kMinIndex || index > kMaxIndex) return Error{"histogram: bucket out of range"};
    if (!out.buckets_.empty() && delta <= 0) return Error{"histogram: buckets out of order"};
    const uint64_t count = TakeVarint(bytes);
    if (count == 0) return Error{"histogram: an empty bucket"};
    if (count > std::numeric_limits<uint64_t>::max() - out.count_) {
      return Error{"histogram: counts overflow"};
    }
    out.count_ += count;
    out.buckets_.emplace_hint(out.buckets_.end(), static_cast<int>(index), count);
    previous = index;
  }
  if (out.count_ == 0 && out.sum_ != 0) return Error{"histogram: a sum of nothing"};
  return out;
} catch (const protozero::exception& fault) {
  return Error{std::string("histogram: ") + fault.what()};
}

}  // namespace haidang
