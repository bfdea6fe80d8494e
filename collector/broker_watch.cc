#include "collector/broker_watch.h"

#include <algorithm>
#include <utility>

namespace haidang::collector {

void BrokerWatch::Connected(Moment now) {
  down_since_ms_.reset();
  why_.clear();
  heard_mono_ms_ = now.mono_ms;
  if (std::exchange(failed_, false)) settled_mono_ms_ = now.mono_ms + kReturnMs;
}

void BrokerWatch::Failed(Moment now, std::string why) {
  failed_ = true;
  why_ = std::move(why);
  if (!down_since_ms_) down_since_ms_ = now.wall_ms;
}

Moment BrokerWatch::KnownUntil(Moment now) const {
  return {now.wall_ms, std::min(now.mono_ms, heard_mono_ms_)};
}

}  // namespace haidang::collector
