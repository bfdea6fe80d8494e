#include "collector/store/query/level_walk.h"

#include <algorithm>

namespace haidang::store {
namespace {

// Read in one transaction each: well within 250 ms, also of many series.
constexpr int64_t PieceMs(RollupLevel level, size_t series) {
  constexpr int64_t kDay = 24LL * 3600 * 1000;
  const int64_t days = level == RollupLevel::kHour ? 64 : 4;
  return (series <= 8 ? 8 : 1) * days * kDay;
}

Source SourceOf(RollupLevel level) {
  return level == RollupLevel::kHour ? Source::kHour : Source::kFiveMinutes;
}

size_t BytesOf(const RolledUp& piece) {
  size_t bytes = 0;
  for (const auto& [series, rollup] : piece.numbers) bytes += rollup.begins_ms.size() * 64;
  for (const auto& [series, rollup] : piece.histograms) {
    bytes += rollup.begins_ms.size() * 8 * (3 + rollup.increase.buckets().size());
  }
  return bytes;
}

}  // namespace

std::vector<Stretch> Without(const std::vector<Stretch>& stretches,
                             const std::vector<Stretch>& taken) {
  std::vector<Stretch> rest;
  auto next = taken.begin();
  for (Stretch stretch : stretches) {
    while (next != taken.end() && next->to_ms <= stretch.from_ms) ++next;
    for (auto at = next; at != taken.end() && at->from_ms < stretch.to_ms; ++at) {
      if (at->from_ms > stretch.from_ms) rest.push_back({stretch.from_ms, at->from_ms});
      stretch.from_ms = std::max(stretch.from_ms, at->to_ms);
    }
    if (stretch.from_ms < stretch.to_ms) rest.push_back(stretch);
  }
  return rest;
}

LevelWalk::LevelWalk(Database& db, const RollupReader& rollups, Budget& budget, Source source,
                     int64_t step_ms)
    : db_(db), rollups_(rollups), budget_(budget), source_(source), step_ms_(step_ms) {}

bool LevelWalk::Allowed(RollupLevel level) const {
  if (!rollups_ || step_ms_ == 0 || step_ms_ % BucketMs(level) != 0) return false;
  return source_ == Source::kAuto || source_ == SourceOf(level);
}

Status LevelWalk::Run(const TickQuestion& question, int64_t lead_ms, const Sinks& sinks) {
  std::vector<Stretch> rest{{question.from_ms, question.to_ms}};
  for (const RollupLevel level : {RollupLevel::kHour, RollupLevel::kFiveMinutes}) {
    if (!Allowed(level)) continue;
    if (auto done = Rollups(level, question, sinks, rest); !done) return done;
  }
  if (source_ != Source::kAuto && source_ != Source::kBatches) return {};
  for (const Stretch& stretch : rest) {
    TickQuestion part = question;
    part.from_ms = stretch.from_ms - lead_ms;
    part.to_ms = stretch.to_ms - 1;
    TickScan scan(db_, part, budget_);
    for (;;) {
      const auto more = scan.Next();
      if (!more) return more.error();
      if (!*more) break;
      used_.insert(Source::kBatches);
      if (auto done = sinks.ticks(scan, stretch.from_ms); !done) return done;
    }
  }
  return {};
}

// Takes what is covered out of `rest`.
Status LevelWalk::Rollups(RollupLevel level, const TickQuestion& question, const Sinks& sinks,
                          std::vector<Stretch>& rest) {
  WantedRollups wanted;
  wanted.sums = question.sums;
  for (const auto& [id, slot] : question.slots) wanted.series.insert(id);
  std::vector<Stretch> covered;
  for (const Stretch& stretch : rest) {
    for (int64_t at = stretch.from_ms; at < stretch.to_ms;) {
      if (auto going = budget_.Going(); !going) return going;
      const int64_t end = std::min(at + PieceMs(level, wanted.series.size()), stretch.to_ms);
      const auto piece = rollups_(db_, question.machine, level, at, end, wanted);
      if (!piece) return piece.error();
      if (auto done = budget_.Bytes(BytesOf(*piece)); !done) return done;
      if (!piece->covered.empty()) {
        used_.insert(SourceOf(level));
        if (auto done = sinks.rollups(level, *piece); !done) return done;
      }
      covered.insert(covered.end(), piece->covered.begin(), piece->covered.end());
      at = end;
    }
  }
  rest = Without(rest, covered);
  return {};
}

}  // namespace haidang::store
