#include "core/sparkplug/wire.h"

#include <limits>

#include "core/utf8.h"

namespace haidang::sparkplug {
namespace wire {
namespace {

struct ValueWriter {
  MetricBuilder& metric;

  void operator()(Null) const { metric.add_bool(Metric::kIsNull, true); }
  void operator()(int64_t value) const {
    metric.add_uint64(Metric::kLong, static_cast<uint64_t>(value));
  }
  void operator()(uint64_t value) const { metric.add_uint64(Metric::kLong, value); }
  void operator()(double value) const { metric.add_double(Metric::kDouble, value); }
  void operator()(bool value) const { metric.add_bool(Metric::kBoolean, value); }
  void operator()(const std::string& value) const {
    if (IsUtf8(value)) {
      metric.add_string(Metric::kString, value);
    } else {
      metric.add_string(Metric::kString, ToUtf8(value, std::numeric_limits<size_t>::max()));
    }
  }
  void operator()(const Bytes& value) const { metric.add_bytes(Metric::kBytes, value.data); }
};

}  // namespace

void WriteValue(MetricBuilder& metric, const Value& value) {
  std::visit(ValueWriter{metric}, value);
}

}  // namespace wire

Value ToValue(const WireValue& wire, DataType datatype) {
  using Kind = WireValue::Kind;
  const Kind kind = wire.kind;
  switch (datatype) {
    case DataType::kInt64:
      if (kind == Kind::kInt) return static_cast<int64_t>(wire.bits);
      if (kind == Kind::kInt32) {
        return static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(wire.bits)));
      }
      break;
    case DataType::kUInt64:
      if (kind == Kind::kInt || kind == Kind::kInt32) return wire.bits;
      break;
    case DataType::kDouble:
      if (kind == Kind::kDouble) return std::bit_cast<double>(wire.bits);
      break;
    case DataType::kBoolean:
      if (kind == Kind::kBoolean) return wire.bits != 0;
      break;
    case DataType::kString:
      if (kind == Kind::kText && IsUtf8(wire.view)) return std::string(wire.view);
      break;
    case DataType::kBytes:
      if (kind == Kind::kBytes) return Bytes{std::string(wire.view)};
      break;
  }
  return Null{};
}

}  // namespace haidang::sparkplug
