#include "agent/sources/json_pick.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxPointerBytes = 512;
constexpr size_t kMaxTokens = 16;

using Set = uint64_t;  // of pointers, one bit each
static_assert(kMaxJsonPointers < 64);

// Gets the document's parts as the parser meets them (nlohmann::json's SAX interface; false ends
// the parsing), and follows in it those pointers that may still lead somewhere.
class Picker {
 public:
  explicit Picker(const std::vector<JsonPointer>& pointers)
      : pointers_(pointers), picked_(pointers.size()) {
    here_ = (Set{1} << pointers.size()) - 1;
  }

  bool null() { return Tell(std::nullopt, "is null"); }
  bool boolean(bool value) { return Tell(value ? 1 : 0, ""); }
  bool number_integer(int64_t value) { return Tell(static_cast<double>(value), ""); }
  bool number_unsigned(uint64_t value) { return Tell(static_cast<double>(value), ""); }
  bool number_float(double value, const std::string&) { return Tell(value, ""); }
  bool string(std::string& value) { return Tell(ParseReal(value), "is a text that is no number"); }
  bool binary(std::vector<uint8_t>&) { return false; }  // not in JSON text

  bool start_object(size_t) { return Open(false, "is an object, no number"); }
  bool key(std::string& value) {
    here_ = Following(open_.back().pointers, value);
    return true;
  }
  bool end_object() { return Close(); }
  bool start_array(size_t) { return Open(true, "is an array, no number"); }
  bool end_array() { return Close(); }

  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception&) {
    fault_ = fmt::format("is no JSON: fault at byte {}", at);
    return false;
  }

  const std::string& fault() const { return fault_; }
  std::vector<JsonNumber> Take() && { return std::move(picked_); }

 private:
  // An object or array that has begun.
  struct Level {
    Set pointers;  // that lead to it or into it
    bool is_array;
    uint64_t next = 0;  // an array's element
  };

  // Of `pointers`, which lead to what is open, those whose next token is `token`.
  Set Following(Set pointers, std::string_view token) const {
    Set following = 0;
    for (size_t i = 0; pointers >> i != 0 && i < pointers_.size(); ++i) {
      const JsonPointer& pointer = pointers_[i];
      const bool leads = (pointers >> i & 1) != 0 && pointer.size() >= open_.size() &&
                         pointer[open_.size() - 1] == token;
      if (leads) following |= Set{1} << i;
    }
    return following;
  }

  // A value begins: an array's element has no key that said so.
  void Arrive() {
    if (open_.empty() || !open_.back().is_array) return;
    const uint64_t index = open_.back().next++;
    const Set into = open_.back().pointers;
    here_ = into != 0 ? Following(into, std::to_string(index)) : 0;
  }

  // What stood below a key that came before is not there any more.
  void Note(const JsonNumber& value) {
    for (size_t i = 0; i < pointers_.size() && here_ >> i != 0; ++i) {
      if ((here_ >> i & 1) == 0) continue;
      picked_[i] = pointers_[i].size() == open_.size() ? value : JsonNumber{};
    }
  }

  bool Tell(std::optional<double> number, std::string_view why_not) {
    Arrive();
    Note({number, number ? "" : why_not});
    return true;
  }

  bool Open(bool is_array, std::string_view why_no_number) {
    Arrive();
    Note({std::nullopt, why_no_number});
    if (open_.size() == kMaxDepth) {
      fault_ = fmt::format("is nested deeper than {}", kMaxDepth);
      return false;
    }
    open_.push_back({here_, is_array});
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  const std::vector<JsonPointer>& pointers_;
  std::vector<JsonNumber> picked_;
  std::vector<Level> open_;
  Set here_;  // that lead to the value that comes next, or into it
  std::string fault_;
};

}  // namespace

Result<JsonPointer> ParseJsonPointer(std::string_view text) {
  static constexpr char kAllowed[] = "; allowed: a JSON pointer, such as \"/data/pending\"";
  JsonPointer pointer;
  if (text.size() > kMaxPointerBytes) {
    return Error{fmt::format("is longer than {} bytes{}", kMaxPointerBytes, kAllowed)};
  }
  if (!text.empty() && text.front() != '/') {
    return Error{fmt::format("does not begin with /{}", kAllowed)};
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      if (pointer.size() == kMaxTokens) {
        return Error{fmt::format("has more than {} parts{}", kMaxTokens, kAllowed)};
      }
      pointer.emplace_back();
    } else if (text[i] != '~') {
      pointer.back() += text[i];
    } else if (++i < text.size() && (text[i] == '0' || text[i] == '1')) {
      pointer.back() += text[i] == '0' ? '~' : '/';
    } else {
      return Error{fmt::format("has a ~ that is not ~0 (for ~) or ~1 (for /){}", kAllowed)};
    }
  }
  return pointer;
}

Result<std::vector<JsonNumber>> PickJsonNumbers(std::string_view text,
                                                const std::vector<JsonPointer>& pointers) {
  Picker picker(pointers);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &picker)) return Error{picker.fault()};
  return std::move(picker).Take();
}

}  // namespace haidang::agent
