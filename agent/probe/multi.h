#pragma once

#include <memory>

#include "agent/probe/curl_api.h"
#include "core/io/loop.h"

namespace haidang::agent {

// libcurl's multi interface driven by the libuv loop. Loop thread only.
class CurlMulti {
 public:
  // What a handle's private pointer (CURLOPT_PRIVATE) must point to.
  class Transfer {
   public:
    virtual ~Transfer() = default;
    // The handle has been removed already. May destroy the Transfer, and start others.
    virtual void Finished(CURLcode code) = 0;
  };

  CurlMulti(const CurlApi& api, Loop& loop);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  CURLMcode Add(CURL* handle);
  void Remove(CURL* handle);

 private:
  struct Socket;
  static int OnSocket(CURL* handle, curl_socket_t fd, int what, void* self, void* socket);
  static int OnTimeout(CURLM* multi, long timeout_ms, void* self);
  void Act(curl_socket_t fd, int events);
  void TakeFinished();

  const CurlApi& api_;
  Loop& loop_;
  CURLM* multi_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace haidang::agent
