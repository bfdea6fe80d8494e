#pragma once

#include <chrono>
#include <functional>

#include "core/io/loop.h"

namespace haidang::testing {

// Runs a real loop until `condition` holds; false where it did not within `patience`.
inline bool RunUntil(Loop& loop, const std::function<bool()>& condition,
                     std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  bool held = condition();
  if (held) return true;
  const auto look = loop.Every(std::chrono::milliseconds(2), [&] {
    if (!(held = condition())) return;
    loop.Stop();
  });
  const auto give_up = loop.After(patience, [&] { loop.Stop(); });
  loop.Run();
  return held;
}

// Runs it for a while, whatever happens.
inline void RunFor(Loop& loop, std::chrono::milliseconds time) {
  const auto end = loop.After(time, [&] { loop.Stop(); });
  loop.Run();
}

}  // namespace haidang::testing
