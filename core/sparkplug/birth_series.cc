#include "core/sparkplug/birth_series.h"

#include <algorithm>
#include <optional>

#include "core/sparkplug/names.h"
#include "core/utf8.h"

namespace haidang::sparkplug {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

std::optional<DataType> OurDatatype(uint32_t datatype) {
  switch (static_cast<DataType>(datatype)) {
    case DataType::kInt64:
    case DataType::kUInt64:
    case DataType::kDouble:
    case DataType::kBoolean:
    case DataType::kString:
    case DataType::kBytes:
      return static_cast<DataType>(datatype);
  }
  return std::nullopt;
}

std::optional<MetricType> ParseType(std::string_view text) {
  for (const MetricType type : {MetricType::kGauge, MetricType::kCounter, MetricType::kHistogram}) {
    if (text == haidang::ToString(type)) return type;
  }
  return std::nullopt;
}

// False where a PropertyValue is null or not a text.
bool ReadText(std::string_view bytes, std::string_view& text) {
  bool has_text = false;
  protozero::pbf_message<wire::PropertyValue> message{bytes.data(), bytes.size()};
  while (message.next()) {
    switch (message.tag_and_type()) {
      case tag_and_type(wire::PropertyValue::kString, pbf_wire_type::length_delimited):
        text = wire::View(message.get_view());
        has_text = true;
        break;
      case tag_and_type(wire::PropertyValue::kIsNull, pbf_wire_type::varint):
        if (message.get_bool()) return false;
        break;
      default:
        message.skip();
    }
  }
  return has_text;
}

// Takes the properties of one series: type, source, unit and its labels.
class PropertyReader {
 public:
  PropertyReader(const std::vector<std::string>& groups, BirthSeries& out)
      : groups_(groups), out_(out) {}

  // Null, or what is wrong.
  const char* Read(std::string_view properties) {
    protozero::pbf_message<wire::PropertySet> keys{properties.data(), properties.size()};
    protozero::pbf_message<wire::PropertySet> values = keys;
    while (keys.next(wire::PropertySet::kKeys, pbf_wire_type::length_delimited)) {
      const std::string_view key = wire::View(keys.get_view());
      std::string_view text;
      if (!values.next(wire::PropertySet::kValues, pbf_wire_type::length_delimited) ||
          !ReadText(wire::View(values.get_view()), text)) {
        return "a property without a text as its value";
      }
      if (const char* fault = Take(key, text)) return fault;
    }
    if (values.next(wire::PropertySet::kValues)) return "more property values than keys";
    return has_type_ && has_source_ ? nullptr : "no property type or source";
  }

 private:
  const char* Take(std::string_view key, std::string_view text) {
    if (key == names::kPropertyType) return TakeType(text);
    if (key == names::kPropertySource) return TakeSource(text);
    if (key == names::kPropertyUnit) {
      if (text.size() > kMaxTextBytes || !IsUtf8(text)) return "its unit is overlong or not UTF-8";
      out_.unit = text;
      return nullptr;
    }
    Labels& labels = out_.series.labels;
    if (key.size() > kMaxNameBytes || text.size() > kMaxLabelBytes || labels.size() == kMaxLabels) {
      return "overlong labels, or more than 16";
    }
    return labels.emplace(names::LabelOfKey(key), text).second ? nullptr : "a label twice";
  }

  const char* TakeType(std::string_view text) {
    const auto type = ParseType(text);
    if (!type) return "its type is not gauge, counter or histogram";
    out_.type = *type;
    has_type_ = true;
    return nullptr;
  }

  const char* TakeSource(std::string_view text) {
    const auto group = std::find(groups_.begin(), groups_.end(), text);
    if (group == groups_.end()) return "its source is not in Spool/Groups";
    out_.group = static_cast<uint32_t>(group - groups_.begin());
    has_source_ = true;
    return nullptr;
  }

  const std::vector<std::string>& groups_;
  BirthSeries& out_;
  bool has_type_ = false;
  bool has_source_ = false;
};

}  // namespace

Error AtMetric(std::string_view name, std::string_view why) {
  return Error{"birth: metric \"" + Printable(name) + "\": " + std::string(why)};
}

Result<BirthSeries> ReadSeries(const wire::MetricView& metric,
                               const std::vector<std::string>& groups) {
  BirthSeries out;
  const auto datatype = OurDatatype(metric.datatype);
  if (!datatype) return AtMetric(metric.name, "a datatype that no series of ours has");
  out.datatype = *datatype;
  out.alias = metric.alias;
  out.value = ToValue(metric.value, *datatype);
  out.series.metric = metric.name.substr(0, metric.name.find('/'));
  if (const char* fault = PropertyReader{groups, out}.Read(metric.properties)) {
    return AtMetric(metric.name, fault);
  }
  if (Status status = CheckSeries(out.series); !status) {
    return AtMetric(metric.name, status.error().message);
  }
  if (WireName(out.series) != metric.name) {
    return AtMetric(metric.name, "its name does not follow from its labels");
  }
  return out;
}

}  // namespace haidang::sparkplug
