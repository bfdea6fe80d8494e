#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "core/result.h"

namespace haidang {

// Whether this process could make `path`, or write in it where it is there; leaves nothing behind.
// The Error says what is wrong and what is allowed. A full disk or a read-only one is no fault of
// the directory: programs start on it.
Status CheckStateDirectory(const std::string& path);

// Makes `path` where it is missing, with all above it, and holds it for this process alone until it
// ends (core/io/directory_lock.h).
Status ClaimStateDirectory(const std::string& path, const std::string& program);

// Whether nothing can be stored in `path` now, though it may be later without another
// configuration: its disk is full, read-only or failing.
bool DiskTakesNothing(const std::string& path);

// Calls `open`, which stores in `path`, until it succeeds or fails for another reason than the
// disk; before each wait (1 s, doubling to 30 s) calls `waiting` with why it failed. For a main
// that has nothing else to do meanwhile.
template <typename T>
Result<T> OpenWhenDiskTakes(const std::string& path, const std::function<Result<T>()>& open,
                            const std::function<Status(const Error& why)>& waiting) {
  constexpr std::chrono::seconds kLongest{30};
  for (std::chrono::seconds pause{1};; pause = std::min(2 * pause, kLongest)) {
    Result<T> opened = open();
    if (opened) return opened;
    if (!DiskTakesNothing(path)) {
      opened = open();  // room may have come just now
      if (opened || !DiskTakesNothing(path)) return opened;
    }
    if (const Status told = waiting(opened.error()); !told) return told.error();
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace haidang
