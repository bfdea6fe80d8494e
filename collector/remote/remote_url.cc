#include "collector/remote/remote_url.h"

#include <curl/curl.h>

#include <memory>

namespace haidang::remote {
namespace {

using Parsed = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// "" where the URL has no such part.
std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owned(text, curl_free);
  return text;
}

}  // namespace

Result<RemoteUrl> ParseRemoteUrl(const std::string& text) {
  const auto wrong = [](const char* what) {
    return Error{std::string(what) +
                 "; allowed: \"http://host:port/path\" or \"https://host:port/path\""};
  };
  const Parsed url(curl_url(), curl_url_cleanup);
  const size_t slashes = text.find("://");
  if (slashes == std::string::npos) return wrong("must begin with http:// or https://");
  if (text.substr(slashes).starts_with(":///")) return wrong("names no host and port");
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return wrong("is no URL");
  }
  const std::string scheme = Part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return wrong("must begin with http:// or https://");
  if (!Part(url.get(), CURLUPART_USER).empty() || !Part(url.get(), CURLUPART_PASSWORD).empty()) {
    return wrong("must not hold user or password, which belong into basic_auth");
  }
  if (!Part(url.get(), CURLUPART_FRAGMENT).empty()) return wrong("must not hold a # part");
  RemoteUrl out;
  out.text = text;
  out.tls = scheme == "https";
  out.host = Part(url.get(), CURLUPART_HOST);
  out.port = Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (out.host.empty() || out.port == "0") return wrong("names no host and port");
  const std::string path = Part(url.get(), CURLUPART_PATH), port = Part(url.get(), CURLUPART_PORT),
                    query = Part(url.get(), CURLUPART_QUERY);
  out.authority = out.host + (port.empty() ? "" : ":" + port);
  out.rest = path + (query.empty() ? "" : "?" + query);
  out.shown = scheme + "://" + out.authority + path + (query.empty() ? "" : "?***");
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  return out;
}

}  // namespace haidang::remote
