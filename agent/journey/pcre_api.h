#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/result.h"

namespace haidang::agent {

// PCRE2, loaded only where a pattern is configured, as libcurl is (agent/probe/curl_api.h).
struct PcreApi {
  // The library stays until the process ends; loading it again costs nothing.
  static Result<PcreApi> Load();

  decltype(&pcre2_compile) compile = nullptr;
  decltype(&pcre2_code_free) code_free = nullptr;
  decltype(&pcre2_pattern_info) pattern_info = nullptr;
  decltype(&pcre2_get_error_message) get_error_message = nullptr;
  decltype(&pcre2_match) match = nullptr;
  decltype(&pcre2_match_data_create) match_data_create = nullptr;
  decltype(&pcre2_match_data_free) match_data_free = nullptr;
  decltype(&pcre2_match_context_create) match_context_create = nullptr;
  decltype(&pcre2_match_context_free) match_context_free = nullptr;
  decltype(&pcre2_set_heap_limit) set_heap_limit = nullptr;
  decltype(&pcre2_set_match_limit) set_match_limit = nullptr;
  decltype(&pcre2_set_callout) set_callout = nullptr;
  decltype(&pcre2_get_ovector_pointer) get_ovector_pointer = nullptr;
};

}  // namespace haidang::agent
