#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "agent/child/command.h"
#include "core/result.h"

namespace haidang::agent {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

// A program that was begun.
struct Spawned {
  pid_t pid = 0;      // also of its session and its process group
  Descriptor output;  // what it writes, to be read; non-blocking
  Descriptor errors;
  Descriptor fault;  // see FaultOf
};

// Begins `command`: in / , with nothing on its standard input, in a session of its own, with a
// clean environment, no files of ours, no core dump, at most 1 GiB of memory of its own and little
// more processor time than its time-out; first to go where memory runs out, and killed when the
// calling thread ends. Does not wait until the program itself was found (its file system may hang).
// An Error where not even a process could be made.
Result<Spawned> Spawn(const Command& command);

// Why the program was not begun after all, once its process has ended; empty where it was.
std::string FaultOf(const Spawned& spawned);

}  // namespace haidang::agent
