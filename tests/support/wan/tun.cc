#include "tests/support/wan/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace haidang::wan {
namespace {

Error Failed(const std::string& what) { return Error{what + ": " + std::strerror(errno)}; }

Result<Fd> OpenHere(const std::string& device) {
  Fd tun(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (tun.get() < 0) return Failed("/dev/net/tun");
  ifreq request{};
  if (device.empty() || device.size() >= sizeof(request.ifr_name)) {
    return Error{device + ": no name for a device"};
  }
  std::memcpy(request.ifr_name, device.data(), device.size());
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) return Failed(device);
  return tun;
}

}  // namespace

Fd::Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Result<Fd> OpenTun(const std::string& space, const std::string& device) {
  if (space == "-") return OpenHere(device);
  const Fd own(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const Fd there(open(space.c_str(), O_RDONLY | O_CLOEXEC));
  if (own.get() < 0 || there.get() < 0) return Failed(space);
  if (setns(there.get(), CLONE_NEWNET) != 0) return Failed(space);
  auto tun = OpenHere(device);
  if (setns(own.get(), CLONE_NEWNET) != 0) return Failed("our own namespace");
  return tun;
}

}  // namespace haidang::wan
