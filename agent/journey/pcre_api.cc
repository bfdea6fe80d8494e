#include "agent/journey/pcre_api.h"

#include <dlfcn.h>

#include <string>

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libpcre2-8.so.0";

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Result<PcreApi> PcreApi::Load() {
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    return Error{std::string("regular expressions need PCRE2, which cannot be loaded: ") +
                 dlerror() + "; install the package libpcre2-8-0 or take the value in another way"};
  }
  PcreApi api;
  const bool complete = Find(library, "pcre2_compile_8", api.compile) &&
                        Find(library, "pcre2_code_free_8", api.code_free) &&
                        Find(library, "pcre2_pattern_info_8", api.pattern_info) &&
                        Find(library, "pcre2_get_error_message_8", api.get_error_message) &&
                        Find(library, "pcre2_match_8", api.match) &&
                        Find(library, "pcre2_match_data_create_8", api.match_data_create) &&
                        Find(library, "pcre2_match_data_free_8", api.match_data_free) &&
                        Find(library, "pcre2_match_context_create_8", api.match_context_create) &&
                        Find(library, "pcre2_match_context_free_8", api.match_context_free) &&
                        Find(library, "pcre2_set_heap_limit_8", api.set_heap_limit) &&
                        Find(library, "pcre2_set_match_limit_8", api.set_match_limit) &&
                        Find(library, "pcre2_set_callout_8", api.set_callout) &&
                        Find(library, "pcre2_get_ovector_pointer_8", api.get_ovector_pointer);
  if (!complete) return Error{std::string(kLibrary) + " is not a PCRE2 that patterns can use"};
  return api;
}

}  // namespace haidang::agent
