#pragma once

#include <span>
#include <string_view>

namespace haidang::server {

// A file of server/web, compiled into the program.
struct Asset {
  std::string_view path;  // as served: "/app.js"; for a page its address, "/machines/{machine}"
  std::string_view type;
  std::string_view body;
};

std::span<const Asset> Assets();

}  // namespace haidang::server
