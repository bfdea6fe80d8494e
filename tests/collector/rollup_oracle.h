#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "collector/store/rollup/rollup.h"
#include "core/histogram.h"
#include "tests/collector/world.h"

namespace haidang::collector::testing {

// What roll-ups should say, worked out anew from all batches that were told, one after the other.
class Oracle {
 public:
  std::map<uint64_t, uint32_t> groups;  // by alias: bit of the groups; aliases that are looked at

  // Once more is as once.
  void Told(uint64_t spool, int64_t time_ms, const TestAgent::Tick& tick) {
    told_[{time_ms, spool, tick.number}] = tick;
  }

  using Points = std::vector<std::pair<int64_t, Value>>;
  // The ticks at which each is known.
  std::map<uint64_t, Points> Known() const {
    struct Spool {
      uint64_t number = 0;
      std::map<uint64_t, Value> values;
    };
    std::map<uint64_t, Spool> spools;
    std::map<uint64_t, Points> known;
    for (const auto& [alias, group] : groups) known[alias];
    for (const auto& told : told_) {
      const auto& key = told.first;
      const TestAgent::Tick& tick = told.second;
      Spool& spool = spools[std::get<1>(key)];
      if (tick.full || tick.number != spool.number + 1) spool.values.clear();
      spool.number = tick.number;
      std::erase_if(spool.values, [&](const auto& value) {
        return (tick.groups >> groups.at(value.first) & 1) == 0;
      });
      for (const auto& [alias, value] : tick.values) {
        if (!groups.contains(alias)) continue;
        spool.values.erase(alias);
        if (!std::holds_alternative<Null>(value)) spool.values.emplace(alias, value);
      }
      for (const auto& [alias, value] : spool.values) {
        known[alias].emplace_back(std::get<0>(key), value);
      }
    }
    return known;
  }

  struct Bucket {
    double count = 0, sum = 0, min = 0, max = 0, first = 0, last = 0;
    std::optional<double> increase{};  // nothing: unknown
    bool operator==(const Bucket&) const = default;
    friend std::ostream& operator<<(std::ostream& out, const Bucket& b) {
      return out << b.count << "x sum " << b.sum << " min " << b.min << " max " << b.max
                 << " first " << b.first << " last " << b.last << " increase "
                 << b.increase.value_or(-1);
    }
  };
  static std::map<int64_t, Bucket> Numbers(const Points& points, int64_t bucket_ms, bool counter) {
    std::map<int64_t, Bucket> buckets;
    for (size_t i = 0; i < points.size(); ++i) {
      const double value = AsNumber(points[i].second);
      const int64_t begin_ms = points[i].first / bucket_ms * bucket_ms;
      const auto [at, fresh] = buckets.try_emplace(begin_ms, Bucket{0, 0, value, value, value});
      Bucket& bucket = at->second;
      bucket.count += 1;
      bucket.sum += value;
      bucket.min = std::min(bucket.min, value);
      bucket.max = std::max(bucket.max, value);
      bucket.last = value;
      if (!counter || i == 0 || points[i].first - points[i - 1].first > 300'000) continue;
      const double before = AsNumber(points[i - 1].second);
      bucket.increase = bucket.increase.value_or(0) + (value < before ? value : value - before);
    }
    return buckets;
  }
  static std::map<int64_t, Histogram> Histograms(const Points& points, int64_t bucket_ms) {
    std::map<int64_t, Histogram> buckets;
    for (size_t i = 0; i < points.size(); ++i) {
      if (i == 0 || points[i].first - points[i - 1].first > 300'000) continue;
      Histogram& gained = buckets[points[i].first / bucket_ms * bucket_ms];
      gained.Merge(Gain(Of(points[i - 1].second), Of(points[i].second)));
    }
    return buckets;
  }

  template <typename T>
  static std::map<int64_t, T> Covered(std::map<int64_t, T> buckets,
                                      const std::vector<store::Stretch>& covered) {
    std::erase_if(buckets, [&](const auto& bucket) {
      return std::none_of(covered.begin(), covered.end(), [&](const store::Stretch& stretch) {
        return bucket.first >= stretch.from_ms && bucket.first < stretch.to_ms;
      });
    });
    return buckets;
  }

  // "" where both are the same.
  template <typename T>
  static std::string Difference(const std::map<int64_t, T>& told,
                                const std::map<int64_t, T>& expected) {
    std::ostringstream out;
    const auto print = [&](const char* who, const std::map<int64_t, T>& buckets, int64_t at) {
      out << who << " ";
      const auto it = buckets.find(at);
      if (it == buckets.end()) {
        out << "nothing; ";
      } else if constexpr (std::is_same_v<T, Bucket>) {
        out << it->second << "; ";
      } else {
        out << it->second.count() << " observations, sum " << it->second.sum() << "; ";
      }
    };
    std::set<int64_t> begins;
    for (const auto* buckets : {&told, &expected}) {
      for (const auto& [begin_ms, bucket] : *buckets) begins.insert(begin_ms);
    }
    for (const int64_t at : begins) {
      const auto a = told.find(at);
      const auto b = expected.find(at);
      if (a != told.end() && b != expected.end() && a->second == b->second) continue;
      out << at << ": ";
      print("told", told, at);
      print("expected", expected, at);
      break;
    }
    return out.str();
  }

  static std::map<int64_t, Bucket> Of(const store::NumberRollup& r, bool counter) {
    std::map<int64_t, Bucket> buckets;
    for (size_t i = 0; i < r.begins_ms.size(); ++i) {
      buckets[r.begins_ms[i]] = {r.count[i], r.sum[i],  r.min[i], r.max[i],
                                 r.first[i], r.last[i], {}};
      const double increase = r.increase[i];
      if (counter && !std::isnan(increase)) buckets[r.begins_ms[i]].increase = increase;
    }
    return buckets;
  }
  static std::map<int64_t, Histogram> Of(const store::HistogramRollup& r) {
    std::map<int64_t, Histogram> buckets;
    for (size_t i = 0; i < r.begins_ms.size(); ++i) {
      buckets[r.begins_ms[i]] = r.increase.At(i).value();
    }
    return buckets;
  }

 private:
  static Histogram Of(const Value& value) {
    return Histogram::Decode(std::get<Bytes>(value).data).value();
  }
  // By the buckets' words alone: as many observations of each bucket as came to it.
  static Histogram Gain(const Histogram& before, const Histogram& now) {
    const auto count = [](const Histogram& of, int index) {
      const auto it = of.buckets().find(index);
      return it == of.buckets().end() ? uint64_t{0} : it->second;
    };
    for (int index = Histogram::kMinIndex; index <= Histogram::kMaxIndex; ++index) {
      if (count(now, index) < count(before, index)) return now;
    }
    if (now.zero_count() < before.zero_count()) return now;
    std::string wire(1, '\1');
    const auto varint = [&](uint64_t number) {
      for (; number >= 128; number >>= 7) wire += static_cast<char>(number | 128);
      wire += static_cast<char>(number);
    };
    varint(now.zero_count() - before.zero_count());
    const auto bits = std::bit_cast<uint64_t>(now.sum() - before.sum());
    for (int shift = 0; shift < 64; shift += 8) wire += static_cast<char>(bits >> shift & 255);
    int previous = 0;
    for (int index = Histogram::kMinIndex; index <= Histogram::kMaxIndex; ++index) {
      const uint64_t gained = count(now, index) - count(before, index);
      if (gained == 0) continue;
      const int step = std::exchange(previous, index);
      varint(index >= step ? 2 * static_cast<uint64_t>(index - step)
                           : 2 * static_cast<uint64_t>(step - index) - 1);
      varint(gained);
    }
    return Histogram::Decode(wire).value();
  }

  std::map<std::tuple<int64_t, uint64_t, uint64_t>, TestAgent::Tick> told_;
};

}  // namespace haidang::collector::testing
