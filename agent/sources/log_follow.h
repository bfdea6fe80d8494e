#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/sources/log_tail.h"
#include "core/result.h"

namespace haidang::agent {

struct FollowOptions {
  std::vector<std::string> pattern;     // ParsePattern
  bool from_start = false;              // also what stands in the files that are there at first
  uint64_t bytes_per_run = 384U << 20;  // 130 000 lines of 200 bytes a second, at 15 s
};

// Follows the files that a pattern matches, each line once, whatever becomes of their names:
// renamed (logrotate's default), copied and cut (copytruncate), or new each day. Files whose names
// end in .gz, .bz2, .xz or .zst are passed over. One thread at a time, which may block.
class LogFollower {
 public:
  // `root` ends in a slash.
  LogFollower(std::string root, FollowOptions options);

  // Goes on where another follower was, which gave these.
  void Restore(std::vector<TailState> states);

  // Hands over what is new. True where nothing is left to read. After an Error it can be called
  // again: lines that were handed over do not come again.
  Result<bool> Run(LineSink& sink);

  std::vector<TailState> states() const;
  uint64_t unread_bytes() const { return unread_; }  // as of the last Run

 private:
  struct Tail {
    TailState state;
    OpenFile file;           // may be closed while nothing is written
    FileLook seen;           // at the end of the last reading
    bool seen_once = false;  // by this follower
    int idle_runs = 0;       // without anything new
  };
  struct Match {
    std::string path;
    FileLook look;
  };
  using Tails = std::map<FileId, Tail>;

  Result<std::vector<Match>> FindMatches() const;
  std::vector<Match> Siblings(const std::string& path) const;
  Status Meet(const Match& match, LineSink& sink);
  Status MeetNew(const Match& match, LineSink& sink);
  void MeetCut(Tail& tail, LineSink& sink);
  void Leave(Tail& tail, LineSink& sink, std::vector<FileId>& gone, std::vector<Match>& between);
  bool IsCopy(const OpenFile& file, const FileLook& look) const;
  bool FollowCopy(const TailState& cut);
  void AddLeaving(const TailState& state, OpenFile file);
  Result<bool> ReadTail(Tail& tail, LineSink& sink, uint64_t& budget);

  const std::string root_;
  const FollowOptions options_;
  Tails tails_;
  bool first_ = true;  // nothing is known of what the files held before
  uint64_t unread_ = 0;
  std::string buffer_;
};

}  // namespace haidang::agent
