#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/io/http/request.h"

namespace haidang::http {

// What is wrong with the names of a question's parameters, and what is allowed; "" where nothing
// is. Each of `once` may be there once, those of `often` any number of times; one that ends with
// '.' stands for all that begin so.
std::string NamesFault(const Request& request, std::initializer_list<std::string_view> once,
                       std::initializer_list<std::string_view> often = {});

}  // namespace haidang::http
