#include "agent/journey/json_value.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace haidang::agent {
namespace {

constexpr size_t kMaxDepth = 64;

// Gets the document's parts as the parser meets them (nlohmann::json's SAX interface; false ends
// the parsing), and writes down again what stands at the pointer.
class Picker {
 public:
  Picker(const JsonPointer& pointer, size_t max_bytes) : pointer_(pointer), max_(max_bytes) {}

  bool null() { return Tell(JsonKind::kNull, "null"); }
  bool boolean(bool value) { return Tell(JsonKind::kTrueFalse, value ? "true" : "false"); }
  bool number_integer(int64_t value) { return Tell(JsonKind::kNumber, std::to_string(value)); }
  bool number_unsigned(uint64_t value) { return Tell(JsonKind::kNumber, std::to_string(value)); }
  bool number_float(double, const std::string& raw) { return Tell(JsonKind::kNumber, raw); }
  bool binary(std::vector<uint8_t>&) { return false; }  // not in JSON text
  bool string(std::string& value) {
    if (Arrive()) {
      Begin(JsonKind::kText);
      if (value.size() <= max_) value_.text = value;
    }
    if (writing_) Write(Quoted(value));
    Leave();
    return true;
  }

  bool start_object(size_t) { return Open(false); }
  bool start_array(size_t) { return Open(true); }
  bool end_object() { return Close('}'); }
  bool end_array() { return Close(']'); }
  bool key(std::string& value) {
    Level& level = open_.back();
    if (writing_) {
      if (level.next++ > 0) Write(",");
      Write(Quoted(value) + ":");
    }
    leads_ = level.leads && Token() == value;
    return true;
  }

  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception&) {
    fault_ = fmt::format("is no JSON: fault at byte {}", at);
    return false;
  }

  const std::string& fault() const { return fault_; }
  JsonValue Take() && { return std::move(value_); }

 private:
  // An object or array that has begun.
  struct Level {
    bool is_array;
    bool leads;  // the pointer goes through it
    uint64_t next = 0;
  };

  // Of the pointer, the part that the innermost open object or array must have; nothing has "".
  std::string_view Token() const {
    return open_.size() <= pointer_.size() ? std::string_view(pointer_[open_.size() - 1]) : "";
  }

  static std::string Quoted(const std::string& text) { return nlohmann::json(text).dump(); }

  // A value begins; true: it is the one. What stood there under the same key before is gone.
  bool Arrive() {
    if (!open_.empty() && open_.back().is_array) {
      Level& level = open_.back();
      const uint64_t index = level.next++;
      if (writing_ && index > 0) Write(",");
      leads_ = level.leads && Token() == std::to_string(index);
    }
    if (writing_ || !leads_) return false;
    value_ = {};
    if (open_.size() != pointer_.size()) return false;
    written_at_ = open_.size();
    return writing_ = true;
  }

  void Begin(JsonKind kind) { value_.kind = kind; }

  void Write(std::string_view json) {
    if (value_.kind == JsonKind::kTooLarge) return;
    if (value_.json.size() + json.size() > max_) {
      value_ = {JsonKind::kTooLarge, "", ""};
    } else {
      value_.json += json;
    }
  }

  void Leave() {
    if (writing_ && open_.size() == written_at_) writing_ = false;
  }

  bool Tell(JsonKind kind, std::string_view json) {
    if (Arrive()) Begin(kind);
    if (writing_) Write(json);
    Leave();
    return true;
  }

  bool Open(bool is_array) {
    if (Arrive()) Begin(JsonKind::kShape);
    if (writing_) Write(is_array ? "[" : "{");
    if (open_.size() == kMaxDepth) {
      fault_ = fmt::format("is nested deeper than {}", kMaxDepth);
      return false;
    }
    open_.push_back({is_array, !writing_ && leads_ && open_.size() < pointer_.size()});
    return true;
  }

  bool Close(char end) {
    open_.pop_back();
    if (writing_) Write(std::string_view(&end, 1));
    Leave();
    return true;
  }

  const JsonPointer& pointer_;
  const size_t max_;
  JsonValue value_;
  std::vector<Level> open_;
  bool leads_ = true;     // the pointer leads to the value that comes next, or into it
  bool writing_ = false;  // within the value
  size_t written_at_ = 0;
  std::string fault_;
};

}  // namespace

Result<JsonValue> PickJsonValue(std::string_view text, const JsonPointer& pointer,
                                size_t max_bytes) {
  Picker picker(pointer, max_bytes);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &picker)) return Error{picker.fault()};
  return std::move(picker).Take();
}

}  // namespace haidang::agent
