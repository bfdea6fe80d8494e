#include "agent/probe/multi.h"

#include <uv.h>

#include <algorithm>
#include <chrono>

namespace haidang::agent {

// One of libcurl's sockets, watched; frees itself once libuv has let go of it.
struct CurlMulti::Socket {
  Socket(CurlMulti* watcher, uv_loop_t* loop, curl_socket_t number) : owner(watcher), fd(number) {
    uv_poll_init_socket(loop, &handle, fd);
    handle.data = this;
  }

  void Watch(int events) {
    uv_poll_start(&handle, events, [](uv_poll_t* poll, int status, int ready) {
      const auto* self = static_cast<Socket*>(poll->data);
      int flags = status < 0 ? CURL_CSELECT_ERR : 0;
      if ((ready & UV_READABLE) != 0) flags |= CURL_CSELECT_IN;
      if ((ready & UV_WRITABLE) != 0) flags |= CURL_CSELECT_OUT;
      self->owner->Act(self->fd, flags);
    });
  }

  void Close() {
    uv_poll_stop(&handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<Socket*>(closed->data); });
  }

  CurlMulti* owner;
  curl_socket_t fd;
  uv_poll_t handle{};
};

CurlMulti::CurlMulti(const CurlApi& api, Loop& loop)
    : api_(api), loop_(loop), multi_(api.multi_init()) {
  if (multi_ == nullptr) throw std::bad_alloc();
  api_.multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  api_.multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  api_.multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimeout);
  api_.multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  api_.multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
}

CurlMulti::~CurlMulti() { api_.multi_cleanup(multi_); }

CURLMcode CurlMulti::Add(CURL* handle) { return api_.multi_add_handle(multi_, handle); }

void CurlMulti::Remove(CURL* handle) { api_.multi_remove_handle(multi_, handle); }

int CurlMulti::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* socket) {
  auto* multi = static_cast<CurlMulti*>(self);
  auto* watched = static_cast<Socket*>(socket);
  if (what == CURL_POLL_REMOVE) {
    if (watched != nullptr) watched->Close();
    multi->api_.multi_assign(multi->multi_, fd, nullptr);
    return 0;
  }
  if (watched == nullptr) {
    watched = new Socket(multi, static_cast<uv_loop_t*>(multi->loop_.native()), fd);
    multi->api_.multi_assign(multi->multi_, fd, watched);
  }
  int events = 0;
  if ((what & CURL_POLL_IN) != 0) events |= UV_READABLE;
  if ((what & CURL_POLL_OUT) != 0) events |= UV_WRITABLE;
  watched->Watch(events);
  return 0;
}

int CurlMulti::OnTimeout(CURLM*, long timeout_ms, void* self) {
  auto* multi = static_cast<CurlMulti*>(self);
  multi->timer_.reset();
  if (timeout_ms >= 0) {
    multi->timer_ = multi->loop_.After(std::chrono::milliseconds(timeout_ms),
                                       [multi] { multi->Act(CURL_SOCKET_TIMEOUT, 0); });
  }
  return 0;
}

void CurlMulti::Act(curl_socket_t fd, int events) {
  int running = 0;
  api_.multi_socket_action(multi_, fd, events, &running);
  TakeFinished();
}

void CurlMulti::TakeFinished() {
  int left = 0;
  while (const CURLMsg* message = api_.multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* handle = message->easy_handle;
    const CURLcode code = message->data.result;  // the message dies with the next call
    Transfer* transfer = nullptr;
    api_.easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    Remove(handle);
    transfer->Finished(code);
  }
}

}  // namespace haidang::agent
