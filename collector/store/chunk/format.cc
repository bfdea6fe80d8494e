#include "collector/store/chunk/format.h"

#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

namespace haidang::store {
namespace {

std::string NameOf(ChunkFormat format) {
  switch (format) {
    case ChunkFormat::kTicks1:
      return "chunk of ticks: ";
    case ChunkFormat::kValues1:
      return "chunk of values: ";
    case ChunkFormat::kHistograms1:
      return "chunk of histograms: ";
    case ChunkFormat::kTexts1:
      break;
  }
  return "chunk of texts: ";
}

}  // namespace

std::string BeginChunk(ChunkFormat format, size_t ticks) {
  std::string chunk(1, static_cast<char>(format));
  protozero::add_varint_to_buffer(&chunk, ticks);
  return chunk;
}

Result<size_t> TakeBegin(std::string_view& chunk, ChunkFormat format, size_t max_ticks) try {
  if (chunk.empty()) return Error{NameOf(format) + "it is empty"};
  const auto found = static_cast<uint8_t>(chunk[0]);
  if (found != static_cast<uint8_t>(format)) {
    return Error{NameOf(format) + "begins with " + std::to_string(found) + " in place of " +
                 std::to_string(static_cast<unsigned>(format)) +
                 ": damaged, or written by a newer program"};
  }
  const char* at = chunk.data() + 1;
  const uint64_t ticks = protozero::decode_varint(&at, chunk.data() + chunk.size());
  chunk.remove_prefix(static_cast<size_t>(at - chunk.data()));
  if (ticks == 0 || ticks > max_ticks) {
    return Error{NameOf(format) + "claims " + std::to_string(ticks) + " ticks, allowed: 1 to " +
                 std::to_string(max_ticks)};
  }
  return static_cast<size_t>(ticks);
} catch (const protozero::exception&) {
  return Error{NameOf(format) + "ends within its beginning"};
}

Error DamagedChunk(ChunkFormat format, const char* what) { return Error{NameOf(format) + what}; }

}  // namespace haidang::store
