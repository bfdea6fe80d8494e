#include "agent/sources/log_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/crc64.h"

namespace haidang::agent {
namespace {

constexpr uint64_t kHeadBytes = 1024;  // times in it tell files apart
constexpr size_t kPassedBytes = 64 << 10;

// Bytes read, fewer at the end of the file; -1 and errno.
ssize_t ReadAt(const OpenFile& file, char* data, size_t size, uint64_t offset) {
  size_t have = 0;
  while (have < size) {
    const ssize_t got =
        pread(file.fd(), data + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(have);
}

// Nothing where the file is shorter.
std::string ReadHead(const OpenFile& file, uint64_t size) {
  std::string head(size, '\0');
  const ssize_t got = ReadAt(file, head.data(), head.size(), 0);
  if (got != static_cast<ssize_t>(size)) head.clear();
  return head;
}

// Hands over the whole lines of `text`; bytes that they took.
size_t TakeLines(std::string_view text, TailState& state, LineSink& sink) {
  size_t taken = 0;
  for (;;) {
    const size_t end = text.find('\n', taken);
    if (end == std::string_view::npos) return taken;
    if (!std::exchange(state.skipping, false)) {
      sink.Line(state.note, text.substr(taken, end - taken));
    }
    taken = end + 1;
  }
}

}  // namespace

FileLook LookOf(const struct stat& info) {
  return {.id = {.device = info.st_dev, .inode = info.st_ino},
          .size = static_cast<uint64_t>(info.st_size),
          .mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) close(fd_);
}

Result<OpenFile> OpenLog(const std::string& path) {
  OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return Error{"cannot read " + path + ": " + std::strerror(errno)};
  struct stat info {};
  if (fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error{"cannot read " + path + ": it is no file"};
  }
  return file;
}

Result<FileLook> LookAt(const OpenFile& file) {
  struct stat info {};
  if (fstat(file.fd(), &info) != 0) return Error{std::string("fstat: ") + std::strerror(errno)};
  return LookOf(info);
}

bool HasHead(const OpenFile& file, const TailState& state) {
  if (state.head_size == 0) return true;
  const std::string head = ReadHead(file, state.head_size);
  return !head.empty() && Crc64Of(head) == state.head_crc;
}

void RememberHead(const OpenFile& file, TailState& state) {
  const uint64_t size = std::min(state.offset, kHeadBytes);
  if (size <= state.head_size) return;
  const std::string head = ReadHead(file, size);
  if (head.empty()) return;
  state.head_size = size;
  state.head_crc = Crc64Of(head);
}

Result<bool> ReadLines(const OpenFile& file, TailState& state, LineSink& sink, std::string& buffer,
                       uint64_t& budget) {
  buffer.resize(kMaxLogLine);
  while (budget > 0) {
    const ssize_t got = ReadAt(file, buffer.data(), buffer.size(), state.offset);
    if (got < 0) return Error{std::string("cannot read on: ") + std::strerror(errno)};
    const std::string_view text(buffer.data(), static_cast<size_t>(got));
    size_t taken = TakeLines(text, state, sink);
    const bool full = text.size() == buffer.size();
    if (full && taken == 0) {
      if (!std::exchange(state.skipping, true)) sink.TooLong();
      taken = text.size();
    }
    state.offset += taken;
    budget -= std::min<uint64_t>(budget, taken);
    if (!full) {
      RememberHead(file, state);
      return true;
    }
  }
  RememberHead(file, state);
  return false;
}

void TakeRest(const OpenFile& file, TailState& state, LineSink& sink, std::string& buffer) {
  buffer.resize(kMaxLogLine);
  const ssize_t got = ReadAt(file, buffer.data(), buffer.size(), state.offset);
  if (got <= 0) return;
  const auto size = static_cast<size_t>(got);
  if (!state.skipping) sink.Line(state.note, std::string_view(buffer.data(), size));
  state.offset += size;
}

void PassOver(const OpenFile& file, uint64_t size, TailState& state, LineSink& sink) {
  state.offset = size;
  if (size == 0) return;
  const std::string head = ReadHead(file, std::min<uint64_t>(size, kPassedBytes));
  sink.Passed(state.note, head);
  char last = '\n';
  state.skipping = ReadAt(file, &last, 1, size - 1) == 1 && last != '\n';
  RememberHead(file, state);
}

}  // namespace haidang::agent
