#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// Lines of web servers' access logs. Parsers only: they touch nothing.
namespace haidang::agent {

// What is counted of a request. Views into the line.
struct AccessLine {
  std::string_view method;        // as it was sent; empty where the request was none
  std::string_view path;          // without host and query; empty where the request was none
  int status = 0;                 // HTTP's; 0 where the server gave none
  uint64_t bytes = 0;             // of the answer
  std::optional<double> seconds;  // until it was answered
};

enum class LineKind : uint8_t {
  kRequest,
  kRemark,  // a directive, an empty line
  kBad,
};

// How a server writes a request. A value; Parse is const and may run on any thread.
class AccessFormat {
 public:
  // `format`: "common", "combined", "w3c" (IIS: the file's #Fields say the rest), "haproxy" (HTTP,
  // as syslog keeps it), or what the server's own configuration says: nginx' log_format with its
  // $variables, Apache's LogFormat or Tomcat's pattern with its %letters. `latency_unit`: "s",
  // "ms", "us" of the field that says how long a request took; "auto": as nginx, Apache and IIS
  // have it. An Error ends in "; allowed: …".
  static Result<AccessFormat> Make(std::string_view format, std::string_view latency_unit);

  // `fields` is the newest #Fields directive of the line's file; a directive in `line` replaces it.
  LineKind Parse(std::string_view line, std::string& fields, AccessLine& out) const;

  // Whether lines are known by directives that stand before them in their file.
  bool has_directives() const { return kind_ == Kind::kW3c; }

 private:
  enum class Kind : uint8_t { kTemplate, kW3c, kHaproxy };
  enum class Field : uint8_t { kNone, kRequest, kMethod, kPath, kStatus, kBytes, kSeconds };

  // A field and the text that ends it; empty: it ends at a blank or with the line.
  struct Piece {
    Field field = Field::kNone;
    double scale = 1;  // seconds a unit
    std::string until;
  };

  Status AddNginx(std::string_view format);
  Status AddApache(std::string_view format);
  Status AddField(Field field, double scale);
  void AddText(std::string_view text);
  Status CheckTemplate() const;

  LineKind ParseTemplate(std::string_view line, AccessLine& out) const;
  LineKind ParseW3c(std::string_view line, std::string& fields, AccessLine& out) const;
  LineKind ParseHaproxy(std::string_view line, AccessLine& out) const;
  static bool Take(Field field, double scale, std::string_view text, AccessLine& out);

  Kind kind_ = Kind::kTemplate;
  double unit_ = 0;   // seconds; 0: auto
  std::string head_;  // text before the first field
  std::vector<Piece> pieces_;
};

// Methods that have a series of their own; the others share the last one.
inline constexpr std::array<std::string_view, 8> kMethods = {"GET",    "HEAD",    "POST",  "PUT",
                                                             "DELETE", "OPTIONS", "PATCH", "other"};
size_t MethodIndex(std::string_view method);

// Classes of statuses; "other" is what HTTP does not know, and requests that got no answer.
inline constexpr std::array<std::string_view, 6> kStatusClasses = {"1xx", "2xx", "3xx",
                                                                   "4xx", "5xx", "other"};
size_t StatusIndex(int status);

}  // namespace haidang::agent
