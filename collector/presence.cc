#include "collector/presence.h"

namespace haidang::collector {

using query::State;

bool Presence::Become(State state, int64_t since_ms) {
  if (state_ == state && since_ms_ != 0) return false;
  state_ = state;
  since_ms_ = since_ms;
  return true;
}

bool Presence::Heard(Moment now) {
  heard_wall_ms_ = now.wall_ms;
  heard_mono_ms_ = now.mono_ms;
  leaving_.reset();
  return Become(State::kOnline, now.wall_ms);
}

void Presence::Goodbye(sparkplug::AgentState state) {
  if (state == sparkplug::AgentState::kStopping) leaving_ = State::kStopped;
  if (state == sparkplug::AgentState::kSuspending) leaving_ = State::kSuspended;
}

bool Presence::Died(Moment now) {
  // The broker sends the Will after an orderly NDEATH too: the second one says nothing new.
  if (state_ != State::kOnline && state_ != State::kSilent) return false;
  return Become(leaving_.value_or(State::kVanished), now.wall_ms);
}

bool Presence::Overdue(Moment now, int64_t interval_ms) const {
  return state_ == State::kOnline && now.mono_ms - heard_mono_ms_ >= kSilentIntervals * interval_ms;
}

bool Presence::Tick(Moment until, int64_t interval_ms) {
  if (!Overdue(until, interval_ms)) return false;
  const int64_t since = heard_wall_ms_ != 0 ? heard_wall_ms_ : until.wall_ms;
  return Become(leaving_.value_or(State::kSilent), since);
}

}  // namespace haidang::collector
