#include "core/io/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace haidang {
namespace {

Error Failure(const std::string& path, const char* doing) {
  return Error{path + ": cannot be " + doing + ": " + std::strerror(errno)};
}

std::string MiB(uint64_t bytes) { return std::to_string((bytes >> 20) + 1) + " MiB"; }

}  // namespace

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string FileNameOf(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

Status SyncDirectory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failure(directory, "opened");
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL;  // some file systems know no such thing
  Status done;
  if (!synced) done = Failure(directory, "made durable");
  ::close(fd);
  return done;
}

Status RenameFile(const std::string& from, const std::string& to, bool replace) {
  if (replace) {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return Failure(from, ("renamed to " + to).c_str());
  }
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  // Not every file system can do that.
  if ((errno == EINVAL || errno == ENOSYS) && ::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return {};
  }
  return Failure(from, ("renamed to " + to).c_str());
}

Status ReplaceFile(const std::string& path, std::string_view text, unsigned mode, bool sync) {
  const std::string draft = path + ".new";
  const auto failed = [&draft] {
    const Error error{"cannot write " + draft + ": " + std::strerror(errno)};
    ::unlink(draft.c_str());
    return error;
  };
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return failed();
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const Error error = failed();
      ::close(fd);
      return error;
    }
    text.remove_prefix(static_cast<size_t>(put));
  }
  const bool synced = !sync || ::fdatasync(fd) == 0;
  if (::close(fd) != 0 || !synced) return failed();
  if (::rename(draft.c_str(), path.c_str()) != 0) return failed();
  return sync ? SyncDirectory(DirectoryOf(path)) : Status();
}

Status CheckRoom(const std::string& path, int64_t bytes) {
  struct statvfs disk {};
  const std::string directory = DirectoryOf(path);
  if (::statvfs(directory.c_str(), &disk) != 0) return Failure(directory, "used");
  const auto free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  const auto needed = static_cast<uint64_t>(bytes);
  if (free >= needed) return {};
  return Error{path + ": the disk is too full: " + MiB(needed) + " are needed there, " + MiB(free) +
               " are free; make room, or name another place"};
}

void GiveToOwnerOfDirectory(const std::string& path) {
  struct stat directory {};
  if (::geteuid() != 0 || ::stat(DirectoryOf(path).c_str(), &directory) != 0) return;
  if (::lchown(path.c_str(), directory.st_uid, directory.st_gid) != 0) return;  // it stays root's
}

}  // namespace haidang
