#pragma once

#include <map>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

// Sparkplug payloads seen as plain protobuf by field number, apart from the codec under test.
namespace haidang::sparkplug::testing {

inline constexpr uint32_t kPayloadTimestamp = 1, kPayloadMetrics = 2, kPayloadSeq = 3,
                          kPayloadUuid = 4, kPayloadBody = 5;
inline constexpr uint32_t kName = 1, kAlias = 2, kTimestamp = 3, kDatatype = 4, kIsHistorical = 5,
                          kIsNull = 7, kProperties = 9, kInt = 10, kLong = 11, kFloat = 12,
                          kDouble = 13, kBoolean = 14, kString = 15, kBytes = 16;

// Field number to the bytes of each occurrence, key included.
inline std::vector<std::pair<uint32_t, std::string>> Fields(std::string_view message) {
  std::vector<std::pair<uint32_t, std::string>> out;
  protozero::pbf_reader reader{message.data(), message.size()};
  const char* begin = message.data();
  while (reader.next()) {
    const uint32_t tag = reader.tag();
    reader.skip();
    const char* end = reader.data().data();
    out.emplace_back(tag, std::string(begin, end));
    begin = end;
  }
  return out;
}

// The content of each occurrence of a length-delimited field.
inline std::vector<std::string> Messages(std::string_view message, uint32_t field) {
  std::vector<std::string> out;
  protozero::pbf_reader reader{message.data(), message.size()};
  while (reader.next(field, protozero::pbf_wire_type::length_delimited)) {
    out.push_back(reader.get_string());
  }
  return out;
}

inline bool Has(std::string_view message, uint32_t field) {
  protozero::pbf_reader reader{message.data(), message.size()};
  return reader.next(field);
}

// Required: Has(message, field), a varint.
inline uint64_t Varint(std::string_view message, uint32_t field) {
  protozero::pbf_reader reader{message.data(), message.size()};
  reader.next(field, protozero::pbf_wire_type::varint);
  return reader.get_uint64();
}

// "" where it has none.
inline std::string Text(std::string_view message, uint32_t field) {
  const std::vector<std::string> all = Messages(message, field);
  return all.empty() ? std::string() : all.front();
}

inline std::map<std::string, std::string> MetricsByName(std::string_view payload) {
  std::map<std::string, std::string> out;
  for (const std::string& metric : Messages(payload, kPayloadMetrics)) {
    out[Text(metric, kName)] = metric;
  }
  return out;
}

// A payload put together field by field, for messages that the encoder never makes.
class RawPayload {
 public:
  RawPayload& Number(uint32_t field, uint64_t value) {
    protozero::pbf_writer{bytes_}.add_uint64(field, value);
    return *this;
  }
  RawPayload& Text(uint32_t field, const std::string& value) {
    protozero::pbf_writer{bytes_}.add_string(field, value);
    return *this;
  }
  RawPayload& Double(uint32_t field, double value) {
    protozero::pbf_writer{bytes_}.add_double(field, value);
    return *this;
  }
  RawPayload& Float(uint32_t field, float value) {
    protozero::pbf_writer{bytes_}.add_float(field, value);
    return *this;
  }
  RawPayload& Metric(const RawPayload& metric) { return Text(kPayloadMetrics, metric.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace haidang::sparkplug::testing
