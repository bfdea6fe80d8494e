#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

// One file that lines are read from as they come. Worker threads only: all of it may block.
namespace haidang::agent {

// A file, whatever its name.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct FileLook {
  FileId id;
  uint64_t size = 0;     // bytes
  int64_t mtime_ns = 0;  // since 1970
};
FileLook LookOf(const struct stat& info);

// How far a file was read. What a restart needs to go on: stored.
struct TailState {
  FileId id;
  std::string path;        // where it was seen last
  uint64_t offset = 0;     // the first byte that was not read
  uint64_t head_size = 0;  // bytes at the file's start, by which it is known again,
  uint64_t head_crc = 0;   // and their CRC-64
  bool skipping = false;   // `offset` is within a line that does not count
  bool copy = false;       // of a file that was read under another id: not read
  bool leaving = false;    // renamed or a copy's rest: read to its end, then forgotten
  std::string note;        // the reader's own, of this file
};

// Who takes the lines.
class LineSink {
 public:
  virtual ~LineSink() = default;
  // A whole line, without its end. `note` is TailState::note.
  virtual void Line(std::string& note, std::string_view line) = 0;
  // A line of more than kMaxLogLine bytes, which is passed over.
  virtual void TooLong() = 0;
  // The beginning of what stood in a file before it was followed, and is not read.
  virtual void Passed(std::string& note, std::string_view head) = 0;
  // A file's unread end could not be found.
  virtual void Lost(const std::string& path) = 0;
};

inline constexpr size_t kMaxLogLine = 256 << 10;

// A file descriptor. Move-only.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// A regular file; an Error where it is none or cannot be read.
Result<OpenFile> OpenLog(const std::string& path);
Result<FileLook> LookAt(const OpenFile& file);

// Whether the file begins as the state remembers.
bool HasHead(const OpenFile& file, const TailState& state);
// Remembers its beginning, as far as it was read.
void RememberHead(const OpenFile& file, TailState& state);

// Takes whole lines from state.offset on, at most `budget` bytes, which it lowers. `buffer` is the
// caller's, to be used again. True at the end of the file.
Result<bool> ReadLines(const OpenFile& file, TailState& state, LineSink& sink, std::string& buffer,
                       uint64_t& budget);
// What stands behind the last line's end counts as a line: nobody will write on.
void TakeRest(const OpenFile& file, TailState& state, LineSink& sink, std::string& buffer);

// Begins at the end of what stands in the file now.
void PassOver(const OpenFile& file, uint64_t size, TailState& state, LineSink& sink);

}  // namespace haidang::agent
