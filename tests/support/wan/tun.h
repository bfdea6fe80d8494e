#pragma once

#include <string>

#include "core/result.h"

namespace haidang::wan {

// A file descriptor that is closed with its owner.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Makes the TUN device `device` in the network namespace that lies bound at `space` ("-": our own);
// reading gives the packets that are routed to it, writing has them arrive there. Does not block.
// The caller's thread comes back to its own namespace. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
Result<Fd> OpenTun(const std::string& space, const std::string& device);

}  // namespace haidang::wan
