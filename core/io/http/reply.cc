#include "core/io/http/reply.h"

#include <nlohmann/json.hpp>

#include "core/query_json.h"

namespace haidang::http {

Reply ErrorReply(int status, std::string_view code, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = query::DumpJson({{"error", {{"code", code}, {"message", message}}}});
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Other";
  }
}

}  // namespace haidang::http
