#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/sparkplug/batch.h"

// Spool/Stamp's bytes, docs/wire-format.md.
namespace haidang::sparkplug {

inline constexpr size_t kStampCrcBegin = 1;
inline constexpr size_t kStampCrcEnd = 9;  // what the CRC covers begins here

// With a CRC of 0, to be set by PutStampCrc once the batch is written.
std::string EncodeStamp(const BatchHeader& header);

// `stamp_at`: where the stamp begins in `out`.
void PutStampCrc(uint64_t crc, std::string& out, size_t stamp_at);

// Fills in what the stamp says. Null, or a literal that says what is wrong with it.
const char* DecodeStamp(std::string_view stamp, BatchHeader& header);

}  // namespace haidang::sparkplug
