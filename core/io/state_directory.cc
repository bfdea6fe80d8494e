#include "core/io/state_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/io/directory_lock.h"

namespace haidang {
namespace {

constexpr mode_t kMode = 0750;

Error Refusal(const std::string& path, int failure) {
  return Error{path + ": " + std::strerror(failure) +
               "; allowed: a directory on a local disk that this user may make or write in"};
}

// Makes every missing directory of `path` and appends it to `made`; errno's value, 0 for success.
int MakeAll(const std::string& path, std::vector<std::string>& made) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), kMode) == 0) {
      made.push_back(part);
    } else if (errno != EEXIST && errno != EISDIR) {
      return errno;
    }
    if (end == std::string::npos) return 0;
  }
}

// Whether files can be made in `path`; errno's value, 0 for success.
int TryToWrite(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (!S_ISDIR(info.st_mode)) return ENOTDIR;
  if (::access(path.c_str(), W_OK | X_OK) != 0) return errno;
  std::string probe = path + "/.writable-XXXXXX";
  const int fd = ::mkostemp(probe.data(), O_CLOEXEC);
  if (fd < 0) return errno == ENOSPC || errno == EDQUOT ? 0 : errno;
  ::unlink(probe.c_str());
  ::close(fd);
  return 0;
}

bool IsDisks(int failure) {
  return failure == ENOSPC || failure == EDQUOT || failure == EROFS || failure == EIO;
}

}  // namespace

Status CheckStateDirectory(const std::string& path) {
  if (path.empty()) return Error{"must not be empty; allowed: a path"};
  std::vector<std::string> made;
  int failure = MakeAll(path, made);
  if (failure == ENOSPC || failure == EDQUOT) {
    failure = 0;
  } else if (failure == 0) {
    failure = TryToWrite(path);
  }
  if (failure == EROFS) failure = 0;
  for (auto it = made.rbegin(); it != made.rend(); ++it) ::rmdir(it->c_str());
  if (failure != 0) return Refusal(path, failure);
  return {};
}

bool DiskTakesNothing(const std::string& path) {
  constexpr off_t kRoom = 4 << 20;  // what a start may need at once
  std::string directory = path;
  struct stat info {};
  while (::stat(directory.c_str(), &info) != 0) {
    const size_t slash = directory.find_last_of('/');
    if (slash == std::string::npos) return false;
    directory.resize(slash == 0 ? 1 : slash);
  }
  std::string probe = directory + "/.room-XXXXXX";
  const int fd = ::mkostemp(probe.data(), O_CLOEXEC);
  if (fd < 0) return IsDisks(errno);
  ::unlink(probe.c_str());
  const int failure = ::posix_fallocate(fd, 0, kRoom);
  ::close(fd);
  return IsDisks(failure);
}

Status ClaimStateDirectory(const std::string& path, const std::string& program) {
  std::vector<std::string> made;
  if (const int failure = MakeAll(path, made); failure != 0) return Refusal(path, failure);
  return LockDirectory(path, program);
}

}  // namespace haidang
