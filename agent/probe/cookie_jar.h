#pragma once

#include "agent/probe/curl_api.h"

namespace haidang::agent {

// The cookies of one walk, as a browser keeps them: by domain, path and lifetime, which libcurl
// judges. Must outlive the requests that use it. Loop thread only.
class CookieJar {
 public:
  explicit CookieJar(const CurlApi& api);
  ~CookieJar();
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;

  CURLSH* share() const { return share_; }

 private:
  const CurlApi& api_;
  CURLSH* share_;
};

}  // namespace haidang::agent
