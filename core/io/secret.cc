#include "core/io/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace haidang {
namespace {

constexpr size_t kMin = 16, kMax = 256;      // characters of a shared secret
constexpr size_t kMaxCredential = 16 << 10;  // bytes

// Owns a file descriptor.
class File {
 public:
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// What stands in a file that only its owner and group may use, without the ends of lines that close
// it; one byte more than `max` where it is longer.
Result<std::string> ReadGuarded(const std::string& path, size_t max) {
  std::string text(max + 3, '\0');
  if (const Status done = ReadSecretFile(path, SecretWriters::kOwnerAndGroup, text); !done) {
    return Error{"cannot read the secret in " + path + ": " + done.error().message +
                 "; allowed: a file for its owner and group alone that this user may read"};
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

Status ReadSecretFile(const std::string& path, SecretWriters writers, std::string& text) {
  const File file(path);
  if (file.fd() < 0) return Error{std::strerror(errno)};
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return Error{std::strerror(errno)};
  if (!S_ISREG(info.st_mode)) return Error{"it is not a regular file"};
  if ((info.st_mode & S_IRWXO) != 0) {
    return Error{"everybody may use it, run: chmod 0640 " + path};
  }
  if (writers == SecretWriters::kOwner && (info.st_mode & S_IWGRP) != 0) {
    return Error{"its group may write it, run: chmod 0640 " + path};
  }
  const ssize_t got = read(file.fd(), text.data(), text.size());
  if (got < 0) return Error{std::strerror(errno)};
  text.resize(static_cast<size_t>(got));
  return {};
}

Result<std::string> ReadSecret(const std::string& path) {
  auto secret = ReadGuarded(path, kMax);
  if (!secret) return secret;
  const bool printable =
      std::all_of(secret->begin(), secret->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable || secret->size() < kMin || secret->size() > kMax) {
    return Error{path +
                 " holds no secret; allowed: one line of 16 to 256 printable characters without "
                 "blanks; make one with: openssl rand -hex 32"};
  }
  return secret;
}

Result<std::string> ReadCredential(const std::string& path) {
  auto credential = ReadGuarded(path, kMaxCredential);
  if (!credential) return credential;
  const bool one_line = std::none_of(credential->begin(), credential->end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
  if (!one_line || credential->empty() || credential->size() > kMaxCredential) {
    return Error{path + " holds no password or token; allowed: one line of 1 to " +
                 std::to_string(kMaxCredential) + " bytes without control characters"};
  }
  return credential;
}

bool SameSecret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]);
  }
  return difference == 0;
}

}  // namespace haidang
