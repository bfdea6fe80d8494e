#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "agent/path/prober.h"

namespace haidang::agent {

struct PathMtu {
  std::optional<size_t> bytes = {};  // the largest that came through; nothing: none that was tried
  bool problem = false;              // larger ones vanished without a word
  bool limited = false;              // it is less than what the machine's own device takes
  bool operator==(const PathMtu&) const = default;
};

// Finds the largest packet that comes through (RFC 4821's idea, with echoes): first as large as the
// device takes; where a router says what it takes, that; where large ones vanish while small ones
// come, the usual sizes by halves. Each large packet goes with a small one, which tells loss from a
// packet that is too large; and what vanished is tried once more at the end. Pure: sends nothing
// itself.
class MtuSearch {
 public:
  // Packets above this are not tried.
  static constexpr size_t kMost = 9216;

  // `family`: AF_INET or AF_INET6.
  explicit MtuSearch(int family);

  // How large the next packet is. Required: !over().
  size_t size() const { return size_; }

  // What became of a small packet and of one of size() bytes.
  void OnPair(const TrialResult& small, const TrialResult& large);

  bool over() const { return over_; }
  // Nothing where it cannot be told, because small ones do not come either. Required: over().
  const std::optional<PathMtu>& found() const { return found_; }

 private:
  void OnTold(const TrialResult& large);
  void OnVanished(const TrialResult& small);
  void TryBelow();
  void Conclude();
  void GiveUp();

  size_t least_;                  // what every network of the family must take
  size_t size_ = kMost;           // tried now
  size_t came_ = 0;               // the largest that came through
  size_t too_large_ = kMost + 1;  // the smallest that did not
  int vanished_ = 0;              // of this size, while small ones came
  int blind_ = 0;                 // pairs of which nothing came
  int told_ = 0;                  // times that somebody said what he takes
  bool halving_ = false;          // through the usual sizes
  bool confirming_ = false;       // that what vanished still does
  bool silent_ = false;           // a size vanished without a word
  bool limited_ = false;          // by somebody else than this machine
  bool over_ = false;
  std::optional<PathMtu> found_;
};

}  // namespace haidang::agent
