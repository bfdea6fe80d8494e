#include "agent/sources/access_counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/sources/access_state.h"
#include "agent/sources/text.h"
#include "agent/sources/url_pattern.h"

namespace haidang::agent {
namespace {

constexpr std::string_view kOther = "other";

bool Matches(const std::vector<std::string>& patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesUrl(pattern, path); });
}

bool IsWork(const VolumeRule& rule, const AccessLine& line) {
  const auto& methods = rule.methods;
  return line.status >= 200 && line.status < 400 &&
         (methods.empty() ||
          std::find(methods.begin(), methods.end(), line.method) != methods.end()) &&
         Matches(rule.paths, line.path);
}

size_t IndexOf(size_t group, size_t method, size_t status) {
  return (group * kMethods.size() + method) * kStatusClasses.size() + status;
}

// The place of `name`; the array's size where it is not there.
template <typename Names>
size_t PlaceOf(const Names& names, std::string_view name) {
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

AccessCounts::AccessCounts(const std::vector<UrlGroup>& groups,
                           const std::vector<VolumeRule>& volumes)
    : url_groups_(groups), rules_(volumes), volumes_(volumes.size()) {
  for (const UrlGroup& group : groups) groups_.push_back({group.name, {}, {}});
  groups_.push_back({kOther, {}, {}});
  requests_.resize(IndexOf(groups_.size(), 0, 0));
}

bool AccessCounts::Begin() {
  bool any = false;
  const auto begin = [&any](bool& begun, bool now) {
    any |= now && !begun;
    begun |= now;
  };
  for (Counter* counter : {&bad_, &gaps_}) begin(counter->begun, true);
  for (Counter& counter : volumes_) begin(counter.begun, true);
  for (Counter& counter : requests_) begin(counter.begun, counter.value > 0);
  for (Group& group : groups_) {
    begin(group.bytes.begun, true);
    begin(group.timed, group.latency.count() > 0);
  }
  return any;
}

size_t AccessCounts::GroupOf(std::string_view path) const {
  const auto found =
      std::find_if(url_groups_.begin(), url_groups_.end(),
                   [&](const UrlGroup& group) { return Matches(group.paths, path); });
  return static_cast<size_t>(found - url_groups_.begin());
}

void AccessCounts::Request(const AccessLine& line) {
  const size_t index = GroupOf(line.path);
  ++requests_[IndexOf(index, MethodIndex(line.method), StatusIndex(line.status))].value;
  Group& group = groups_[index];
  group.bytes.value += line.bytes;
  if (line.seconds) group.latency.Observe(*line.seconds);
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (IsWork(rules_[i], line)) ++volumes_[i].value;
  }
}

void AccessCounts::Report(const std::string& name, std::vector<Reading>& readings) const {
  Add(readings, "haidang_access_bad_lines_total", {{"name", name}}, bad_.told());
  Add(readings, "haidang_access_log_gaps_total", {{"name", name}}, gaps_.told());
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    const Labels labels = {{"group", std::string(group.name)}, {"name", name}};
    Add(readings, "haidang_access_response_bytes_total", labels, group.bytes.told());
    if (group.timed || group.latency.count() > 0) {
      Add(readings, "haidang_access_latency_seconds", labels,
          Bytes{(group.timed ? group.latency : Histogram()).Encode()});
    }
    for (size_t m = 0; m < kMethods.size(); ++m) {
      for (size_t s = 0; s < kStatusClasses.size(); ++s) {
        const Counter& counter = requests_[IndexOf(g, m, s)];
        if (counter.value == 0) continue;
        Labels of = labels;
        of.emplace("method", kMethods[m]);
        of.emplace("status", kStatusClasses[s]);
        Add(readings, "haidang_access_requests_total", std::move(of), counter.told());
      }
    }
  }
}

void AccessCounts::Save(std::string& out) const {
  const auto count = [&](std::string_view what, const Counter& counter, const std::string& of) {
    out += fmt::format("count {} {} {}{}\n", what, counter.value, counter.begun ? 1 : 0, of);
  };
  count("bad", bad_, "");
  count("gaps", gaps_, "");
  for (size_t i = 0; i < rules_.size(); ++i) {
    count("volume", volumes_[i],
          ' ' + EscapeWord(rules_[i].system) + ' ' + EscapeWord(rules_[i].kind));
  }
  for (size_t g = 0; g < groups_.size(); ++g) {
    const std::string group = ' ' + EscapeWord(groups_[g].name);
    count("bytes", groups_[g].bytes, group);
    out += fmt::format("latency {}{} {}\n", groups_[g].timed ? 1 : 0, group,
                       EscapeWord(groups_[g].latency.Encode()));
    for (size_t m = 0; m < kMethods.size(); ++m) {
      for (size_t s = 0; s < kStatusClasses.size(); ++s) {
        const Counter& counter = requests_[IndexOf(g, m, s)];
        if (counter.value == 0) continue;
        count("requests", counter, fmt::format("{} {} {}", group, kMethods[m], kStatusClasses[s]));
      }
    }
  }
}

bool AccessCounts::Load(std::string_view line) {
  const std::string_view first = TakeField(line);
  if (first == "latency") return LoadLatency(line);
  if (first != "count") return false;
  const std::string_view what = TakeField(line);
  const auto value = ParseUnsigned(TakeField(line));
  const std::string_view begun = TakeField(line);
  if (!value || (begun != "0" && begun != "1")) return false;
  return LoadCount(what, {.value = *value, .begun = begun == "1"}, line);
}

bool AccessCounts::LoadCount(std::string_view what, Counter count, std::string_view line) {
  if (what == "bad" || what == "gaps") {
    (what == "bad" ? bad_ : gaps_) = count;
    return true;
  }
  if (what == "volume") {
    const auto system = UnescapeWord(TakeField(line));
    const auto kind = UnescapeWord(TakeField(line));
    if (!system || !kind) return false;
    for (size_t i = 0; i < rules_.size(); ++i) {
      if (rules_[i].system == *system && rules_[i].kind == *kind) volumes_[i] = count;
    }
    return true;
  }
  if (what != "bytes" && what != "requests") return false;
  Group* group = FindGroup(TakeField(line));
  if (what == "bytes") {
    if (group != nullptr) group->bytes = count;
    return true;
  }
  const size_t method = PlaceOf(kMethods, TakeField(line));
  const size_t status = PlaceOf(kStatusClasses, TakeField(line));
  if (method == kMethods.size() || status == kStatusClasses.size()) return false;
  if (group != nullptr) {
    requests_[IndexOf(static_cast<size_t>(group - groups_.data()), method, status)] = count;
  }
  return true;
}

bool AccessCounts::LoadLatency(std::string_view line) {
  const std::string_view timed = TakeField(line);
  Group* group = FindGroup(TakeField(line));
  const auto bytes = UnescapeWord(TakeField(line));
  auto latency = bytes ? Histogram::Decode(*bytes) : Result<Histogram>(Error{"no text"});
  if (!latency || (timed != "0" && timed != "1")) return false;
  if (group != nullptr) {
    group->latency = std::move(*latency);
    group->timed = timed == "1";
  }
  return true;
}

// Null where the rules have no such group any more.
AccessCounts::Group* AccessCounts::FindGroup(std::string_view escaped) {
  const auto name = UnescapeWord(escaped);
  const auto found = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& group) { return name && group.name == *name; });
  return found != groups_.end() ? &*found : nullptr;
}

}  // namespace haidang::agent
