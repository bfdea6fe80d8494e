#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::sparkplug {

// An envelope's content, at the start of `buffer`, which keeps its size for the next one. An Error
// where `body` is not DEFLATE's (zlib), or inflates beyond BatchDecoder::kMaxInflated or
// kMaxInflateRatio.
Status InflateBody(std::string_view body, std::string& buffer, std::string_view& inner);

}  // namespace haidang::sparkplug
