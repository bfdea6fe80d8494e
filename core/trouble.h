#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/log.h"

namespace haidang {

// Something that goes wrong again and again (a full disk meets every tick): said once when it
// begins and once when it is over, with how often it was met. One that comes back within a minute
// of being said is held back, and counted with the next one that is not. One thread.
class Trouble {
 public:
  // `clock` must outlive the Trouble.
  explicit Trouble(const Clock& clock) : limit_(clock) {}

  // It was met. True where that is to be said.
  bool Met() {
    ++count_;
    if (std::exchange(active_, true)) return false;
    told_ = limit_.Ready();
    return told_;
  }

  // It was not met this time. How often it had been, where its end is to be said.
  std::optional<uint64_t> Over() {
    if (!std::exchange(active_, false) || !told_) return std::nullopt;
    return std::exchange(count_, 0);
  }

 private:
  LogLimit limit_;
  uint64_t count_ = 0;  // since an end was last said
  bool active_ = false;
  bool told_ = false;  // that it began
};

// Troubles of many kinds that come again and again: each kind is said at most once a minute, with
// how often it was met unsaid. One thread.
class Troubles {
 public:
  // `clock` must outlive the Troubles.
  explicit Troubles(const Clock& clock) : clock_(clock) {}

  // It was met. Where that is to be said: how often it had been held back before.
  std::optional<uint64_t> Met(const std::string& kind) {
    auto known = kinds_.find(kind);
    if (known == kinds_.end()) {
      if (kinds_.size() >= kMaxKinds) kinds_.clear();
      known = kinds_.emplace(kind, LogLimit(clock_)).first;
    }
    if (!known->second.Ready()) return std::nullopt;
    return known->second.suppressed();
  }

 private:
  static constexpr size_t kMaxKinds = 32;

  const Clock& clock_;
  std::map<std::string, LogLimit> kinds_;
};

}  // namespace haidang
