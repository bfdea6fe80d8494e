#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/io/http/head.h"

namespace haidang::http {

struct Request {
  std::string method;
  std::string path;                                // decoded
  std::multimap<std::string, std::string> params;  // of the query, decoded
  std::string if_none_match;
  std::string body;
  std::string captured;  // what stood for {…} in the route's pattern
  // Whether the client has closed its connection, or its own side of it: nobody waits for the
  // answer any more. While the request is being answered; empty where there is no connection.
  std::function<bool()> gone = {};

  // The first value, "" where there is none.
  std::string Param(const std::string& name) const;
};

// Decodes path and query: %XX, and '+' for a blank in the query; what is no such escape stays as it
// is. Linear in the head's size.
Request MakeRequest(const Head& head, std::string body);

}  // namespace haidang::http
