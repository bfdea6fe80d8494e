#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collector/options.h"

namespace haidang::collector {
namespace {

constexpr size_t kMin = 16, kMax = 256;  // characters

// Owns a file descriptor.
class File {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::string> ReadSecret(const std::string& path) {
  const auto system_error = [&](const char* doing) {
    return Error{path + ": cannot " + doing + " the query port's secret: " + std::strerror(errno)};
  };
  const File file(path);
  if (file.fd() < 0) return system_error("open");
  struct stat status {};
  if (fstat(file.fd(), &status) != 0) return system_error("look at");
  if ((status.st_mode & (S_IRWXO)) != 0) {
    return Error{path + ": everybody may use this secret; run: chmod o= " + path};
  }
  std::string secret(kMax + 2, '\0');
  const ssize_t got = read(file.fd(), secret.data(), secret.size());
  if (got < 0) return system_error("read");
  secret.resize(static_cast<size_t>(got));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  const bool printable =
      std::all_of(secret.begin(), secret.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable || secret.size() < kMin || secret.size() > kMax) {
    return Error{path +
                 ": the secret must be one line of 16 to 256 printable characters without blanks; "
                 "make one with: openssl rand -hex 32"};
  }
  return secret;
}

}  // namespace haidang::collector
