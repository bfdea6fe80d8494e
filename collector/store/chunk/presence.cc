#include "collector/store/chunk/presence.h"

#include <algorithm>

namespace haidang::store {

bool IsPartial(std::span<const Presence> presence) {
  return std::any_of(presence.begin(), presence.end(),
                     [](Presence one) { return one != Presence::kValue; });
}

void EncodePresence(RangeEncoder& coder, std::span<const Presence> presence) {
  const bool partial = IsPartial(presence);
  coder.Raw(partial ? 1U : 0U, 1);
  if (!partial) return;
  Marks<kPresenceBits> marks;
  for (const Presence one : presence) marks.Code(coder, static_cast<uint8_t>(one));
}

size_t DecodePresence(RangeDecoder& coder, size_t ticks, std::vector<Presence>& presence) {
  presence.clear();
  if (coder.Raw(0, 1) == 0) return ticks;
  presence.resize(ticks);
  size_t count = 0;
  Marks<kPresenceBits> marks;
  for (Presence& one : presence) {
    one = static_cast<Presence>(marks.Code(coder, 0));
    count += one == Presence::kValue ? 1 : 0;
  }
  return count;
}

}  // namespace haidang::store
