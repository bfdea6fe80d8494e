#include <prometheus/check_names.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "collector/export_samples.h"
#include "collector/export_walk.h"
#include "collector/told_labels.h"
#include "core/catalogue.h"

namespace haidang::collector {
namespace {

constexpr std::string_view kTotal = "_total";

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// `{a="x",b="y"`: a bucket adds its `le`.
std::string LabelText(const SeriesToWrite& one, const Place& place) {
  std::string text = "{";
  const auto add = [&](const std::string& name, std::string_view value) {
    if (text.size() > 1) text.push_back(',');
    text += name + "=\"" + Escape(value) + '"';
  };
  add("instance", one.machine.name);
  add("site", place.site);
  add("site_name", place.site_name);
  add("class", place.machine_class);
  for (const auto& [name, value] : one.series.labels) {
    add(ToldName(name, one.series.labels), value);
  }
  return text;
}

std::string TimeText(int64_t ms) {
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%lld.%03d",
                                 static_cast<long long>(ms / 1000), static_cast<int>(ms % 1000));
  return {text.data(), static_cast<size_t>(size)};
}

class Writer {
 public:
  Writer(store::SampleWalk& store, const SampleChoice& choice, const WriteText& write)
      : store_(store), choice_(choice), write_(write) {}

  Status Run() {
    const auto metrics = store_.Metrics();
    if (!metrics) return metrics.error();
    for (const auto& metric : *metrics) names_.insert(metric.name);
    auto done = ForEachChosen(store_, choice_,
                              [this](const SeriesToWrite& one) { return WriteSeries(one); });
    if (!done) return done;
    return Write("# EOF\n");
  }

 private:
  Status Write(std::string_view text) {
    if (write_(text)) return {};
    return Error{"the export cannot be written"};
  }

  // Each stretch in the same place is a metric of its own there, whose lines stand together.
  Status WriteSeries(const SeriesToWrite& one) {
    if (one.metric.datatype == DataType::kString) return {};
    if (!prometheus::CheckMetricName(one.metric.name)) return {};
    std::vector<bool> written(one.places.size());
    for (size_t i = 0; i < one.places.size(); ++i) {
      if (written[i]) continue;
      const std::string labels = LabelText(one, one.places[i].place);
      last_ms_.reset();
      for (size_t j = i; j < one.places.size(); ++j) {
        if (one.places[j].place != one.places[i].place) continue;
        written[j] = true;
        if (auto done = WriteStretch(one, one.places[j], labels); !done) return done;
      }
    }
    return {};
  }

  Status WriteStretch(const SeriesToWrite& one, const store::PlaceStretch& stretch,
                      const std::string& labels) {
    Status failed;
    auto walked = store_.Walk(one.series, stretch.from_ms, stretch.to_ms,
                              [&](int64_t time_ms, const store::Head& head) {
                                if (!failed || (last_ms_ && time_ms <= *last_ms_)) return;
                                const std::string lines = Lines(one.metric, head, labels, time_ms);
                                if (lines.empty()) return;
                                last_ms_ = time_ms;
                                failed = WriteLines(one.metric, lines);
                              });
    return failed ? walked : failed;
  }

  // A family begins with its first value: one without any is left out.
  Status WriteLines(const store::MetricOfStore& metric, const std::string& lines) {
    if (begun_ != metric.name) {
      begun_ = metric.name;
      if (auto done = Write(Begin(metric)); !done) return done;
    }
    return Write(lines);
  }

  // "" where nothing is known.
  std::string Lines(const store::MetricOfStore& metric, const store::Head& head,
                    const std::string& labels, int64_t time_ms) const {
    const std::string tail = " " + TimeText(time_ms) + "\n";
    const bool histogram = TypeOf(metric) == MetricType::kHistogram;
    if (!histogram) {
      const std::string number = NumberText(head.ValueOf(0));
      return number.empty() ? "" : metric.name + labels + "} " + number + tail;
    }
    std::string lines;
    if (const auto encoded = head.Text(0)) {
      ForEachLine(*encoded,
                  [&](std::string_view suffix, const std::string& le, const std::string& value) {
                    lines += metric.name;
                    lines += suffix;
                    lines += labels;
                    if (!le.empty()) lines += ",le=\"" + le + '"';
                    lines += "} " + value + tail;
                  });
    }
    return lines;
  }

  static MetricType TypeOf(const store::MetricOfStore& metric) {
    const MetricInfo* info = FindMetric(metric.name);
    return info != nullptr ? info->type : metric.type;
  }

  std::string Begin(const store::MetricOfStore& metric) const {
    const MetricInfo* info = FindMetric(metric.name);
    std::string family = metric.name;
    std::string_view type = "gauge";
    if (TypeOf(metric) == MetricType::kHistogram) type = "histogram";
    if (TypeOf(metric) == MetricType::kCounter) {
      // A counter's family has not the name of its values, and no other family may have it.
      const std::string stem =
          family.substr(0, family.size() - std::min(family.size(), kTotal.size()));
      const bool told = family.ends_with(kTotal) && !stem.empty() && !names_.contains(stem);
      type = told ? "counter" : "unknown";
      if (told) family = stem;
    }
    std::string text = "# TYPE " + family + " " + std::string(type) + "\n";
    const std::string unit(info != nullptr ? info->unit : std::string_view(metric.unit));
    if (!unit.empty() && family.ends_with("_" + unit)) {
      text += "# UNIT " + family + " " + unit + "\n";
    }
    if (info != nullptr) text += "# HELP " + family + " " + Escape(info->help_en) + "\n";
    return text;
  }

  store::SampleWalk& store_;
  const SampleChoice& choice_;
  const WriteText& write_;
  std::set<std::string> names_;  // of all metrics
  std::string begun_;            // the metric whose family was begun last
  std::optional<int64_t> last_ms_;
};

}  // namespace

Status WriteOpenMetrics(store::SampleWalk& store, const SampleChoice& choice,
                        const WriteText& write) {
  return Writer(store, choice, write).Run();
}

}  // namespace haidang::collector
