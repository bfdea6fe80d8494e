#include "agent/probe/cookie_jar.h"

#include <new>

namespace haidang::agent {

CookieJar::CookieJar(const CurlApi& api) : api_(api), share_(api.share_init()) {
  if (share_ == nullptr) throw std::bad_alloc();
  api_.share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
}

CookieJar::~CookieJar() { api_.share_cleanup(share_); }

}  // namespace haidang::agent
