#include "agent/sources/json_item.h"

#include <cmath>

#include "agent/sources/text.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr double kMostExact = 9007199254740992;  // 2^53: whole numbers in a double end here

JsonPointer ReadPointer(ConfigTable& table, std::string& text) {
  if (!table.Has("pointer")) {
    table.RequiredString("pointer");
    return {};
  }
  text = table.String("pointer", "");
  auto pointer = ParseJsonPointer(text);
  if (pointer) return std::move(*pointer);
  table.Fault("pointer", pointer.error().message);
  return {};
}

JsonSeries ReadValue(ConfigTable& table, const std::string& name) {
  JsonSeries one;
  const std::string key = table.RequiredString("key", kMaxNameBytes);
  one.series = {"haidang_json_value", {{"key", key}, {"name", name}}};
  one.pointer = ReadPointer(table, one.text);
  table.Finish();
  return one;
}

JsonSeries ReadVolume(ConfigTable& table, JsonTaken& taken) {
  JsonSeries one;
  one.work_done = true;
  const std::string system = table.RequiredString("system", kMaxNameBytes);
  const std::string kind = table.RequiredString("kind", kMaxNameBytes);
  one.series = {"haidang_volume_total", {{"kind", kind}, {"system", system}}};
  if (!taken.volumes.emplace(system, kind).second) {
    table.Fault(
        "kind",
        "this work is counted elsewhere already; allowed: each pair of system and kind once");
  }
  one.pointer = ReadPointer(table, one.text);
  table.Finish();
  return one;
}

// What `number` is as a value of `series`; an Error where it is none.
Result<Value> ValueOf(const JsonSeries& series, const JsonNumber& number) {
  if (!number.number) return Error{std::string(number.why)};
  if (!series.work_done) return Value(*number.number);
  const double count = *number.number;
  if (count < 0 || count > kMostExact || count != std::floor(count)) {
    return Error{"is no count: work done is a whole number, not below 0"};
  }
  return Value(static_cast<uint64_t>(count));
}

}  // namespace

JsonOptions ReadJsonOptions(ConfigTable& table, JsonTaken& taken) {
  JsonOptions options;
  options.name = table.RequiredString("name", kMaxNameBytes);
  if (!options.name.empty() && !taken.names.insert(options.name).second) {
    table.Fault("name",
                "there is such a name already; allowed: each name once, in [[http_json]] and "
                "[[exec_json]] together");
  }
  std::set<SeriesId> seen;
  for (ConfigTable& value : table.Tables("value", kMaxJsonPointers)) {
    options.series.push_back(ReadValue(value, options.name));
    if (!seen.insert(options.series.back().series).second) {
      value.Fault("key", "there is such a key already; allowed: each key once");
    }
  }
  for (ConfigTable& volume : table.Tables("volume", kMaxJsonPointers)) {
    options.series.push_back(ReadVolume(volume, taken));
  }
  if (options.series.empty() || options.series.size() > kMaxJsonPointers) {
    table.Fault("value", "a document needs a [[value]] or [[volume]], and has at most " +
                             std::to_string(kMaxJsonPointers) +
                             " of both; allowed: what of the document becomes a series");
  }
  return options;
}

JsonItem::JsonItem(std::string_view source, JsonOptions options, const Clock& clock)
    : options_(std::move(options)),
      trouble_(std::string(source) + " " + options_.name, clock),
      values_(options_.series.size()) {
  for (const JsonSeries& one : options_.series) pointers_.push_back(one.pointer);
}

void JsonItem::Answered(std::string_view document) {
  const auto numbers = PickJsonNumbers(document, pointers_);
  if (!numbers) return Failed("the answer " + numbers.error().message);
  std::string faults;
  for (size_t i = 0; i < values_.size(); ++i) {
    const JsonSeries& one = options_.series[i];
    auto value = ValueOf(one, (*numbers)[i]);
    values_[i] = value ? std::move(*value) : Value(Null{});
    if (!value)
      faults += (faults.empty() ? "\"" : "; \"") + one.text + "\" " + value.error().message;
  }
  success_ = faults.empty();
  if (faults.empty()) return trouble_.Worked();
  trouble_.Failed(faults);
}

void JsonItem::Failed(std::string_view why) {
  values_.assign(values_.size(), Null{});
  success_ = false;
  trouble_.Failed(why);
}

void JsonItem::Report(std::vector<Reading>& readings) const {
  if (!success_) return;
  Add(readings, "haidang_json_success", {{"name", options_.name}}, *success_);
  for (size_t i = 0; i < values_.size(); ++i) {
    readings.push_back({options_.series[i].series, values_[i]});
  }
}

}  // namespace haidang::agent
