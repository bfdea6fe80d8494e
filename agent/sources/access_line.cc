#include "agent/sources/access_line.h"

#include <algorithm>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxFieldsBytes = 2048;  // of a #Fields directive

// A server escapes quotes within quotes by a backslash: what ends at a quote ends at one that has
// an even number of them before it.
size_t FindEnd(std::string_view line, std::string_view until) {
  size_t at = line.find(until);
  if (until.front() != '"') return at;
  while (at != std::string_view::npos) {
    size_t slashes = 0;
    while (slashes < at && line[at - slashes - 1] == '\\') ++slashes;
    if (slashes % 2 == 0) return at;
    at = line.find(until, at + 1);
  }
  return at;
}

std::string_view PathOf(std::string_view target) {
  if (const size_t scheme = target.find("://"); !target.starts_with('/') && scheme < 8) {
    const size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  return target.substr(0, target.find_first_of("?#"));
}

// "GET /a?b HTTP/1.1". What is none ("-", a TLS handshake) is a request all the same.
void TakeRequest(std::string_view text, AccessLine& out) {
  const size_t method = text.find(' ');
  if (method == std::string_view::npos) return;
  out.method = text.substr(0, method);
  text.remove_prefix(method + 1);
  out.path = PathOf(text.substr(0, text.find(' ')));
}

bool TakeStatus(std::string_view text, AccessLine& out) {
  if (text == "-" || text == "-1") return true;  // no answer was sent
  const auto status = text.size() == 3 ? ParseUnsigned(text) : std::nullopt;
  if (!status) return false;
  out.status = static_cast<int>(*status);
  return true;
}

bool TakeBytes(std::string_view text, AccessLine& out) {
  if (text == "-") return true;
  const auto bytes = ParseUnsigned(text);
  if (!bytes) return false;
  out.bytes = *bytes;
  return true;
}

bool TakeSeconds(std::string_view text, double scale, AccessLine& out) {
  if (text == "-") return true;
  const auto number = ParseReal(text);
  if (!number) return false;
  if (*number >= 0) out.seconds = *number * scale;
  return true;
}

// "06/Feb/2009:12:14:14.655"
bool IsHaproxyTime(std::string_view text) {
  return text.size() >= 20 && text[2] == '/' && text[6] == '/' && text[11] == ':';
}

// What stands before the next blank, which goes with it.
std::string_view TakeWord(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

}  // namespace

size_t MethodIndex(std::string_view method) {
  const auto* found = std::find(kMethods.begin(), kMethods.end() - 1, method);
  return static_cast<size_t>(found - kMethods.begin());
}

size_t StatusIndex(int status) {
  return status >= 100 && status < 600 ? static_cast<size_t>(status / 100 - 1) : 5;
}

LineKind AccessFormat::Parse(std::string_view line, std::string& fields, AccessLine& out) const {
  while (line.ends_with('\r')) line.remove_suffix(1);
  // A server that goes on where its file was cut leaves a hole, which reads as zero bytes.
  while (line.starts_with('\0')) line.remove_prefix(1);
  if (line.empty()) return LineKind::kRemark;
  out = {};
  if (kind_ == Kind::kW3c) return ParseW3c(line, fields, out);
  if (kind_ == Kind::kHaproxy) return ParseHaproxy(line, out);
  return ParseTemplate(line, out);
}

bool AccessFormat::Take(Field field, double scale, std::string_view text, AccessLine& out) {
  switch (field) {
    case Field::kNone:
      return true;
    case Field::kRequest:
      TakeRequest(text, out);
      return true;
    case Field::kMethod:
      out.method = text;
      return true;
    case Field::kPath:
      out.path = PathOf(text);
      return true;
    case Field::kStatus:
      return TakeStatus(text, out);
    case Field::kBytes:
      return TakeBytes(text, out);
    case Field::kSeconds:
      return TakeSeconds(text, scale, out);
  }
  return false;
}

LineKind AccessFormat::ParseTemplate(std::string_view line, AccessLine& out) const {
  if (!line.starts_with(head_)) return LineKind::kBad;
  line.remove_prefix(head_.size());
  for (const Piece& piece : pieces_) {
    const size_t end =
        piece.until.empty() ? std::min(line.find(' '), line.size()) : FindEnd(line, piece.until);
    if (end == std::string_view::npos) return LineKind::kBad;
    if (!Take(piece.field, piece.scale, line.substr(0, end), out)) return LineKind::kBad;
    line.remove_prefix(end + piece.until.size());
  }
  // More fields may follow those that the format names.
  return line.empty() || line.front() == ' ' ? LineKind::kRequest : LineKind::kBad;
}

LineKind AccessFormat::ParseW3c(std::string_view line, std::string& fields, AccessLine& out) const {
  constexpr std::string_view kFields = "#Fields:";
  if (line.front() == '#') {
    if (line.starts_with(kFields)) fields = line.substr(kFields.size(), kMaxFieldsBytes);
    return LineKind::kRemark;
  }
  std::string_view names = fields;
  bool has_status = false;
  for (;;) {
    const std::string_view name = TakeField(names);
    if (name.empty()) break;
    const std::string_view text = TakeField(line);
    if (text.empty()) return LineKind::kBad;
    Field field = Field::kNone;
    if (name == "cs-method") field = Field::kMethod;
    if (name == "cs-uri-stem") field = Field::kPath;
    if (name == "sc-status") field = Field::kStatus;
    if (name == "sc-bytes") field = Field::kBytes;
    if (name == "time-taken") field = Field::kSeconds;
    // IIS has milliseconds there.
    if (!Take(field, unit_ != 0 ? unit_ : 1e-3, text, out)) return LineKind::kBad;
    has_status |= field == Field::kStatus;
  }
  return has_status && TakeField(line).empty() ? LineKind::kRequest : LineKind::kBad;
}

// HAProxy's `option httplog`, behind whatever syslog puts before it:
// …: CLIENT [TIME] FRONTEND BACKEND/SERVER TR/Tw/Tc/Tr/Ta STATUS BYTES … "REQUEST"
LineKind AccessFormat::ParseHaproxy(std::string_view line, AccessLine& out) const {
  size_t open = line.find(" [");
  while (open != std::string_view::npos && !IsHaproxyTime(line.substr(open + 2))) {
    open = line.find(" [", open + 2);
  }
  if (open == std::string_view::npos) return LineKind::kBad;
  line.remove_prefix(open + 2);
  for (int i = 0; i < 3; ++i) TakeWord(line);  // time, frontend, backend
  std::string_view timers = TakeWord(line);
  const size_t last = timers.rfind('/');
  if (last == std::string_view::npos) return LineKind::kBad;
  timers.remove_prefix(last + 1);
  if (timers.starts_with('+')) timers.remove_prefix(1);  // `option logasap`: so far
  if (!TakeSeconds(timers, unit_ != 0 ? unit_ : 1e-3, out)) return LineKind::kBad;
  if (!TakeStatus(TakeWord(line), out)) return LineKind::kBad;
  std::string_view bytes = TakeWord(line);
  if (bytes.starts_with('+')) bytes.remove_prefix(1);
  if (!TakeBytes(bytes, out)) return LineKind::kBad;
  // The request comes last; one that was cut for its length has no closing quote.
  const size_t quote = line.find(" \"");
  if (quote == std::string_view::npos) return LineKind::kBad;
  line.remove_prefix(quote + 2);
  TakeRequest(line.substr(0, line.rfind('"')), out);
  return LineKind::kRequest;
}

}  // namespace haidang::agent
