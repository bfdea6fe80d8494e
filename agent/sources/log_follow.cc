#include "agent/sources/log_follow.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/sources/walk.h"
#include "core/io/files.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxFiles = 512;       // that a pattern matches
constexpr size_t kMaxSiblings = 10000;  // in a directory, where a renamed file is looked for
constexpr size_t kMaxCandidates = 64;   // of these, that are opened to find a copy
constexpr int kLeaveAfter = 4;    // runs: a server goes on writing until it opens the new file
constexpr int kCloseAfter = 240;  // runs: an hour at 15 s
constexpr size_t kMaxOpen = 64;
constexpr uint64_t kCopyHead =
    256;  // bytes: two files do not begin alike for so long, times included

bool IsCompressed(std::string_view path) {
  constexpr std::array<std::string_view, 4> kEnds = {".gz", ".bz2", ".xz", ".zst"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return path.ends_with(end); });
}

bool Changed(const FileLook& before, const FileLook& now) {
  return before.size != now.size || before.mtime_ns != now.mtime_ns;
}

// "access.log.1" and "access.log-20261123" are of "access.log".
bool IsRotationOf(const std::string& base, const std::string& name) {
  return name.size() > base.size() && name.starts_with(base) &&
         (name[base.size()] == '.' || name[base.size()] == '-');
}

}  // namespace

LogFollower::LogFollower(std::string root, FollowOptions options)
    : root_(std::move(root)), options_(std::move(options)) {}

void LogFollower::Restore(std::vector<TailState> states) {
  first_ = false;
  for (TailState& state : states) {
    const FileId id = state.id;
    tails_[id].state = std::move(state);
  }
}

std::vector<TailState> LogFollower::states() const {
  std::vector<TailState> states;
  states.reserve(tails_.size());
  for (const auto& [id, tail] : tails_) states.push_back(tail.state);
  return states;
}

// In order of age, so that lines come about in the order in which they were written.
Result<std::vector<LogFollower::Match>> LogFollower::FindMatches() const {
  std::vector<Match> matches;
  std::set<FileId> ids;
  bool too_many = false;
  const Status walked = WalkFiles(root_, options_.pattern, {}, [&](const FoundFile& found) {
    struct stat info {};
    if (IsCompressed(found.path) || stat(found.path.c_str(), &info) != 0) return;
    const FileLook look = LookOf(info);
    if (!ids.insert(look.id).second) return;
    if (matches.size() < kMaxFiles) {
      matches.push_back({found.path, look});
    } else {
      too_many = true;
    }
  });
  if (!walked) return walked.error();
  if (too_many) {
    return Error{"more than " + std::to_string(kMaxFiles) + " files; name them more closely"};
  }
  std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.look.mtime_ns < b.look.mtime_ns;
  });
  return matches;
}

// The files beside `path`, and itself, newest first.
std::vector<LogFollower::Match> LogFollower::Siblings(const std::string& path) const {
  std::vector<Match> siblings;
  const std::string directory = DirectoryOf(path) + '/';
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (entries == nullptr) return siblings;
  for (size_t i = 0; i < kMaxSiblings; ++i) {
    const dirent* entry = readdir(entries.get());
    if (entry == nullptr) break;
    std::string name = directory + entry->d_name;
    struct stat info {};
    if (IsCompressed(name) || stat(name.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    siblings.push_back({std::move(name), LookOf(info)});
  }
  std::sort(siblings.begin(), siblings.end(),
            [](const Match& a, const Match& b) { return a.look.mtime_ns > b.look.mtime_ns; });
  return siblings;
}

Result<bool> LogFollower::Run(LineSink& sink) {
  const auto matches = FindMatches();
  if (!matches) return matches.error();
  std::set<FileId> matched;
  for (const Match& match : *matches) matched.insert(match.look.id);

  std::vector<FileId> gone;
  std::vector<Match> between;  // came and went between two looks
  for (auto& [id, tail] : tails_) {
    if (!matched.contains(id)) Leave(tail, sink, gone, between);
  }
  for (const FileId& id : gone) tails_.erase(id);
  for (const Match& match : between) {
    if (matched.contains(match.look.id) || tails_.contains(match.look.id)) continue;
    if (auto file = OpenLog(match.path)) {
      TailState state;
      state.id = match.look.id;
      state.path = match.path;
      AddLeaving(state, std::move(*file));
    }
  }

  std::optional<Error> failed;
  for (const Match& match : *matches) {
    if (const Status met = Meet(match, sink); !met && !failed) failed = met.error();
  }
  // What could not be read the first time is not read from its start the next time.
  first_ = first_ && failed;

  // What left comes first: it is older.
  std::vector<Tail*> order;
  for (auto& [id, tail] : tails_) {
    if (tail.state.leaving) order.push_back(&tail);
  }
  std::sort(order.begin(), order.end(),
            [](const Tail* a, const Tail* b) { return a->seen.mtime_ns < b->seen.mtime_ns; });
  for (const Match& match : *matches) {
    const auto tail = tails_.find(match.look.id);
    if (tail != tails_.end() && !tail->second.state.leaving) order.push_back(&tail->second);
  }
  uint64_t budget = options_.bytes_per_run;
  unread_ = 0;
  bool all = true;
  size_t open = 0;
  for (Tail* tail : order) {
    const auto read = ReadTail(*tail, sink, budget);
    if (!read && !failed) failed = read.error();
    all = all && read && *read;
    if (tail->file.is_open() && ++open > kMaxOpen && !tail->state.leaving) tail->file = OpenFile();
  }
  buffer_ = std::string();  // not kept between ticks
  if (failed) return *failed;
  return all;
}

// A file that the pattern matches no longer.
void LogFollower::Leave(Tail& tail, LineSink& sink, std::vector<FileId>& gone,
                        std::vector<Match>& between) {
  TailState& state = tail.state;
  if (state.copy) return gone.push_back(state.id);
  if (!tail.file.is_open() || !state.leaving) {
    const std::vector<Match> siblings = Siblings(state.path);
    const auto found = std::find_if(siblings.begin(), siblings.end(),
                                    [&](const Match& one) { return one.look.id == state.id; });
    if (!tail.file.is_open() && found != siblings.end()) {
      auto file = OpenLog(found->path);
      if (file && HasHead(*file, state)) tail.file = std::move(*file);
    }
    if (!tail.file.is_open()) {
      // What was seen to its end a moment ago was removed for its age.
      if (!tail.seen_once && !state.leaving) sink.Lost(state.path);
      return gone.push_back(state.id);
    }
    const std::string base = FileNameOf(state.path);
    if (!state.leaving && found != siblings.end() && IsRotationOf(base, FileNameOf(found->path))) {
      std::copy_if(siblings.begin(), siblings.end(), std::back_inserter(between),
                   [&](const Match& one) {
                     return one.look.mtime_ns > found->look.mtime_ns &&
                            IsRotationOf(base, FileNameOf(one.path));
                   });
    }
  }
  if (state.leaving && tail.idle_runs >= kLeaveAfter) {
    TakeRest(tail.file, state, sink, buffer_);
    return gone.push_back(state.id);
  }
  if (!std::exchange(state.leaving, true)) tail.idle_runs = 0;
}

Status LogFollower::Meet(const Match& match, LineSink& sink) {
  const auto known = tails_.find(match.look.id);
  if (known == tails_.end()) return MeetNew(match, sink);
  Tail& tail = known->second;
  tail.state.path = match.path;
  tail.state.leaving = false;
  if (tail.state.copy) return {};
  if (tail.seen_once && !Changed(tail.seen, match.look)) return {};
  if (!tail.file.is_open()) {
    auto file = OpenLog(match.path);
    if (!file) return file.error();
    tail.file = std::move(*file);
  }
  const auto look = LookAt(tail.file);
  if (!look) return look.error();
  if (look->id != match.look.id) return {};  // renamed just now
  if (look->size < tail.state.offset || !HasHead(tail.file, tail.state)) MeetCut(tail, sink);
  // The first bytes of a copy may have come after it was met.
  if (tail.state.offset == 0 && IsCopy(tail.file, *look)) tail.state.copy = true;
  return {};
}

Status LogFollower::MeetNew(const Match& match, LineSink& sink) {
  auto file = OpenLog(match.path);
  if (!file) return file.error();
  const auto look = LookAt(*file);
  if (!look || look->id != match.look.id) return {};  // renamed just now
  Tail tail;
  tail.state.id = look->id;
  tail.state.path = match.path;
  if (first_ && !options_.from_start) {
    PassOver(*file, look->size, tail.state, sink);
  } else if (!first_ && IsCopy(*file, *look)) {
    tail.state.copy = true;
  }
  tail.file = std::move(*file);
  tails_.emplace(look->id, std::move(tail));
  return {};
}

// The file was cut and begun anew: what was not read of it stands in a copy, if anywhere.
void LogFollower::MeetCut(Tail& tail, LineSink& sink) {
  TailState& state = tail.state;
  if (state.head_size > 0 && !FollowCopy(state)) sink.Lost(state.path);
  state.offset = 0;
  state.head_size = 0;
  state.head_crc = 0;
  state.skipping = false;
}

bool LogFollower::IsCopy(const OpenFile& file, const FileLook& look) const {
  return std::any_of(tails_.begin(), tails_.end(), [&](const auto& one) {
    const TailState& other = one.second.state;
    return other.id != look.id && !other.copy && other.head_size >= kCopyHead &&
           look.size >= other.head_size && HasHead(file, other);
  });
}

bool LogFollower::FollowCopy(const TailState& cut) {
  size_t opened = 0;
  for (const Match& one : Siblings(cut.path)) {
    const auto known = tails_.find(one.look.id);
    const bool tracked = known != tails_.end() && !known->second.state.copy;
    if (one.look.id == cut.id || tracked || one.look.size < cut.head_size) continue;
    if (++opened > kMaxCandidates) break;
    auto file = OpenLog(one.path);
    if (!file || !HasHead(*file, cut)) continue;
    // A copy that ends before what was read has nothing more.
    if (one.look.size <= cut.offset) return true;
    TailState state = cut;
    state.id = one.look.id;
    state.path = one.path;
    tails_.erase(one.look.id);
    AddLeaving(state, std::move(*file));
    return true;
  }
  return false;
}

void LogFollower::AddLeaving(const TailState& state, OpenFile file) {
  Tail tail;
  tail.state = state;
  tail.state.leaving = true;
  if (const auto look = LookAt(file)) tail.seen.mtime_ns = look->mtime_ns;
  tail.file = std::move(file);
  tails_.insert_or_assign(state.id, std::move(tail));
}

Result<bool> LogFollower::ReadTail(Tail& tail, LineSink& sink, uint64_t& budget) {
  if (tail.state.copy || !tail.file.is_open()) {
    tail.file = OpenFile();
    return true;
  }
  const auto look = LookAt(tail.file);
  if (!look) return Error{tail.state.path + ": " + look.error().message};
  const uint64_t before = tail.state.offset;
  const auto read = ReadLines(tail.file, tail.state, sink, buffer_, budget);
  if (!read) return Error{tail.state.path + ": " + read.error().message};
  unread_ += *read ? 0 : look->size - std::min(look->size, tail.state.offset);
  // As it was before reading: what was written meanwhile is a change the next time.
  tail.seen = *look;
  if (!*read) tail.seen.size = 0;
  tail.seen_once = true;
  tail.idle_runs = tail.state.offset != before ? 0 : tail.idle_runs + 1;
  if (tail.idle_runs > kCloseAfter && !tail.state.leaving) tail.file = OpenFile();
  return *read;
}

}  // namespace haidang::agent
