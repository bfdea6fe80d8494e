#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace haidang::collector {

// What others do wrong, perhaps a thousand times a second: of each kind the first is said, and then
// at most one line a minute, which tells how many there were; also where nothing followed. Loop
// thread.
class Complaints {
 public:
  // `about` begins the lines that only count: "messages refused". `clock` must outlive it.
  Complaints(const Clock& clock, std::string about) : clock_(clock), about_(std::move(about)) {}

  // One more. True where it is to be said in the caller's words. Kinds are the program's own words,
  // and so few.
  bool Met(std::string_view kind);
  // At each second: says how many were held back, where the minute is over.
  void Tick();

 private:
  static constexpr int64_t kEveryNs = 60'000'000'000;

  struct Kind {
    int64_t said_ns = 0;  // monotonic
    uint64_t held_back = 0;
  };

  const Clock& clock_;
  const std::string about_;
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace haidang::collector
