#pragma once

#include <bit>
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_message.hpp>
#include <string>
#include <string_view>

#include "core/sparkplug/batch.h"

// Sparkplug B's protobuf messages (package org.eclipse.tahu.protobuf) as the codec's files share
// them. Functions that read throw protozero::exception on malformed bytes; it goes no further than
// the codec's public functions.
namespace haidang::sparkplug::wire {

enum class Payload : protozero::pbf_tag_type {
  kTimestamp = 1,
  kMetrics = 2,
  kSeq = 3,
  kUuid = 4,
  kBody = 5,
};

enum class Metric : protozero::pbf_tag_type {
  kName = 1,
  kAlias = 2,
  kTimestamp = 3,
  kDatatype = 4,
  kIsHistorical = 5,
  kIsNull = 7,
  kProperties = 9,
  kInt = 10,
  kLong = 11,
  kFloat = 12,
  kDouble = 13,
  kBoolean = 14,
  kString = 15,
  kBytes = 16,
  kDataSet = 17,
  kTemplate = 18,
};

enum class PropertySet : protozero::pbf_tag_type { kKeys = 1, kValues = 2 };

enum class PropertyValue : protozero::pbf_tag_type { kType = 1, kIsNull = 2, kString = 8 };

inline constexpr std::string_view kCompressed = "SPBV1.0_COMPRESSED";

using PayloadBuilder = protozero::pbf_builder<Payload>;
using MetricBuilder = protozero::pbf_builder<Metric>;
using PayloadMessage = protozero::pbf_message<Payload>;
using MetricMessage = protozero::pbf_message<Metric>;

// Views point into the message. Of a repeated field the last one counts.
struct MetricView {
  std::string_view bytes;          // the whole message
  std::string_view historical_at;  // where is_historical stands in it; empty: nowhere
  std::string_view name;
  std::string_view properties;
  uint64_t alias = 0;
  uint64_t timestamp = 0;
  uint32_t datatype = 0;
  bool has_name = false;
  bool has_alias = false;
  bool has_timestamp = false;
  bool has_value = false;  // or is_null
  bool historical = false;
  WireValue value;  // kNull also for data sets and templates
};

inline constexpr uint32_t Key(Metric field, protozero::pbf_wire_type type) {
  return protozero::tag_and_type(field, type);
}

inline std::string_view View(protozero::data_view view) { return {view.data(), view.size()}; }

inline MetricView ReadMetric(std::string_view bytes) {
  using protozero::pbf_wire_type;
  using Kind = WireValue::Kind;
  MetricView out;
  out.bytes = bytes;
  bool is_null = false;
  const auto set = [&out](Kind kind, uint64_t bits) {
    out.value = WireValue{kind, bits, {}};
    out.has_value = true;
  };
  const auto set_view = [&out](Kind kind, protozero::data_view view) {
    out.value = WireValue{kind, 0, View(view)};
    out.has_value = true;
  };
  MetricMessage message{bytes.data(), bytes.size()};
  const char* field_begin = bytes.data();
  while (message.next()) {
    switch (message.tag_and_type()) {
      case Key(Metric::kAlias, pbf_wire_type::varint):
        out.alias = message.get_uint64();
        out.has_alias = true;
        break;
      case Key(Metric::kTimestamp, pbf_wire_type::varint):
        out.timestamp = message.get_uint64();
        out.has_timestamp = true;
        break;
      case Key(Metric::kDouble, pbf_wire_type::fixed64):
        set(Kind::kDouble, message.get_fixed64());
        break;
      case Key(Metric::kLong, pbf_wire_type::varint):
        set(Kind::kInt, message.get_uint64());
        break;
      case Key(Metric::kInt, pbf_wire_type::varint):
        set(Kind::kInt32, message.get_uint64() & 0xFFFFFFFF);
        break;
      case Key(Metric::kFloat, pbf_wire_type::fixed32):
        set(Kind::kDouble, std::bit_cast<uint64_t>(static_cast<double>(message.get_float())));
        break;
      case Key(Metric::kBoolean, pbf_wire_type::varint):
        set(Kind::kBoolean, message.get_uint64() != 0 ? 1 : 0);
        break;
      case Key(Metric::kString, pbf_wire_type::length_delimited):
        set_view(Kind::kText, message.get_view());
        break;
      case Key(Metric::kBytes, pbf_wire_type::length_delimited):
        set_view(Kind::kBytes, message.get_view());
        break;
      case Key(Metric::kDataSet, pbf_wire_type::length_delimited):
      case Key(Metric::kTemplate, pbf_wire_type::length_delimited):
        message.skip();
        set(Kind::kNull, 0);
        break;
      case Key(Metric::kIsNull, pbf_wire_type::varint):
        is_null = message.get_uint64() != 0;
        break;
      case Key(Metric::kIsHistorical, pbf_wire_type::varint):
        out.historical = message.get_uint64() != 0;
        out.historical_at = {field_begin, static_cast<size_t>(message.data().data() - field_begin)};
        break;
      case Key(Metric::kName, pbf_wire_type::length_delimited):
        out.name = View(message.get_view());
        out.has_name = true;
        break;
      case Key(Metric::kDatatype, pbf_wire_type::varint):
        out.datatype = static_cast<uint32_t>(message.get_uint64());
        break;
      case Key(Metric::kProperties, pbf_wire_type::length_delimited):
        out.properties = View(message.get_view());
        break;
      default:
        message.skip();
    }
    field_begin = message.data().data();
  }
  if (is_null) set(Kind::kNull, 0);
  return out;
}

// The value field of `value`, or is_null.
void WriteValue(MetricBuilder& metric, const Value& value);

// Milliseconds as the wire has them: times before 1970 are 0.
inline uint64_t WireTime(int64_t ms) { return ms < 0 ? 0 : static_cast<uint64_t>(ms); }

// False where `wire` is beyond what an int64 of milliseconds can say.
inline bool ReadTime(uint64_t wire, int64_t& ms) {
  ms = static_cast<int64_t>(wire);
  return ms >= 0;
}

}  // namespace haidang::sparkplug::wire
