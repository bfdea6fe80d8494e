#include "agent/journey/pcre_api.h"

#include <string>

#include "agent/library.h"

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libpcre2-8.so.0";

}  // namespace

Result<PcreApi> PcreApi::Load() {
  const auto library =
      Library::Load(kLibrary, "regular expressions need PCRE2",
                    "install the package libpcre2-8-0 or take the value in another way");
  if (!library) return library.error();
  PcreApi api;
  const bool complete = library->Find("pcre2_compile_8", api.compile) &&
                        library->Find("pcre2_code_free_8", api.code_free) &&
                        library->Find("pcre2_pattern_info_8", api.pattern_info) &&
                        library->Find("pcre2_get_error_message_8", api.get_error_message) &&
                        library->Find("pcre2_match_8", api.match) &&
                        library->Find("pcre2_match_data_create_8", api.match_data_create) &&
                        library->Find("pcre2_match_data_free_8", api.match_data_free) &&
                        library->Find("pcre2_match_context_create_8", api.match_context_create) &&
                        library->Find("pcre2_match_context_free_8", api.match_context_free) &&
                        library->Find("pcre2_set_heap_limit_8", api.set_heap_limit) &&
                        library->Find("pcre2_set_match_limit_8", api.set_match_limit) &&
                        library->Find("pcre2_set_callout_8", api.set_callout) &&
                        library->Find("pcre2_get_ovector_pointer_8", api.get_ovector_pointer);
  if (!complete) return Error{std::string(kLibrary) + " is not a PCRE2 that patterns can use"};
  return api;
}

}  // namespace haidang::agent
