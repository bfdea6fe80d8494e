#include <optional>
#include <utility>

#include "collector/export_samples.h"
#include "collector/export_walk.h"
#include "collector/store/json.h"

namespace haidang::collector {
namespace {

constexpr std::string_view kHeader =
    "time,time_ms,instance,site,site_name,class,metric,labels,value\r\n";

void Append(std::string& row, std::string_view field) {
  if (!row.empty()) row.push_back(',');
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    row += field;
    return;
  }
  row.push_back('"');
  for (const char c : field) {
    if (c == '"') row.push_back('"');
    row.push_back(c);
  }
  row.push_back('"');
}

class SeriesWriter {
 public:
  SeriesWriter(const SeriesToWrite& one, const WriteText& write)
      : one_(one), write_(write), own_(store::EncodeLabels(one.series.labels)) {}

  void Enter(const Place& place) { place_ = &place; }

  void Tick(int64_t time_ms, const store::Head& head) {
    if (last_ms_ && time_ms - *last_ms_ > 3 * one_.machine.interval_ms) {
      Unknown(*last_ms_ + one_.machine.interval_ms);
    }
    last_ms_ = time_ms;
    const Value value = head.ValueOf(0);
    if (const auto* text = std::get_if<std::string>(&value)) return Text(time_ms, *text);
    if (const auto* bytes = std::get_if<Bytes>(&value)) return Buckets(time_ms, bytes->data);
    const std::string number = NumberText(value);
    if (number.empty()) return Unknown(time_ms);
    known_ = true;
    Row(time_ms, one_.metric.name, own_, number);
  }

  bool failed() const { return failed_; }

 private:
  void Text(int64_t time_ms, std::string_view text) {
    known_ = true;
    Row(time_ms, one_.metric.name, own_, text);
  }

  void Buckets(int64_t time_ms, std::string_view encoded) {
    const bool told = ForEachLine(
        encoded, [&](std::string_view suffix, const std::string& le, const std::string& value) {
          Labels labels = one_.series.labels;
          if (!le.empty()) labels["le"] = le;
          Row(time_ms, one_.metric.name + std::string(suffix), store::EncodeLabels(labels), value);
        });
    if (!told) return Unknown(time_ms);
    known_ = true;
  }

  void Unknown(int64_t time_ms) {
    if (std::exchange(known_, false)) Row(time_ms, one_.metric.name, own_, "");
  }

  void Row(int64_t time_ms, std::string_view metric, std::string_view labels,
           std::string_view value) {
    std::string row;
    Append(row, IsoTime(time_ms));
    Append(row, std::to_string(time_ms));
    for (const std::string_view field :
         {std::string_view(one_.machine.name), std::string_view(place_->site),
          std::string_view(place_->site_name), std::string_view(place_->machine_class), metric,
          labels, value}) {
      Append(row, field);
    }
    failed_ = failed_ || !write_(row += "\r\n");
  }

  const SeriesToWrite& one_;
  const WriteText& write_;
  const std::string own_;
  const Place* place_ = nullptr;
  bool known_ = false;
  bool failed_ = false;
  std::optional<int64_t> last_ms_;
};

}  // namespace

Status WriteCsv(store::SampleWalk& store, const SampleChoice& choice, const WriteText& write) {
  const Error failure{"the export cannot be written"};
  if (!write(kHeader)) return failure;
  return ForEachChosen(store, choice, [&](const SeriesToWrite& one) -> Status {
    SeriesWriter writer(one, write);
    for (const store::PlaceStretch& stretch : one.places) {
      writer.Enter(stretch.place);
      auto walked = store.Walk(one.series, stretch.from_ms, stretch.to_ms,
                               [&](int64_t time_ms, const store::Head& head) {
                                 if (!writer.failed()) writer.Tick(time_ms, head);
                               });
      if (!walked) return walked;
      if (writer.failed()) return failure;
    }
    return {};
  });
}

}  // namespace haidang::collector
