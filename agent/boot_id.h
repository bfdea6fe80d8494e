#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// 64 bits that change with each boot, from /proc/sys/kernel/random/boot_id below `root`.
Result<uint64_t> ReadBootId(const std::string& root);

// The bits of "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", both halves folded into one.
Result<uint64_t> ParseBootId(std::string_view text);

}  // namespace haidang::agent
