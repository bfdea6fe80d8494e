#include "core/io/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/io/files.h"

namespace haidang {

Status LockDirectory(const std::string& directory, const std::string& program) {
  const std::string file = directory + "/" + program + ".lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{file + ": cannot be made: " + std::strerror(errno) +
                 "; check the directory's owner and mode, and that its file system is not full or "
                 "read-only"};
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
    GiveToOwnerOfDirectory(file);  // root's tools may be there before the program's first start
    return {};
  }
  const int failure = errno;
  ::close(fd);
  if (failure == EWOULDBLOCK) {
    return Error{directory + ": another haidang-" + program +
                 " uses this directory; stop it first, or give each a directory of its own"};
  }
  return Error{file + ": cannot be locked: " + std::strerror(failure) +
               "; the directory must be on a local disk"};
}

}  // namespace haidang
