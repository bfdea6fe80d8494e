#pragma once

#include <cstdint>
#include <optional>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>
#include <string>
#include <string_view>

namespace haidang {

// Protobuf's base-128 varints.
inline void PutVarint(std::string& out, uint64_t value) {
  protozero::add_varint_to_buffer(&out, value);
}

// Takes one from the front of `bytes`; nothing where there is none, or one of more than 64 bits.
inline std::optional<uint64_t> TakeVarint(std::string_view& bytes) {
  const char* at = bytes.data();
  try {
    const uint64_t value = protozero::decode_varint(&at, bytes.data() + bytes.size());
    bytes.remove_prefix(static_cast<size_t>(at - bytes.data()));
    return value;
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
}

}  // namespace haidang
