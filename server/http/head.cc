#include "server/http/head.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace haidang::server {
namespace {

constexpr std::array<std::string_view, 4> kPassedOn{"host", "connection", "if-none-match",
                                                    "last-event-id"};

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c >= 0x20 && c != 0x7F) || c == '\t'; });
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// "GET /path HTTP/1.1": 0, or the status to refuse with.
int JudgeRequestLine(std::string_view line, bool& keep_alive) {
  if (line.size() > kMaxRequestLine) return 414;
  if (!IsPrintable(line)) return 400;
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!IsToken(line.substr(0, first))) return 400;
  if (!target.starts_with('/') || target.find(' ') != std::string_view::npos) return 400;
  const std::string_view version = line.substr(last + 1);
  if (version == "HTTP/1.0") keep_alive = false;
  if (version == "HTTP/1.0" || version == "HTTP/1.1") return 0;
  return version.starts_with("HTTP/") ? 505 : 400;
}

// Reads one header line into the verdict; 0, or the status to refuse with.
int JudgeHeader(std::string_view line, HeadVerdict& verdict) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return 400;
  if (!IsPrintable(line)) return 400;
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  const bool body = name == "transfer-encoding" || (name == "content-length" && value != "0");
  const bool closes = name == "connection" && Lower(value).find("close") != std::string::npos;
  if (body || closes) verdict.keep_alive = false;
  if (name == "accept-encoding" && Lower(value).find("gzip") != std::string::npos) {
    verdict.head += "accept-encoding: gzip\r\n";
  }
  if (std::find(kPassedOn.begin(), kPassedOn.end(), name) != kPassedOn.end()) {
    verdict.head.append(name).append(": ").append(value).append("\r\n");
  }
  return 0;
}

HeadVerdict Refuse(int status) {
  HeadVerdict verdict;
  verdict.status = status;
  verdict.keep_alive = false;
  return verdict;
}

}  // namespace

HeadVerdict JudgeHead(std::string_view bytes) {
  const size_t line_end = bytes.find("\r\n");
  if (line_end == std::string_view::npos) {
    if (bytes.size() > kMaxRequestLine) return Refuse(414);
    return {};
  }
  const size_t head_end = bytes.substr(0, kMaxHeadBytes).find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    if (line_end > kMaxRequestLine) return Refuse(414);
    return bytes.size() >= kMaxHeadBytes ? Refuse(431) : HeadVerdict{};
  }
  HeadVerdict verdict;
  if (const int status = JudgeRequestLine(bytes.substr(0, line_end), verdict.keep_alive)) {
    return Refuse(status);
  }
  verdict.used = head_end + 4;
  verdict.head.assign(bytes.substr(0, line_end + 2));
  std::string_view rest = bytes.substr(line_end + 2, head_end - line_end);
  for (size_t count = 0; !rest.empty(); ++count) {
    if (count == kMaxHeaders) return Refuse(431);
    const size_t end = rest.find("\r\n");
    if (const int status = JudgeHeader(rest.substr(0, end), verdict)) return Refuse(status);
    rest.remove_prefix(end + 2);
  }
  verdict.head += "\r\n";
  return verdict;
}

}  // namespace haidang::server
