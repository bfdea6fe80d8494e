#include "core/sparkplug/topic.h"

#include <array>
#include <utility>

#include "core/utf8.h"

namespace haidang::sparkplug {
namespace {

constexpr std::string_view kNamespace = "spBv1.0";
constexpr std::string_view kState = "STATE";
constexpr size_t kMaxId = 128;
constexpr std::array<std::pair<std::string_view, MessageType>, 4> kNodeMessages = {{
    {"NBIRTH", MessageType::kNBirth},
    {"NDATA", MessageType::kNData},
    {"NDEATH", MessageType::kNDeath},
    {"NCMD", MessageType::kNCmd},
}};

// The level at the head of `text`, which is advanced past it and its slash.
std::string_view TakeLevel(std::string_view& text) {
  const size_t slash = text.find('/');
  const std::string_view level = text.substr(0, slash);
  text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
  return level;
}

Error Bad(std::string_view text, std::string_view why) {
  return Error{"topic \"" + Printable(text) + "\": " + std::string(why)};
}

}  // namespace

std::string ToString(const Topic& topic) {
  std::string out{kNamespace};
  if (topic.type == MessageType::kState) return out + "/STATE/" + topic.node;
  out += '/';
  out += topic.group;
  out += '/';
  for (const auto& [name, type] : kNodeMessages) {
    if (type == topic.type) out += name;
  }
  out += '/';
  out += topic.node;
  return out;
}

Result<Topic> ParseTopic(std::string_view text) {
  std::string_view rest = text;
  if (TakeLevel(rest) != kNamespace) return Bad(text, "not under spBv1.0");
  const std::string_view second = TakeLevel(rest);
  if (second == kState && rest.find('/') == std::string_view::npos) {
    if (Status status = CheckId(rest); !status) return Bad(text, status.error().message);
    return Topic{MessageType::kState, "", std::string(rest)};
  }
  const std::string_view message = TakeLevel(rest);
  if (Status status = CheckId(second); !status) return Bad(text, status.error().message);
  if (Status status = CheckId(rest); !status) return Bad(text, status.error().message);
  for (const auto& [name, type] : kNodeMessages) {
    if (name == message) return Topic{type, std::string(second), std::string(rest)};
  }
  return Bad(text, "no message type of ours; known are NBIRTH, NDATA, NDEATH, NCMD, STATE");
}

Status CheckId(std::string_view id) {
  if (id.empty() || id.size() > kMaxId) return Error{"an id must have 1 to 128 bytes"};
  for (const char c : id) {
    if (c == '+' || c == '/' || c == '#') return Error{"an id must not contain +, / or #"};
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return Error{"an id must not contain control characters"};
    }
  }
  if (!IsUtf8(id)) return Error{"an id must be UTF-8"};
  return {};
}

}  // namespace haidang::sparkplug
