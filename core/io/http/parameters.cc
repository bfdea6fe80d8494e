#include "core/io/http/parameters.h"

#include <algorithm>

#include "core/utf8.h"

namespace haidang::http {
namespace {

constexpr size_t kMaxShown = 64;  // bytes of a name

bool Matches(const std::string& name, std::string_view known) {
  if (!known.ends_with('.')) return name == known;
  return name.size() > known.size() && name.starts_with(known);
}

std::string Allowed(std::initializer_list<std::string_view> once,
                    std::initializer_list<std::string_view> often) {
  std::string names;
  for (const auto list : {once, often}) {
    for (const std::string_view known : list) {
      names.append(names.empty() ? "" : ", ").append(known);
      if (known.ends_with('.')) names += "{name}";
    }
  }
  return names.empty() ? "none" : names;
}

}  // namespace

std::string NamesFault(const Request& request, std::initializer_list<std::string_view> once,
                       std::initializer_list<std::string_view> often) {
  for (const auto& param : request.params) {
    const std::string& name = param.first;
    if (std::find(once.begin(), once.end(), name) != once.end()) {
      if (request.params.count(name) > 1) return name + " is given more than once; allowed: once";
      continue;
    }
    const bool known = std::any_of(often.begin(), often.end(), [&name](std::string_view other) {
      return Matches(name, other);
    });
    if (known) continue;
    return Printable(name, kMaxShown) +
           " is no parameter of this question; allowed: " + Allowed(once, often);
  }
  return "";
}

}  // namespace haidang::http
