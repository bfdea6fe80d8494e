#include "collector/export_samples.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include "collector/export_walk.h"
#include "core/histogram.h"
#include "core/histogram_buckets.h"

namespace haidang::collector {
namespace {

constexpr const char* kMoments =
    "allowed: Unix milliseconds, or 2026-01-05, 2026-01-05T07:30:00Z, "
    "2026-01-05T07:30:00.123+07:00";

// An Error names the first of `wanted` that `has` says is not there.
template <typename Has>
Status CheckNames(const std::vector<std::string>& wanted, const char* kind, Has&& has) {
  for (const std::string& name : wanted) {
    if (!has(name)) return Error{"the store has no " + std::string(kind) + " " + name};
  }
  return {};
}

bool IsChosen(const std::vector<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

template <typename Rows>
Status Choose(const std::vector<std::string>& wanted, const char* kind, Rows& rows) {
  auto known = CheckNames(wanted, kind, [&](const std::string& name) {
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
  });
  if (!known) return known;
  std::erase_if(rows, [&](const auto& row) { return !IsChosen(wanted, row.name); });
  return {};
}

// Takes `text` from the front as long as it follows `form`, in which a digit stands for a number's
// digit and everything else for itself; the numbers between the other characters.
bool Scan(std::string_view& text, std::string_view form, std::vector<int>& numbers) {
  if (text.size() < form.size()) return false;
  bool in_number = false;
  for (size_t i = 0; i < form.size(); ++i) {
    const bool digit = form[i] == '0';
    if (digit ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
    if (digit && !in_number) numbers.push_back(0);
    if (digit) numbers.back() = numbers.back() * 10 + (text[i] - '0');
    in_number = digit;
  }
  text.remove_prefix(form.size());
  return true;
}

}  // namespace

Status ForEachChosen(store::SampleWalk& store, const SampleChoice& choice,
                     const std::function<Status(const SeriesToWrite&)>& visit) {
  auto metrics = store.Metrics();
  if (!metrics) return metrics.error();
  const int64_t end_ms = choice.to_ms == INT64_MAX ? INT64_MAX : choice.to_ms + 1;
  store::Catalog catalog(store.db());
  if (auto read = catalog.Refresh(); !read) return read;
  auto machines = catalog.Machines(std::nullopt);
  if (!machines) return machines.error();
  if (auto chosen = Choose(choice.metrics, "metric", *metrics); !chosen) return chosen;
  if (auto chosen = Choose(choice.machines, "machine", *machines); !chosen) return chosen;
  for (const store::MetricOfStore& metric : *metrics) {
    for (const store::MachineEntry& machine : *machines) {
      const auto all = store.SeriesOf(machine, metric.name);
      if (!all) return all.error();
      if (all->empty()) continue;
      const auto stood = catalog.PlacesOf(machine, choice.from_ms, end_ms);
      if (!stood) return stood.error();
      for (const store::SeriesOfMachine& series : *all) {
        if (auto done = visit({metric, machine, *stood, series}); !done) return done;
      }
    }
  }
  return {};
}

std::string NumberText(double number) {
  if (!std::isfinite(number)) return "";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string NumberText(const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<uint64_t>(&value)) return std::to_string(*number);
  return NumberText(AsNumber(value));
}

bool ForEachLine(
    std::string_view encoded,
    const std::function<void(std::string_view, const std::string&, const std::string&)>& told) {
  const auto histogram = Histogram::Decode(encoded);
  if (!histogram) return false;
  ForEachTextBucket(*histogram, [&](double bound, uint64_t count) {
    std::string le = NumberText(bound);
    if (le.find('.') == std::string::npos) le += ".0";  // as OpenMetrics has it
    told("_bucket", le, std::to_string(count));
  });
  told("_bucket", "+Inf", std::to_string(histogram->count()));
  const bool finite = std::isfinite(histogram->sum());  // an infinity may have been observed
  told("_sum", "", finite ? NumberText(histogram->sum()) : "+Inf");
  told("_count", "", std::to_string(histogram->count()));
  return true;
}

std::string IsoTime(int64_t ms) {
  const int64_t rest = ((ms % 1000) + 1000) % 1000;
  const std::time_t seconds = (ms - rest) / 1000;
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return std::to_string(ms);
  std::array<char, 40> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 8> tail{};
  std::snprintf(tail.data(), tail.size(), ".%03dZ", static_cast<int>(rest));
  return std::string(text.data(), size) + tail.data();
}

Result<int64_t> ParseMoment(const std::string& text) {
  const Error fault{text + ": is no time; " + kMoments};
  int64_t ms = 0;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (number.ec == std::errc() && number.ptr == text.data() + text.size()) return ms;
  std::string_view rest = text;
  std::vector<int> day, time, milli, zone;
  if (!Scan(rest, "0000-00-00", day)) return fault;
  std::tm utc{};
  utc.tm_year = day[0] - 1900;
  utc.tm_mon = day[1] - 1;
  utc.tm_mday = day[2];
  int offset = 0;
  if (!rest.empty()) {
    if (!Scan(rest, "T00:00:00", time)) return fault;
    if (rest.starts_with('.') && !Scan(rest, ".000", milli)) return fault;
    const int sign = rest.starts_with('-') ? -1 : 1;
    if (rest != "Z" && (!Scan(rest, sign < 0 ? "-00:00" : "+00:00", zone) || !rest.empty()))
      return fault;
    if (!zone.empty() && (zone[0] > 14 || zone[1] > 59)) return fault;
    if (time[0] > 23 || time[1] > 59 || time[2] > 59) return fault;
    if (!zone.empty()) offset = sign * (zone[0] * 60 + zone[1]);
    utc.tm_hour = time[0];
    utc.tm_min = time[1];
    utc.tm_sec = time[2];
  }
  const int month = utc.tm_mon;
  const std::time_t seconds = timegm(&utc);
  if (utc.tm_mon != month || utc.tm_mday != day[2]) return fault;  // the 30th of February
  return (int64_t{seconds} - offset * 60) * 1000 + (milli.empty() ? 0 : milli[0]);
}

}  // namespace haidang::collector
