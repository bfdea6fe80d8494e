#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/chunk/presence.h"
#include "core/result.h"

namespace haidang::store {

// The texts that one series has in a chunk: states, or what a plug-in printed.
struct TextColumn {
  std::vector<std::string> texts;  // each once, in the order in which they first came
  std::vector<uint32_t> which;     // one a tick: an index into `texts`; 0 where it has none
  std::vector<Presence> presence;  // one a tick, or empty: every tick has a text
};

// Bytes of any kind come back; `texts` where there is none are not looked at. Required: not empty;
// `presence` as long as `texts`, or empty where every tick has a text.
std::string EncodeTexts(std::span<const std::string_view> texts,
                        std::span<const Presence> presence);

// Replaces what `column` holds: at most `max_ticks` ticks, and different texts of together at most
// `max_bytes`, which are held twice while it works.
Status DecodeTexts(std::string_view chunk, size_t max_ticks, size_t max_bytes, TextColumn& column);

}  // namespace haidang::store
