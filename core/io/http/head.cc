#include "core/io/http/head.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/http_token.h"

namespace haidang::http {
namespace {

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

// "GET /path HTTP/1.1": 0, or the status to refuse with.
int JudgeRequestLine(std::string_view line, Head& head) {
  if (line.size() > kMaxRequestLine) return 414;
  if (!IsPrintable(line)) return 400;
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!IsHttpToken(head.method)) return 400;
  if (!head.target.starts_with('/') || head.target.find(' ') != std::string::npos) return 400;
  const std::string_view version = line.substr(last + 1);
  head.old = version == "HTTP/1.0";
  if (head.old) head.keep_alive = false;
  if (head.old || version == "HTTP/1.1") return 0;
  return version.starts_with("HTTP/") ? 505 : 400;
}

// Content-Length: 0, or the status to refuse with.
int JudgeLength(std::string_view value, Head& head) {
  size_t length = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (fault == std::errc::result_out_of_range) return 413;
  if (fault != std::errc() || end != value.data() + value.size()) return 400;
  if (head.sized && head.body_bytes != length) return 400;
  head.sized = true;
  head.body_bytes = length;
  return 0;
}

// Reads one header line into the head; 0, or the status to refuse with.
int JudgeHeader(std::string_view line, Head& head) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsHttpToken(line.substr(0, colon))) return 400;
  if (!IsPrintable(line)) return 400;
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  if (name == "content-length") return JudgeLength(value, head);
  if (name == "transfer-encoding") head.chunked = true;
  if (name == "connection" && Lower(value).find("close") != std::string::npos) {
    head.keep_alive = false;
  }
  if (name == "accept-encoding" && Lower(value).find("gzip") != std::string::npos) head.gzip = true;
  if (name == "expect" && Lower(value) == "100-continue") head.expects_continue = true;
  if (name == "authorization") head.authorization = value;
  if (name == "if-none-match") head.if_none_match = value;
  return 0;
}

HeadVerdict Refuse(int status) {
  HeadVerdict verdict;
  verdict.status = status;
  return verdict;
}

}  // namespace

std::string_view Head::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view Head::query() const {
  const size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

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
  if (const int status = JudgeRequestLine(bytes.substr(0, line_end), verdict.head)) {
    return Refuse(status);
  }
  verdict.used = head_end + 4;
  std::string_view rest = bytes.substr(line_end + 2, head_end - line_end);
  for (size_t count = 0; !rest.empty(); ++count) {
    if (count == kMaxHeaders) return Refuse(431);
    const size_t end = rest.find("\r\n");
    if (const int status = JudgeHeader(rest.substr(0, end), verdict.head)) return Refuse(status);
    rest.remove_prefix(end + 2);
  }
  if (verdict.head.chunked && verdict.head.sized) return Refuse(400);
  return verdict;
}

}  // namespace haidang::http
