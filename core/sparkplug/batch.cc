#include "core/sparkplug/batch.h"

#include <bit>

#include "core/crc64.h"
#include "core/sparkplug/stamp.h"
#include "core/sparkplug/wire.h"

namespace haidang::sparkplug {
namespace {

std::string_view ToString(AgentState state) {
  switch (state) {
    case AgentState::kRunning:
      return "running";
    case AgentState::kStopping:
      return "stopping";
    case AgentState::kSuspending:
      return "suspending";
  }
  return "running";
}

// Adds the metrics of one batch to a payload, taking the CRC on the way.
class BatchWriter {
 public:
  BatchWriter(wire::PayloadBuilder& payload, int64_t wall_ms)
      : payload_(payload), wall_ms_(wire::WireTime(wall_ms)) {}

  template <typename Write>
  void Add(uint64_t alias, Write&& write_value) {
    metric_.clear();
    wire::MetricBuilder metric{metric_};
    metric.add_uint64(wire::Metric::kAlias, alias);
    metric.add_uint64(wire::Metric::kTimestamp, wall_ms_);
    write_value(metric);
    payload_.add_message(wire::Payload::kMetrics, metric_);
  }

  template <typename Write>
  void AddCovered(uint64_t alias, Write&& write_value) {
    Add(alias, write_value);
    crc_.Update(metric_);
  }

  Crc64& crc() { return crc_; }

 private:
  wire::PayloadBuilder& payload_;
  uint64_t wall_ms_;
  std::string metric_;
  Crc64 crc_;
};

}  // namespace

std::string EncodeBatch(Batch& batch) {
  BatchHeader& header = batch.header;
  std::string out;
  out.reserve(160 + batch.samples.size() * 24);
  wire::PayloadBuilder payload{out};
  payload.add_uint64(wire::Payload::kTimestamp, wire::WireTime(header.wall_ms));
  BatchWriter writer{payload, header.wall_ms};

  const std::string stamp = EncodeStamp(header);
  writer.crc().Update(std::string_view(stamp).substr(kStampCrcEnd));
  writer.Add(kAliasSpoolStamp,
             [&](wire::MetricBuilder& m) { m.add_bytes(wire::Metric::kBytes, stamp); });
  const size_t stamp_at = out.size() - stamp.size();

  writer.AddCovered(kAliasSpoolBatch, [&](wire::MetricBuilder& m) {
    m.add_uint64(wire::Metric::kLong, header.number);
  });
  if (header.state != AgentState::kRunning) {
    const std::string_view state = ToString(header.state);
    writer.AddCovered(kAliasAgentState, [&](wire::MetricBuilder& m) {
      m.add_string(wire::Metric::kString, state.data(), state.size());
    });
  }
  if (!batch.events.empty()) {
    const std::string events = EncodeEvents(batch.events);
    writer.AddCovered(kAliasEvents,
                      [&](wire::MetricBuilder& m) { m.add_bytes(wire::Metric::kBytes, events); });
  }
  for (const auto& [alias, value] : batch.samples) {
    writer.AddCovered(alias, [&v = value](wire::MetricBuilder& m) { wire::WriteValue(m, v); });
  }

  header.crc = writer.crc().value();
  PutStampCrc(header.crc, out, stamp_at);
  return out;
}

}  // namespace haidang::sparkplug
