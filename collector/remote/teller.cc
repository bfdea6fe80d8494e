#include "collector/remote/teller.h"

#include <algorithm>
#include <optional>
#include <span>

#include "collector/store/rows.h"
#include "collector/told_labels.h"
#include "core/histogram.h"

namespace haidang::remote {

using collector::ToldLabels;

bool Told::any() const { return std::find(known.begin(), known.end(), true) != known.end(); }

void Teller::Tell(const std::vector<const ToldSeries*>& series, const store::TickRow& row,
                  const store::Head& head, const Standing& standing, Told& told) {
  const bool any = told.any();
  if (any && row.time_ms - told.tick_ms > kGoneIntervals * told.standing.interval_ms) {
    End(series, told);
  } else if (any && told.standing.place != standing.place) {
    Mark(series, row.time_ms, told);
  }
  const bool follows = row.spool == told.spool && row.number == told.number + 1;
  const bool sure = follows || (row.flags & store::kFlagFull) != 0;
  int64_t end_ms = std::min(row.time_ms, told.tick_ms + told.standing.interval_ms) - 1;
  if (sure || end_ms <= told.last_ms) end_ms = row.time_ms;
  told.known.resize(series.size());
  for (uint32_t slot = 0; slot < series.size(); ++slot) {
    const bool known = TellValue(*series[slot], slot, row, head, standing);
    if (!known && told.known[slot]) {
      Mark(*series[slot], ToldLabels(series[slot]->labels, standing.name, standing.place), end_ms);
    }
    told.known[slot] = known;
  }
  told.tick_ms = told.last_ms = row.time_ms;
  told.spool = row.spool;
  told.number = row.number;
  told.standing = standing;
}

void Teller::End(const std::vector<const ToldSeries*>& series, Told& told) {
  const int64_t end_ms = std::max(told.last_ms + 1, told.tick_ms + told.standing.interval_ms - 1);
  Mark(series, end_ms, told);
  told.last_ms = end_ms;
}

void Teller::Mark(const std::vector<const ToldSeries*>& series, int64_t time_ms, Told& told) {
  for (uint32_t slot = 0; slot < told.known.size(); ++slot) {
    if (!told.known[slot]) continue;
    Mark(*series[slot], ToldLabels(series[slot]->labels, told.standing.name, told.standing.place),
         time_ms);
    told.known[slot] = false;
  }
}

WriteRequests* Teller::OutFor(const ToldSeries& series) const {
  if (what_ == What::kAll) return out_;
  return series.histogram == (what_ == What::kHistograms) ? out_ : nullptr;
}

void Teller::Mark(const ToldSeries& series, const Labels& labels, int64_t time_ms) {
  ++samples_;
  WriteRequests* out = OutFor(series);
  if (out == nullptr) return;
  if (series.histogram) {
    const HistogramSample end{time_ms, nullptr};
    out->Add(series.metric, labels, std::span(&end, 1));
  } else {
    const Sample end{time_ms, StaleMarker()};
    out->Add(series.metric, labels, std::span(&end, 1));
  }
}

bool Teller::TellValue(const ToldSeries& series, uint32_t slot, const store::TickRow& row,
                       const store::Head& head, const Standing& standing) {
  WriteRequests* out = OutFor(series);
  if (!series.histogram) {
    const auto number = head.Number(slot);
    if (!number) return false;
    ++samples_;
    if (out == nullptr) return true;
    const Sample sample{row.time_ms, *number};
    out->Add(series.metric, ToldLabels(series.labels, standing.name, standing.place),
             std::span(&sample, 1));
    return true;
  }
  const auto text = head.Text(slot);
  if (!text) return false;
  const auto histogram = Histogram::Decode(*text);
  if (!histogram) return false;
  ++samples_;
  if (out == nullptr) return true;
  const HistogramSample sample{row.time_ms, &*histogram};
  out->Add(series.metric, ToldLabels(series.labels, standing.name, standing.place),
           std::span(&sample, 1));
  return true;
}

}  // namespace haidang::remote
