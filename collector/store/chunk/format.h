#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::store {

// The first byte of every chunk: what it holds, and in which version. On disk: never renumber; a
// new version takes a new number, and the old one is read for ever.
enum class ChunkFormat : uint8_t {
  kTicks1 = 0x11,
  kValues1 = 0x21,
  kHistograms1 = 0x31,
  kTexts1 = 0x41,
};

// The format's byte and how many ticks follow, as a varint.
std::string BeginChunk(ChunkFormat format, size_t ticks);

// Takes that from the front of `chunk` and answers the ticks; an Error where it is another format,
// has no tick, or more than `max_ticks`.
Result<size_t> TakeBegin(std::string_view& chunk, ChunkFormat format, size_t max_ticks);

// Why a chunk whose beginning is right cannot be read.
Error DamagedChunk(ChunkFormat format, const char* what);

}  // namespace haidang::store
