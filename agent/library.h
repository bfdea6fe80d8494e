#pragma once

#include <dlfcn.h>

#include <string>
#include <string_view>

#include "core/result.h"

namespace haidang::agent {

// A shared library that is loaded only where something is configured that needs it; it stays until
// the process ends. Loading it again costs nothing.
class Library {
 public:
  // `need`: "probes need libcurl"; `remedy`: "install …". Both are for the Error.
  static Result<Library> Load(const char* file, std::string_view need, std::string_view remedy) {
    void* handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (handle != nullptr) return Library(handle);
    return Error{std::string(need) + ", which cannot be loaded: " + dlerror() + "; " +
                 std::string(remedy)};
  }

  // Whether it has the function.
  template <typename Function>
  bool Find(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    return function != nullptr;
  }

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void* handle_;
};

}  // namespace haidang::agent
