#include "core/io/http/request.h"

#include <algorithm>
#include <utility>

namespace haidang::http {
namespace {

// The value of a hex digit; -1 where it is none.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
  }
  return out;
}

}  // namespace

std::string Request::Param(const std::string& name) const {
  const auto it = params.find(name);
  return it == params.end() ? "" : it->second;
}

Request MakeRequest(const Head& head, std::string body) {
  Request request;
  request.method = head.method;
  request.path = Decode(head.path(), false);
  request.if_none_match = head.if_none_match;
  request.body = std::move(body);
  for (std::string_view rest = head.query(); !rest.empty();) {
    const std::string_view piece = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    request.params.emplace(Decode(piece.substr(0, equals), true), Decode(value, true));
  }
  return request;
}

}  // namespace haidang::http
