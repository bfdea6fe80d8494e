#include "collector/exposition.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "collector/told_labels.h"
#include "core/catalogue.h"
#include "core/histogram_buckets.h"

namespace haidang::collector {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

constexpr std::array<query::State, 5> kStates = {query::State::kOnline, query::State::kStopped,
                                                 query::State::kSuspended, query::State::kVanished,
                                                 query::State::kSilent};

MetricType TypeOf(const SeriesDef& def) {
  const MetricInfo* info = FindMetric(def.row.series.metric);
  return info != nullptr ? info->type : def.row.type;
}

MetricFamily Begin(const std::string& name, MetricType type) {
  MetricFamily family;
  family.name = name;
  const MetricInfo* info = FindMetric(name);
  family.help = info != nullptr ? std::string(info->help_en)
                                : "Told by an agent; not in this collector's catalogue.";
  switch (type) {
    case MetricType::kCounter:
      family.type = prometheus::MetricType::Counter;
      break;
    case MetricType::kHistogram:
      family.type = prometheus::MetricType::Histogram;
      break;
    case MetricType::kGauge:
      family.type = prometheus::MetricType::Gauge;
      break;
  }
  return family;
}

std::vector<ClientMetric::Label> PlaceLabels(const FleetNow::Line& line) {
  return {{"instance", line.instance},
          {"site", line.site},
          {"site_name", line.site_name},
          {"class", line.machine_class}};
}

std::vector<ClientMetric::Label> AllLabels(const Labels& own, const FleetNow::Line& line) {
  std::vector<ClientMetric::Label> labels = PlaceLabels(line);
  for (const auto& [name, value] : own) labels.push_back({ToldName(name, own), value});
  return labels;
}

bool Fill(const FleetNow& now, const FleetNow::Value& value, MetricType type, ClientMetric& out) {
  if (type == MetricType::kHistogram) {
    if (value.histogram == UINT32_MAX) return false;
    auto histogram = Histogram::Decode(now.histograms[value.histogram]);
    if (!histogram) return false;
    out.histogram.sample_count = histogram->count();
    out.histogram.sample_sum = histogram->sum();
    ForEachTextBucket(*histogram, [&](double bound, uint64_t count) {
      out.histogram.bucket.push_back({count, bound});
    });
    return true;
  }
  if (value.histogram != UINT32_MAX) return false;
  if (type == MetricType::kCounter) {
    out.counter.value = value.number;
  } else {
    out.gauge.value = value.number;
  }
  return true;
}

// By metric; within it in the order of machines and their series, which does not change.
void SortByName(std::vector<FleetNow::Value>& values) {
  std::map<std::string_view, uint32_t> names;  // to SeriesDef::metric
  for (const FleetNow::Value& value : values) {
    names.emplace(value.def->row.series.metric, value.def->metric);
  }
  std::unordered_map<uint32_t, uint32_t> rank;
  for (const auto& [name, metric] : names) rank.emplace(metric, static_cast<uint32_t>(rank.size()));
  std::stable_sort(values.begin(), values.end(),
                   [&](const FleetNow::Value& a, const FleetNow::Value& b) {
                     if (a.def->metric == b.def->metric) return false;
                     return rank.at(a.def->metric) < rank.at(b.def->metric);
                   });
}

// Writes a family in parts, so that no more than one part is held as objects and as text.
class PartWriter {
 public:
  PartWriter(const std::string& name, MetricType type, const WritePart& write)
      : name_(name), type_(type), write_(write), part_(Begin(name, type)) {}
  ~PartWriter() {
    if (!part_.metric.empty()) write_(std::move(part_), continued_);
  }
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  void Add(ClientMetric metric) {
    part_.metric.push_back(std::move(metric));
    if (part_.metric.size() < kPartSeries) return;
    write_(std::exchange(part_, Begin(name_, type_)), continued_);
    continued_ = true;
  }

 private:
  const std::string& name_;
  MetricType type_;
  const WritePart& write_;
  MetricFamily part_;
  bool continued_ = false;
};

// Of one metric: values[begin, end).
void WriteMetric(const FleetNow& now, size_t begin, size_t end, const WritePart& write) {
  const SeriesDef& first = *now.values[begin].def;
  const MetricType type = TypeOf(first);
  PartWriter parts(first.row.series.metric, type, write);
  for (size_t i = begin; i < end; ++i) {
    const FleetNow::Value& value = now.values[i];
    ClientMetric metric;
    if (!Fill(now, value, type, metric)) continue;
    metric.label = AllLabels(value.def->row.series.labels, now.lines[value.line]);
    parts.Add(std::move(metric));
  }
}

void WriteUp(const FleetNow& now, const WritePart& write) {
  const std::string name(kMachineUp);
  PartWriter parts(name, MetricType::kGauge, write);
  for (const FleetNow::Line& line : now.lines) {
    ClientMetric metric;
    metric.label = PlaceLabels(line);
    metric.gauge.value = line.state == query::State::kOnline ? 1 : 0;
    parts.Add(std::move(metric));
  }
}

void WriteStates(const FleetNow& now, const WritePart& write) {
  const std::string name(kMachineState);
  PartWriter parts(name, MetricType::kGauge, write);
  for (const FleetNow::Line& line : now.lines) {
    for (const query::State state : kStates) {
      ClientMetric metric;
      metric.label = PlaceLabels(line);
      metric.label.push_back({"state", std::string(query::ToString(state))});
      metric.gauge.value = line.state == state ? 1 : 0;
      parts.Add(std::move(metric));
    }
  }
}

}  // namespace

FleetNow CopyFleet(const Fleet& fleet, const Places& places, Moment now, const WantSeries& want) {
  FleetNow copy;
  for (const auto& machine : fleet.machines()) {
    if (!machine->registered) continue;
    const auto line = static_cast<uint32_t>(copy.lines.size());
    Place place = places.Of(machine->row.name, machine->site, machine->machine_class, now.wall_ms);
    copy.lines.push_back({machine->row.name, std::move(place.site), std::move(place.site_name),
                          std::move(place.machine_class), machine->presence.state(),
                          machine->received_ms});
    if (!machine->Fresh(now)) continue;
    for (uint32_t slot = 0; slot < machine->slots.size(); ++slot) {
      const SeriesDef* def = machine->slots[slot];
      if (want && !want(*def)) continue;
      if (def->row.datatype == DataType::kBytes) {
        const auto text = machine->head.Text(slot);
        if (!text) continue;
        const auto at = static_cast<uint32_t>(copy.histograms.size());
        copy.values.push_back({def, line, at, 0});
        copy.histograms.emplace_back(*text);
      } else if (const auto number = machine->head.Number(slot)) {
        copy.values.push_back({def, line, UINT32_MAX, *number});
      }
    }
  }
  return copy;
}

void ForEachPart(FleetNow now, const WritePart& write) {
  SortByName(now.values);
  WriteStates(now, write);
  WriteUp(now, write);
  for (size_t begin = 0; begin < now.values.size();) {
    const SeriesDef& first = *now.values[begin].def;
    size_t end = begin;
    while (end < now.values.size() && now.values[end].def->metric == first.metric) ++end;
    if (MayBeTold(first.row.series.metric)) WriteMetric(now, begin, end, write);
    begin = end;
  }
}

std::string PartText(MetricFamily&& part, bool continued) {
  std::vector<MetricFamily> families;
  families.push_back(std::move(part));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  std::string text = std::move(out).str();
  size_t begin = 0;
  while (continued && begin < text.size() && text[begin] == '#') {
    begin = text.find('\n', begin) + 1;
  }
  return text.substr(begin);
}

}  // namespace haidang::collector
