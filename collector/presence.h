#pragma once

#include <cstdint>
#include <optional>

#include "core/query.h"
#include "core/sparkplug/batch.h"

namespace haidang::collector {

// The collector's two clocks at one moment: the wall clock for what is told, the monotonic one for
// what is waited for.
struct Moment {
  int64_t wall_ms = 0;
  int64_t mono_ms = 0;
};

// Whether one machine is there. Pure: everything that happens is told to it.
class Presence {
 public:
  static constexpr int64_t kSilentIntervals = 3;

  Presence() = default;
  // As it was when the collector stopped; `heard_ms` is the wall time of its last batch, 0: never.
  Presence(query::State state, int64_t since_ms, int64_t heard_ms)
      : state_(state), since_ms_(since_ms), heard_wall_ms_(heard_ms) {}

  // Each of these returns whether the state changed.

  // A birth or a batch came.
  bool Heard(Moment now);
  // A live batch said that the agent is leaving; it stays online until its death or silence.
  void Goodbye(sparkplug::AgentState state);
  // Its NDEATH came; the caller has checked bdSeq.
  bool Died(Moment now);
  // Nothing else came up to `until`, when the broker could still be heard: silent after three
  // intervals without a word.
  bool Tick(Moment until, int64_t interval_ms);
  // The broker is connected (again): silence is counted from here.
  void Listen(Moment now) { heard_mono_ms_ = now.mono_ms; }

  query::State state() const { return state_; }
  int64_t since_ms() const { return since_ms_; }
  // It is online, and silent for three intervals at `now`.
  bool Overdue(Moment now, int64_t interval_ms) const;
  bool online() const { return state_ == query::State::kOnline; }
  int64_t heard_mono_ms() const { return heard_mono_ms_; }

 private:
  bool Become(query::State state, int64_t since_ms);

  query::State state_ = query::State::kSilent;
  int64_t since_ms_ = 0;
  int64_t heard_wall_ms_ = 0;
  int64_t heard_mono_ms_ = 0;
  std::optional<query::State> leaving_;  // said goodbye: stopped or suspended
};

}  // namespace haidang::collector
