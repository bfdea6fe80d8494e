#include "agent/probe/curl_api.h"

#include <dlfcn.h>

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libcurl.so.4";

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Result<std::unique_ptr<const CurlApi>> CurlApi::Load() {
  void* library = dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    return Error{std::string("probes need libcurl, which cannot be loaded: ") + dlerror() +
                 "; install the package libcurl4 or remove [[probe]] and [[journey]] from the "
                 "configuration"};
  }
  auto api = std::make_unique<CurlApi>();
  const bool complete = Find(library, "curl_global_init", api->global_init) &&
                        Find(library, "curl_easy_init", api->easy_init) &&
                        Find(library, "curl_easy_cleanup", api->easy_cleanup) &&
                        Find(library, "curl_easy_setopt", api->easy_setopt) &&
                        Find(library, "curl_easy_getinfo", api->easy_getinfo) &&
                        Find(library, "curl_multi_init", api->multi_init) &&
                        Find(library, "curl_multi_cleanup", api->multi_cleanup) &&
                        Find(library, "curl_multi_setopt", api->multi_setopt) &&
                        Find(library, "curl_multi_add_handle", api->multi_add_handle) &&
                        Find(library, "curl_multi_remove_handle", api->multi_remove_handle) &&
                        Find(library, "curl_multi_socket_action", api->multi_socket_action) &&
                        Find(library, "curl_multi_info_read", api->multi_info_read) &&
                        Find(library, "curl_multi_assign", api->multi_assign) &&
                        Find(library, "curl_share_init", api->share_init) &&
                        Find(library, "curl_share_setopt", api->share_setopt) &&
                        Find(library, "curl_share_cleanup", api->share_cleanup) &&
                        Find(library, "curl_slist_append", api->slist_append) &&
                        Find(library, "curl_slist_free_all", api->slist_free_all);
  if (!complete || api->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return Error{std::string(kLibrary) + " is not a libcurl that probes can use"};
  }
  return std::unique_ptr<const CurlApi>(std::move(api));
}

}  // namespace haidang::agent
