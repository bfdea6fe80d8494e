#include "collector/rebirths.h"

#include <algorithm>

namespace haidang::collector {

bool Rebirths::Ask(int64_t machine, int64_t mono_ms) {
  Asked& asked = machines_[machine];
  if (asked.wait_ms != 0 && mono_ms < asked.next_ms) return false;
  const double passed = static_cast<double>(std::max<int64_t>(mono_ms - filled_ms_, 0)) / 1000;
  tokens_ = std::min(rates_.burst, tokens_ + passed * rates_.per_second);
  filled_ms_ = mono_ms;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  asked.wait_ms =
      asked.wait_ms == 0 ? rates_.first_wait_ms : std::min(asked.wait_ms * 2, rates_.last_wait_ms);
  asked.next_ms = mono_ms + asked.wait_ms;
  return true;
}

}  // namespace haidang::collector
