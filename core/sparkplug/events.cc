#include <algorithm>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

#include "core/sparkplug/batch.h"
#include "core/utf8.h"

namespace haidang::sparkplug {
namespace {

constexpr char kVersion = 1;
constexpr size_t kMaxKind = 64;
constexpr size_t kMaxKey = 256;

void PutText(std::string_view text, size_t max_bytes, std::string& out) {
  const std::string mended = ToUtf8(text, max_bytes);
  protozero::add_varint_to_buffer(&out, mended.size());
  out += mended;
}

// Reads from the head of `rest`, which is advanced. Throws protozero's exceptions.
uint64_t TakeVarint(std::string_view& rest) {
  const char* data = rest.data();
  const uint64_t value = protozero::decode_varint(&data, rest.data() + rest.size());
  rest.remove_prefix(static_cast<size_t>(data - rest.data()));
  return value;
}

std::string TakeText(std::string_view& rest, size_t max_bytes) {
  const uint64_t size = TakeVarint(rest);
  if (size > rest.size()) throw protozero::end_of_buffer_exception{};
  const std::string_view text = rest.substr(0, size);
  rest.remove_prefix(size);
  return ToUtf8(text, max_bytes);
}

}  // namespace

std::string EncodeEvents(std::span<const Event> events) {
  std::string out(1, kVersion);
  int64_t previous = 0;
  for (const Event& event : events.first(std::min(events.size(), kMaxEvents))) {
    const int64_t time = std::max<int64_t>(event.time_ms, 0);
    protozero::add_varint_to_buffer(&out, protozero::encode_zigzag64(time - previous));
    PutText(event.kind, kMaxKind, out);
    PutText(event.key, kMaxKey, out);
    PutText(event.text, kMaxEventText, out);
    previous = time;
  }
  return out;
}

Result<std::vector<Event>> DecodeEvents(std::string_view bytes) try {
  std::vector<Event> events;
  if (bytes.empty()) return events;
  if (bytes[0] != kVersion) return Error{"events: unknown version"};
  bytes.remove_prefix(1);
  int64_t previous = 0;
  while (!bytes.empty()) {
    if (events.size() == kMaxEvents) return Error{"events: more than 256 in a batch"};
    Event event;
    const int64_t delta = protozero::decode_zigzag64(TakeVarint(bytes));
    if (__builtin_add_overflow(previous, delta, &event.time_ms) || event.time_ms < 0) {
      return Error{"events: impossible time"};
    }
    event.kind = TakeText(bytes, kMaxKind);
    event.key = TakeText(bytes, kMaxKey);
    event.text = TakeText(bytes, kMaxEventText);
    previous = event.time_ms;
    events.push_back(std::move(event));
  }
  return events;
} catch (const protozero::exception& fault) {
  return Error{std::string("events: ") + fault.what()};
}

}  // namespace haidang::sparkplug
