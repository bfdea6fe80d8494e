#include "agent/probe/curl_api.h"

#include <string>

#include "agent/library.h"

namespace haidang::agent {
namespace {

constexpr char kLibrary[] = "libcurl.so.4";

}  // namespace

Result<std::unique_ptr<const CurlApi>> CurlApi::Load() {
  const auto library = Library::Load(
      kLibrary, "probes need libcurl",
      "install the package libcurl4 or remove [[probe]] and [[journey]] from the configuration");
  if (!library) return library.error();
  auto api = std::make_unique<CurlApi>();
  const bool complete = library->Find("curl_global_init", api->global_init) &&
                        library->Find("curl_easy_init", api->easy_init) &&
                        library->Find("curl_easy_cleanup", api->easy_cleanup) &&
                        library->Find("curl_easy_setopt", api->easy_setopt) &&
                        library->Find("curl_easy_getinfo", api->easy_getinfo) &&
                        library->Find("curl_multi_init", api->multi_init) &&
                        library->Find("curl_multi_cleanup", api->multi_cleanup) &&
                        library->Find("curl_multi_setopt", api->multi_setopt) &&
                        library->Find("curl_multi_add_handle", api->multi_add_handle) &&
                        library->Find("curl_multi_remove_handle", api->multi_remove_handle) &&
                        library->Find("curl_multi_socket_action", api->multi_socket_action) &&
                        library->Find("curl_multi_info_read", api->multi_info_read) &&
                        library->Find("curl_multi_assign", api->multi_assign) &&
                        library->Find("curl_share_init", api->share_init) &&
                        library->Find("curl_share_setopt", api->share_setopt) &&
                        library->Find("curl_share_cleanup", api->share_cleanup) &&
                        library->Find("curl_slist_append", api->slist_append) &&
                        library->Find("curl_slist_free_all", api->slist_free_all);
  if (!complete || api->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return Error{std::string(kLibrary) + " is not a libcurl that probes can use"};
  }
  return std::unique_ptr<const CurlApi>(std::move(api));
}

}  // namespace haidang::agent
