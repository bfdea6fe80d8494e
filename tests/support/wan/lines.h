#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "tests/support/wan/shaper.h"
#include "tests/support/wan/tun.h"

namespace haidang::wan {

// Lines between network namespaces: what is routed into one end comes out of the other, as late, as
// slowly and as rarely as it was told. One thread.
class Lines {
 public:
  // A command: "line NAME SPACE DEVICE SPACE DEVICE" makes a line between two TUN devices;
  // "set NAME KEY=VALUE…" shapes it in both directions, with "ab.KEY" only what goes from the first
  // end to the second, with "ba.KEY" only what comes back.
  Status Do(std::string_view command);

  // Carries packets and does what stands on standard input, one command a line, each answered by a
  // line "ok" or "error: …" on standard output, until the input ends.
  Status Run();

 private:
  struct Direction {
    explicit Direction(uint32_t seed) : shaper(seed) {}
    Shaper shaper;
    int from = -1;
    int to = -1;
  };
  struct Line {
    std::array<Fd, 2> ends;
    std::array<size_t, 2> directions;  // in directions_: ab, ba
  };
  struct Waiting {
    int64_t due_ns;
    uint64_t order;  // of those due at once, first in is first out
    int to;
    std::vector<uint8_t> packet;
    bool operator<(const Waiting& other) const {
      return due_ns != other.due_ns ? due_ns > other.due_ns : order > other.order;
    }
  };
  static constexpr size_t kMostWaiting = 100'000;  // packets

  Status Make(const std::vector<std::string>& words);
  Status Set(const std::vector<std::string>& words);
  void Take(Direction& direction);
  void SendDue();
  int64_t NowNs() const;
  // False at the end of the input.
  bool ReadCommands();

  std::map<std::string, Line> lines_;
  std::vector<Direction> directions_;
  std::priority_queue<Waiting> waiting_;
  uint64_t order_ = 0;
  std::string input_;
};

}  // namespace haidang::wan
