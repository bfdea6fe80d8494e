#pragma once

#include <snappy.h>

#include <bit>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Remote write 1.0 as a receiver reads it, written from Prometheus' types.proto and sharing nothing
// with what writes it. Throws at whatever is no WriteRequest.
namespace haidang::testing {

struct DecodedHistogram {
  uint64_t count = 0;
  double sum = 0;
  int64_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  std::map<int64_t, int64_t> buckets;  // by index
  int64_t time_ms = 0;
};

struct DecodedSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // in their order
  std::vector<std::pair<int64_t, double>> samples;
  std::vector<DecodedHistogram> histograms;

  // node_load1{instance="a"}, labels in their order.
  std::string Name() const {
    std::string name, rest;
    for (const auto& [label, value] : labels) {
      if (label == "__name__") {
        name = value;
      } else {
        if (!rest.empty()) rest += ',';
        rest.append(label).append("=\"").append(value).append("\"");
      }
    }
    return name + "{" + rest + "}";
  }
};

struct DecodedMetadata {
  uint64_t type = 0;
  std::string name, help, unit;
};

struct DecodedRequest {
  std::vector<DecodedSeries> series;
  std::vector<DecodedMetadata> metadata;
};

// One field of a protobuf message.
struct ProtoField {
  uint64_t number = 0;
  uint64_t integer = 0;   // of varint and fixed64
  std::string_view text;  // of length-delimited

  double AsDouble() const { return std::bit_cast<double>(integer); }
  int64_t AsSigned() const { return static_cast<int64_t>(integer); }
  int64_t AsZigzag() const { return static_cast<int64_t>((integer >> 1) ^ (~(integer & 1) + 1)); }
};

class ProtoReader {
 public:
  explicit ProtoReader(std::string_view bytes) : bytes_(bytes) {}

  bool done() const { return bytes_.empty(); }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = static_cast<uint8_t>(Take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a varint that does not end");
  }

  ProtoField Next() {
    ProtoField field;
    const uint64_t key = Varint();
    field.number = key >> 3;
    switch (key & 7) {
      case 0:
        field.integer = Varint();
        break;
      case 1: {
        const std::string_view eight = Take(8);
        for (size_t i = 8; i-- > 0;) {
          field.integer = (field.integer << 8) | static_cast<uint8_t>(eight[i]);
        }
        break;
      }
      case 2:
        field.text = Take(Varint());
        break;
      default:
        throw std::runtime_error("a wire type that Prometheus has not");
    }
    return field;
  }

 private:
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) throw std::runtime_error("a message that ends too early");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
};

template <typename Each>
void ForEachField(std::string_view message, const Each& each) {
  for (ProtoReader reader(message); !reader.done();) each(reader.Next());
}

[[noreturn]] inline void Unknown(const char* message, uint64_t field) {
  throw std::runtime_error(std::string(message) + " has no field " + std::to_string(field));
}

inline DecodedHistogram DecodeHistogram(std::string_view message) {
  DecodedHistogram out;
  std::vector<int64_t> indices, deltas;
  int64_t next = 0;
  ForEachField(message, [&](const ProtoField& field) {
    switch (field.number) {
      case 1:
        out.count = field.integer;
        break;
      case 3:
        out.sum = field.AsDouble();
        break;
      case 4:
        out.schema = field.AsZigzag();
        break;
      case 5:
        out.zero_threshold = field.AsDouble();
        break;
      case 6:
        out.zero_count = field.integer;
        break;
      case 11: {
        uint64_t length = 0;
        ForEachField(field.text, [&](const ProtoField& of) {
          if (of.number == 1) next += of.AsZigzag();
          if (of.number == 2) length = of.integer;
        });
        for (; length > 0; --length) indices.push_back(next++);
        break;
      }
      case 12:
        for (ProtoReader packed(field.text); !packed.done();) {
          deltas.push_back(ProtoField{0, packed.Varint(), {}}.AsZigzag());
        }
        break;
      case 15:
        out.time_ms = field.AsSigned();
        break;
      default:
        Unknown("Histogram", field.number);
    }
  });
  if (indices.size() != deltas.size()) throw std::runtime_error("spans and deltas differ");
  int64_t count = 0;
  for (size_t i = 0; i < deltas.size(); ++i) out.buckets[indices[i]] = count += deltas[i];
  return out;
}

inline DecodedSeries DecodeSeries(std::string_view message) {
  DecodedSeries out;
  ForEachField(message, [&](const ProtoField& field) {
    std::pair<std::string, std::string> label;
    std::pair<int64_t, double> sample;
    switch (field.number) {
      case 1:
        ForEachField(field.text, [&](const ProtoField& of) {
          if (of.number > 2) Unknown("Label", of.number);
          (of.number == 1 ? label.first : label.second) = of.text;
        });
        out.labels.push_back(label);
        break;
      case 2:
        ForEachField(field.text, [&](const ProtoField& of) {
          if (of.number > 2) Unknown("Sample", of.number);
          if (of.number == 1) sample.second = of.AsDouble();
          if (of.number == 2) sample.first = of.AsSigned();
        });
        out.samples.push_back(sample);
        break;
      case 4:
        out.histograms.push_back(DecodeHistogram(field.text));
        break;
      default:
        Unknown("TimeSeries", field.number);
    }
  });
  return out;
}

inline std::string Uncompressed(const std::string& body) {
  std::string raw;
  if (!snappy::Uncompress(body.data(), body.size(), &raw)) throw std::runtime_error("no snappy");
  return raw;
}

inline DecodedRequest DecodeWriteRequest(const std::string& body) {
  DecodedRequest out;
  const std::string raw = Uncompressed(body);
  ForEachField(raw, [&](const ProtoField& field) {
    if (field.number == 1) {
      out.series.push_back(DecodeSeries(field.text));
    } else if (field.number == 3) {
      DecodedMetadata metadata;
      ForEachField(field.text, [&](const ProtoField& of) {
        if (of.number == 1) metadata.type = of.integer;
        if (of.number == 2) metadata.name = of.text;
        if (of.number == 4) metadata.help = of.text;
        if (of.number == 5) metadata.unit = of.text;
      });
      out.metadata.push_back(metadata);
    } else {
      Unknown("WriteRequest", field.number);
    }
  });
  return out;
}

}  // namespace haidang::testing
