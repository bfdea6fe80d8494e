#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::sparkplug {

enum class MessageType { kNBirth, kNData, kNDeath, kNCmd, kState };

// spBv1.0/<group>/<type>/<node>, or spBv1.0/STATE/<node> where `group` is empty.
struct Topic {
  MessageType type;
  std::string group;
  std::string node;
};

std::string ToString(const Topic& topic);

// Anything that is not one of our message types, has other levels, empty ids or wildcard
// characters is an Error.
Result<Topic> ParseTopic(std::string_view text);

// Sparkplug ids: UTF-8, 1–128 bytes, none of `+ / #`, no control characters.
Status CheckId(std::string_view id);

}  // namespace haidang::sparkplug
