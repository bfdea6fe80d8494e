#include <algorithm>
#include <cctype>
#include <utility>

#include "agent/sources/access_line.h"
#include "core/utf8.h"

// AccessFormat is made here; access_line.cc reads lines with it.
namespace haidang::agent {
namespace {

constexpr std::string_view kCommon = R"(%h %l %u %t "%r" %>s %b)";
constexpr std::string_view kCombined = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")";
constexpr size_t kMaxPieces = 64;

bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

Error Wrong(const std::string& what) {
  return Error{
      what +
      "; allowed: \"common\", \"combined\", \"w3c\", \"haproxy\", or the server's own: nginx' "
      "log_format, Apache's LogFormat, Tomcat's pattern"};
}

}  // namespace

Result<AccessFormat> AccessFormat::Make(std::string_view format, std::string_view latency_unit) {
  AccessFormat made;
  if (latency_unit == "s") made.unit_ = 1;
  if (latency_unit == "ms") made.unit_ = 1e-3;
  if (latency_unit == "us") made.unit_ = 1e-6;
  if (format == "w3c" || format == "haproxy") {
    made.kind_ = format == "w3c" ? Kind::kW3c : Kind::kHaproxy;
    return made;
  }
  if (format == "common") format = kCommon;
  if (format == "combined") format = kCombined;
  const bool apache = format.find('%') != std::string_view::npos;
  const bool nginx = format.find('$') != std::string_view::npos;
  if (apache == nginx) return Wrong("is no format of access logs");
  if (const Status added = nginx ? made.AddNginx(format) : made.AddApache(format); !added) {
    return added.error();
  }
  if (const Status good = made.CheckTemplate(); !good) return good.error();
  return made;
}

Status AccessFormat::AddNginx(std::string_view format) {
  static constexpr std::pair<std::string_view, Field> kFields[] = {
      {"request", Field::kRequest},  {"request_method", Field::kMethod},
      {"request_uri", Field::kPath}, {"uri", Field::kPath},
      {"status", Field::kStatus},    {"body_bytes_sent", Field::kBytes},
      {"bytes_sent", Field::kBytes}, {"request_time", Field::kSeconds},
  };
  while (!format.empty()) {
    const size_t dollar = format.find('$');
    AddText(format.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    format.remove_prefix(dollar + 1);
    const bool braces = format.starts_with('{');
    if (braces) format.remove_prefix(1);
    const auto end = std::find_if_not(format.begin(), format.end(), IsNameChar);
    const std::string_view name = format.substr(0, static_cast<size_t>(end - format.begin()));
    format.remove_prefix(name.size());
    if (name.empty() || (braces && !format.starts_with('}')))
      return Wrong("has a $ without a name");
    if (braces) format.remove_prefix(1);
    const auto* field = std::find_if(std::begin(kFields), std::end(kFields),
                                     [&](const auto& one) { return one.first == name; });
    const Status added = AddField(field != std::end(kFields) ? field->second : Field::kNone, 1);
    if (!added) return added;
  }
  return {};
}

// Also Tomcat's AccessLogValve, whose letters are Apache's.
Status AccessFormat::AddApache(std::string_view format) {
  while (!format.empty()) {
    const size_t percent = format.find('%');
    // As Apache's own configuration has it: LogFormat "%h \"%r\"".
    std::string text(format.substr(0, percent));
    for (size_t at = 0; (at = text.find("\\\"", at)) != std::string::npos; ++at) text.erase(at, 1);
    AddText(text);
    if (percent == std::string_view::npos) break;
    format.remove_prefix(percent + 1);
    while (!format.empty() && (std::string_view("<>!,").find(format[0]) != std::string_view::npos ||
                               std::isdigit(static_cast<unsigned char>(format[0])) != 0)) {
      format.remove_prefix(1);
    }
    std::string_view argument;
    if (format.starts_with('{')) {
      const size_t close = format.find('}');
      if (close == std::string_view::npos) return Wrong("has a %{ without }");
      argument = format.substr(1, close - 1);
      format.remove_prefix(close + 1);
    }
    if (format.empty()) return Wrong("ends in %");
    const char letter = format[0];
    // %^ti and %^to are the only ones of three characters.
    format.remove_prefix(letter == '^' ? std::min<size_t>(3, format.size()) : 1);
    if (letter == '%') {
      AddText("%");
      continue;
    }
    Field field = Field::kNone;
    double scale = 1;
    if (letter == 'r') field = Field::kRequest;
    if (letter == 'm') field = Field::kMethod;
    if (letter == 'U') field = Field::kPath;
    if (letter == 's') field = Field::kStatus;
    if (letter == 'b' || letter == 'B' || letter == 'O') field = Field::kBytes;
    if (letter == 'D' || letter == 'T') {
      field = Field::kSeconds;
      if (letter == 'D' || argument == "us") scale = 1e-6;
      if (argument == "ms") scale = 1e-3;
    }
    const bool bracketed = letter == 't' && argument.empty();
    if (bracketed) AddText("[");
    if (const Status added = AddField(field, scale); !added) return added;
    if (bracketed) AddText("]");
  }
  return {};
}

Status AccessFormat::AddField(Field field, double scale) {
  if (!pieces_.empty() && pieces_.back().until.empty()) {
    // "%U%q": the address ends where its query begins.
    const Field before = pieces_.back().field;
    if (field == Field::kNone && (before == Field::kNone || before == Field::kPath)) return {};
    return Wrong("has two fields with nothing between them");
  }
  if (pieces_.size() >= kMaxPieces) return Wrong("has more than 64 fields");
  // Where a field stands twice, the first one counts.
  const bool again = field != Field::kNone &&
                     std::any_of(pieces_.begin(), pieces_.end(),
                                 [&](const Piece& piece) { return piece.field == field; });
  const bool own_unit = field == Field::kSeconds && unit_ != 0;
  pieces_.push_back({again ? Field::kNone : field, own_unit ? unit_ : scale, {}});
  return {};
}

void AccessFormat::AddText(std::string_view text) {
  (pieces_.empty() ? head_ : pieces_.back().until) += text;
}

Status AccessFormat::CheckTemplate() const {
  const bool has_status = std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) {
    return piece.field == Field::kStatus;
  });
  if (!has_status) return Wrong("does not tell the status ($status, %>s)");
  return {};
}

}  // namespace haidang::agent
