#include "collector/store/rollup/layers.h"

#include <algorithm>
#include <map>
#include <utility>

namespace haidang::store {

Status Layers::Add(int64_t begin_ms, int64_t length_ms, std::string bytes) {
  Layer& layer = layers_.emplace_back();
  layer.time = {begin_ms, begin_ms + length_ms};
  layer.bytes = std::move(bytes);
  auto piece = Piece::Open({level_, begin_ms, length_ms}, layer.bytes);
  if (!piece) {
    layers_.pop_back();
    return piece.error();
  }
  layer.piece = std::move(*piece);
  return {};
}

void Layers::Lay(std::vector<Stretch> asked) {
  std::vector<const Layer*> shortest_first;
  for (const Layer& layer : layers_) shortest_first.push_back(&layer);
  std::stable_sort(shortest_first.begin(), shortest_first.end(),
                   [](const Layer* a, const Layer* b) {
                     return a->time.to_ms - a->time.from_ms < b->time.to_ms - b->time.from_ms;
                   });
  for (const Layer* layer : shortest_first) {
    for (const Stretch& time : Cut(asked, layer->time)) segments_.push_back({time, layer});
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.time.from_ms < b.time.from_ms; });
}

std::vector<Stretch> Layers::covered() const {
  std::vector<Stretch> stretches;
  for (const Segment& segment : segments_) stretches.push_back(segment.time);
  return Joined(std::move(stretches));
}

std::set<int64_t> Layers::Series() const {
  std::set<int64_t> series;
  for (const Layer& layer : layers_) {
    for (const Piece::Entry& entry : layer.piece.entries()) series.insert(entry.series);
  }
  return series;
}

// Reads the series once in each piece that counts, and appends what lies in its segments.
template <typename Rollup, typename Read, typename Append>
Result<Rollup> Layers::Gather(int64_t series, Read&& read, Append&& append) const {
  std::map<const Layer*, Rollup> rollups;
  Rollup gathered;
  for (const Segment& segment : segments_) {
    auto known = rollups.find(segment.layer);
    if (known == rollups.end()) {
      known = rollups.emplace(segment.layer, Rollup{}).first;
      const auto entries = segment.layer->piece.entries();
      auto entry =
          std::lower_bound(entries.begin(), entries.end(), series,
                           [](const Piece::Entry& a, int64_t wanted) { return a.series < wanted; });
      for (; entry != entries.end() && entry->series == series; ++entry) {
        if (auto done = read(segment.layer->piece, *entry, known->second); !done) {
          return done.error();
        }
      }
    }
    const auto& begins = known->second.begins_ms;
    const auto first = std::lower_bound(begins.begin(), begins.end(), segment.time.from_ms);
    const auto last = std::lower_bound(first, begins.end(), segment.time.to_ms);
    if (first == last) continue;
    gathered.begins_ms.insert(gathered.begins_ms.end(), first, last);
    append(gathered, known->second, static_cast<size_t>(first - begins.begin()),
           static_cast<size_t>(last - first));
  }
  return gathered;
}

Result<NumberRollup> Layers::Number(int64_t series) const {
  const auto read = [](const Piece& piece, const Piece::Entry& entry, NumberRollup& into) {
    if (entry.form == PieceForm::kHistogram) return Status{};
    auto rollup = piece.ReadNumber(entry);
    if (!rollup) return Status{rollup.error()};
    into = std::move(*rollup);
    return Status{};
  };
  const auto append = [](NumberRollup& into, const NumberRollup& from, size_t first, size_t count) {
    for (auto column :
         {&NumberRollup::count, &NumberRollup::sum, &NumberRollup::min, &NumberRollup::max,
          &NumberRollup::first, &NumberRollup::last, &NumberRollup::increase}) {
      const auto begin = (from.*column).begin() + static_cast<std::ptrdiff_t>(first);
      (into.*column)
          .insert((into.*column).end(), begin, begin + static_cast<std::ptrdiff_t>(count));
    }
  };
  return Gather<NumberRollup>(series, read, append);
}

Result<HistogramRollup> Layers::Histogram(int64_t series, bool sums) const {
  const auto read = [sums](const Piece& piece, const Piece::Entry& entry, HistogramRollup& into) {
    if (entry.form != PieceForm::kHistogram) return Status{};
    auto rollup = piece.ReadHistogram(entry, sums);
    if (!rollup) return Status{rollup.error()};
    into = std::move(*rollup);
    return Status{};
  };
  const auto append = [](HistogramRollup& into, const HistogramRollup& from, size_t first,
                         size_t count) { into.increase.AppendRows(from.increase, first, count); };
  return Gather<HistogramRollup>(series, read, append);
}

}  // namespace haidang::store
