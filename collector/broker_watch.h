#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collector/presence.h"

namespace haidang::collector {

// Until when the broker could be heard, and so until when anything is known of machines: who is not
// heard over a broker that is away, or that hangs, is not silent. Pure: everything that happens is
// told to it.
class BrokerWatch {
 public:
  // After an outage machines take so long to be back: an agent waits up to 60 s before it tries
  // again. Until then the broker's Wills tell of connections that went with the outage.
  static constexpr int64_t kReturnMs = 75'000;

  // The first attempt to connect begins.
  void Begin(Moment now) { down_since_ms_ = now.wall_ms; }
  void Connected(Moment now);
  // An attempt failed, or the connection is lost.
  void Failed(Moment now, std::string why);
  // Something came from the broker.
  void Heard(Moment now) { heard_mono_ms_ = now.mono_ms; }

  bool connected() const { return !down_since_ms_; }
  // Wall clock; nothing while it is connected.
  std::optional<int64_t> down_since_ms() const { return down_since_ms_; }
  const std::string& why() const { return why_; }  // of the last failure; "" before the first

  // `now`, or the moment of its last word where that was before.
  Moment KnownUntil(Moment now) const;
  // The machines that live had the time to be back since the last outage.
  bool Settled(Moment now) const { return connected() && now.mono_ms >= settled_mono_ms_; }

 private:
  std::optional<int64_t> down_since_ms_;
  std::string why_;
  bool failed_ = false;  // since it was connected last
  int64_t heard_mono_ms_ = 0;
  int64_t settled_mono_ms_ = 0;
};

}  // namespace haidang::collector
