#include "agent/sources/mdadm.h"

#include <array>
#include <utility>

#include "agent/sources.h"
#include "agent/sources/file_source.h"
#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxRaids = 64;
constexpr auto kStates =
    std::to_array<std::string_view>({"active", "check", "inactive", "recovering", "resync"});

// What stands between `open` and `close`, "4/3" of "… [4/3] [UU_U]"; empty where nothing does.
std::string_view Between(std::string_view line, std::string_view open, char close) {
  const size_t begin = line.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = line.substr(begin + open.size());
  const size_t end = rest.find(close);
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

bool TakePair(std::string_view pair, uint64_t& first, uint64_t& second) {
  const size_t slash = pair.find('/');
  if (slash == std::string_view::npos) return false;
  const auto a = ParseUnsigned(pair.substr(0, slash));
  const auto b = ParseUnsigned(pair.substr(slash + 1));
  if (!a || !b) return false;
  first = *a;
  second = *b;
  return true;
}

// "md0 : active raid1 sdb1[1] sda1[0](F)"
MdRaid ParseHead(std::string_view line) {
  MdRaid raid;
  raid.device = TakeField(line);
  TakeField(line);  // the colon
  raid.state = TakeField(line);
  uint64_t members = 0;
  for (std::string_view field = TakeField(line); !field.empty(); field = TakeField(line)) {
    if (field.find('[') == std::string_view::npos) continue;
    ++members;
    if (field.ends_with("(F)")) ++raid.disks_failed;
    if (field.ends_with("(S)")) ++raid.disks_spare;
  }
  // Of levels without redundancy all must be there; the others say it themselves.
  raid.disks_required = raid.disks_active = members - raid.disks_failed - raid.disks_spare;
  return raid;
}

// "resync=PENDING", "recovery=DELAYED": what is due and has not begun; empty where nothing is. A
// word stands there and no number, so that nothing is known to be in step.
std::string_view StateThatIsDue(std::string_view line) {
  const std::string_view word = TakeField(line);
  for (const auto& [begin, state] :
       {std::pair<std::string_view, std::string_view>("recovery=", "recovering"),
        {"reshape=", "recovering"},
        {"resync=", "resync"},
        {"check=", "check"}}) {
    if (word.starts_with(begin)) return state;
  }
  return {};
}

// What the lines below the head say.
bool TakeDetail(std::string_view line, MdRaid& raid) {
  if (const std::string_view state = StateThatIsDue(line); !state.empty()) {
    raid.state = state;
    raid.blocks_synced = 0;
    return true;
  }
  for (const auto& [word, state] :
       {std::pair<std::string_view, std::string_view>("recovery =", "recovering"),
        {"reshape =", "recovering"},
        {"resync =", "resync"},
        {"check =", "check"}}) {
    const size_t at = line.find(word);
    if (at == std::string_view::npos) continue;
    raid.state = state;
    uint64_t ignored = 0;
    return TakePair(Between(line.substr(at), "(", ')'), raid.blocks_synced, ignored);
  }
  const size_t blocks = line.find(" blocks");
  if (blocks == std::string_view::npos) return true;
  std::string_view rest = line;
  const auto number = ParseUnsigned(TakeField(rest));
  if (!number) return false;
  raid.blocks = raid.blocks_synced = *number;
  // "[2/1] [U_]"; a chunk's size stands in no brackets.
  TakePair(Between(line, "[", ']'), raid.disks_required, raid.disks_active);
  return true;
}

Status ParseInto(std::string_view text, std::vector<Reading>& readings) {
  const auto raids = ParseMdstat(text);
  if (!raids) return raids.error();
  for (const MdRaid& raid : *raids) {
    const Labels labels = {{"device", raid.device}};
    const auto disks = [&](const char* state, uint64_t count) {
      Add(readings, "node_md_disks", {{"device", raid.device}, {"state", state}}, count);
    };
    disks("active", raid.disks_active);
    disks("failed", raid.disks_failed);
    disks("spare", raid.disks_spare);
    Add(readings, "node_md_disks_required", labels, raid.disks_required);
    Add(readings, "node_md_blocks", labels, raid.blocks);
    Add(readings, "node_md_blocks_synced", labels, raid.blocks_synced);
    for (const std::string_view state : kStates) {
      Add(readings, "node_md_state", {{"device", raid.device}, {"state", std::string(state)}},
          state == raid.state);
    }
  }
  return {};
}

}  // namespace

Result<std::vector<MdRaid>> ParseMdstat(std::string_view text) {
  std::vector<MdRaid> raids;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    if (line.starts_with("md")) {
      if (raids.size() == kMaxRaids) return Error{"names more than 64 RAIDs"};
      raids.push_back(ParseHead(line));
    } else if (!raids.empty() && line.starts_with(' ') && !TakeDetail(line, raids.back())) {
      return Error{raids.back().device + ": its numbers cannot be read"};
    }
  }
  return raids;
}

std::unique_ptr<Source> MakeMdadmSource(const std::string& root) {
  return MakeFileSource("mdadm", {{root + "proc/mdstat", ParseInto}});
}

}  // namespace haidang::agent
