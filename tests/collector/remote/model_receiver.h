#pragma once

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "collector/remote/write_request.h"
#include "tests/collector/remote/write_decoder.h"

namespace haidang::testing {

// Takes requests as Prometheus does: a whole one or nothing of it.
class ModelReceiver {
 public:
  using Series = std::map<int64_t, double>;

  explicit ModelReceiver(bool out_of_order) : out_of_order_(out_of_order) {}

  // Whether it was accepted.
  bool Take(const remote::Request& request) {
    const DecodedRequest decoded = DecodeWriteRequest(request.body);
    auto after = kept_;
    for (const DecodedSeries& series : decoded.series) {
      auto& to = after[series.Name()];
      for (const auto& [time, value] : series.samples) {
        const auto same = to.find(time);
        if (same != to.end()) {
          const bool equal =
              std::bit_cast<uint64_t>(same->second) == std::bit_cast<uint64_t>(value);
          if (!equal) conflict_ = series.Name() + " at " + std::to_string(time);
        }
        if (!out_of_order_ && !to.empty() && time < to.rbegin()->first) return false;
        to.emplace(time, value);
      }
    }
    samples_ += request.samples;
    kept_ = std::move(after);
    return true;
  }

  // What an instant query says: nothing where the series is not there, or ended, or its last sample
  // is five minutes old.
  std::optional<double> At(const std::string& name, int64_t time_ms) const {
    const auto series = kept_.find(name);
    if (series == kept_.end()) return {};
    auto after = series->second.upper_bound(time_ms);
    if (after == series->second.begin()) return {};
    --after;
    if (IsStale(after->second) || time_ms - after->first > 300'000) return {};
    return after->second;
  }
  // The samples, without the ends.
  Series Values(const std::string& name) const {
    Series values;
    const auto series = kept_.find(name);
    if (series == kept_.end()) return values;
    for (const auto& [time, value] : series->second) {
      if (!IsStale(value)) values.emplace(time, value);
    }
    return values;
  }
  std::vector<int64_t> Ends(const std::string& name) const {
    std::vector<int64_t> ends;
    const auto series = kept_.find(name);
    if (series == kept_.end()) return ends;
    for (const auto& [time, value] : series->second) {
      if (IsStale(value)) ends.push_back(time);
    }
    return ends;
  }
  const std::map<std::string, Series>& kept() const { return kept_; }
  // Ends are equal too.
  bool HasSameAs(const ModelReceiver& other) const {
    const auto same = [](const auto& a, const auto& b) {
      return a.first == b.first &&
             std::bit_cast<uint64_t>(a.second) == std::bit_cast<uint64_t>(b.second);
    };
    return std::equal(kept_.begin(), kept_.end(), other.kept_.begin(), other.kept_.end(),
                      [&](const auto& a, const auto& b) {
                        return a.first == b.first &&
                               std::equal(a.second.begin(), a.second.end(), b.second.begin(),
                                          b.second.end(), same);
                      });
  }
  uint64_t samples() const { return samples_; }
  // "" unless a series was told two values at one time.
  const std::string& conflict() const { return conflict_; }

  static bool IsStale(double value) {
    return std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(remote::StaleMarker());
  }

 private:
  bool out_of_order_;
  std::map<std::string, Series> kept_;
  uint64_t samples_ = 0;
  std::string conflict_;
};

}  // namespace haidang::testing
