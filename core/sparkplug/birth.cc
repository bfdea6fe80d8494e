#include "core/sparkplug/birth.h"

#include <algorithm>

#include "core/sparkplug/names.h"
#include "core/sparkplug/wire.h"
#include "core/utf8.h"

namespace haidang::sparkplug {
namespace {

// Adds metrics with name, datatype, value and timestamp.
class BirthWriter {
 public:
  BirthWriter(std::string& out, int64_t timestamp_ms)
      : payload_(out), timestamp_(wire::WireTime(timestamp_ms)) {
    payload_.add_uint64(wire::Payload::kTimestamp, timestamp_);
  }

  // `alias` 0: none; `properties` empty: none.
  void Add(std::string_view name, uint64_t alias, DataType datatype, const Value& value,
           const std::string& properties = {}) {
    metric_.clear();
    wire::MetricBuilder metric{metric_};
    metric.add_string(wire::Metric::kName, name.data(), name.size());
    if (alias != 0) metric.add_uint64(wire::Metric::kAlias, alias);
    metric.add_uint64(wire::Metric::kTimestamp, timestamp_);
    metric.add_uint32(wire::Metric::kDatatype, static_cast<uint32_t>(datatype));
    if (std::holds_alternative<Null>(value)) wire::WriteValue(metric, value);
    if (!properties.empty()) metric.add_message(wire::Metric::kProperties, properties);
    if (!std::holds_alternative<Null>(value)) wire::WriteValue(metric, value);
    payload_.add_message(wire::Payload::kMetrics, metric_);
  }

  void AddText(std::string_view name, std::string_view text) {
    Add(name, 0, DataType::kString, ToUtf8(text, kMaxTextBytes));
  }

  void AddUInt(std::string_view name, uint64_t value, uint64_t alias = 0) {
    Add(name, alias, DataType::kUInt64, value);
  }

  void End(uint64_t seq) { payload_.add_uint64(wire::Payload::kSeq, seq); }

 private:
  wire::PayloadBuilder payload_;
  uint64_t timestamp_;
  std::string metric_;
};

void AddReserved(const Birth& birth, BirthWriter& writer) {
  uint64_t last_number = 0;
  for (const HeldSpool& held : birth.held) {
    if (held.spool_id == birth.spool_id) last_number = held.next - 1;
  }
  writer.AddUInt(names::kSpoolBatch, last_number, kAliasSpoolBatch);
  writer.Add(names::kSpoolStamp, kAliasSpoolStamp, DataType::kBytes, Bytes{});
  writer.Add(names::kAgentState, kAliasAgentState, DataType::kString, std::string("running"));
  writer.Add(names::kAgentEvents, kAliasEvents, DataType::kBytes, Bytes{});
  writer.AddUInt(names::kCommitted, 0, kAliasCommitted);
  writer.AddUInt(names::kCommittedSpool, 0, kAliasCommittedSpool);
  writer.AddUInt(names::kCommittedStore, 0, kAliasCommittedStore);
  writer.Add(names::kCommittedRanges, kAliasCommittedRanges, DataType::kBytes, Bytes{});
  writer.AddUInt(names::kCommittedNewest, 0, kAliasCommittedNewest);
  writer.AddUInt(names::kCommittedReceived, 0, kAliasCommittedReceived);
  writer.Add(names::kCommittedCheck, kAliasCommittedCheck, DataType::kBytes, Bytes{});
  writer.Add(names::kBackfillRate, kAliasBackfillRate, DataType::kDouble, 0.0);
  writer.Add(names::kJourneys, kAliasJourneys, DataType::kString, std::string());
}

void AddHeld(const HeldSpool& held, BirthWriter& writer) {
  const std::string hex = names::SpoolHex(held.spool_id);
  writer.AddUInt(std::string(names::kSpoolFirst) + hex, held.first);
  writer.AddUInt(std::string(names::kSpoolNext) + hex, held.next);
  if (!held.reason.empty()) writer.AddText(std::string(names::kSpoolReason) + hex, held.reason);
  if (held.ended_ms == 0) return;
  writer.AddUInt(std::string(names::kSpoolEnded) + hex, wire::WireTime(held.ended_ms));
}

void AddSpools(const Birth& birth, BirthWriter& writer) {
  size_t room = kMaxHeldSpools;
  for (const HeldSpool& held : birth.held) {
    if (held.spool_id != birth.spool_id) continue;
    AddHeld(held, writer);
    --room;
  }
  for (const HeldSpool& held : birth.held) {
    if (held.spool_id == birth.spool_id || room == 0) continue;
    AddHeld(held, writer);
    --room;
  }
}

void AddAgent(const Birth& birth, BirthWriter& writer) {
  std::string groups;
  for (const std::string& group : birth.groups) {
    if (!groups.empty()) groups += ',';
    groups += group;
  }
  writer.Add(names::kSpoolGroups, 0, DataType::kString, groups);
  writer.AddText(names::kAgentVersion, birth.agent_version);
  writer.AddText(names::kAgentOs, birth.os);
  writer.AddText(names::kAgentClass, birth.machine_class);
  writer.AddText(names::kAgentSite, birth.site);
  writer.Add(names::kAgentInterval, 0, DataType::kInt64, birth.interval_ms);
  if (birth.boot_id == 0) return;
  writer.AddUInt(names::kAgentBoot, birth.boot_id);
  writer.Add(names::kAgentUptime, 0, DataType::kInt64, birth.since_boot_ms);
}

// Adds texts to a PropertySet: the keys first, then as many values.
class PropertyWriter {
 public:
  void Add(std::string_view key, std::string_view text) {
    protozero::pbf_builder<wire::PropertySet>{keys_}.add_string(wire::PropertySet::kKeys,
                                                                key.data(), key.size());
    std::string value;
    protozero::pbf_builder<wire::PropertyValue> builder{value};
    builder.add_uint32(wire::PropertyValue::kType, static_cast<uint32_t>(DataType::kString));
    builder.add_string(wire::PropertyValue::kString, text.data(), text.size());
    protozero::pbf_builder<wire::PropertySet>{values_}.add_message(wire::PropertySet::kValues,
                                                                   value);
  }
  std::string Take() { return std::move(keys_) + values_; }

 private:
  std::string keys_;
  std::string values_;
};

std::string Properties(const BirthSeries& series, const std::vector<std::string>& groups) {
  PropertyWriter writer;
  writer.Add(names::kPropertyUnit, series.unit);
  writer.Add(names::kPropertyType, haidang::ToString(series.type));
  writer.Add(names::kPropertySource, groups.at(series.group));
  for (const auto& [name, value] : series.series.labels) {
    writer.Add(names::LabelKey(name), value);
  }
  return writer.Take();
}

}  // namespace

std::string EncodeBirth(const Birth& birth) {
  std::string out;
  out.reserve(2048 + birth.series.size() * 192);
  BirthWriter writer{out, birth.timestamp_ms};
  writer.Add(names::kBdSeq, 0, DataType::kInt64, int64_t{birth.bd_seq});
  writer.Add(names::kRebirth, 0, DataType::kBoolean, false);
  AddReserved(birth, writer);
  writer.AddUInt(names::kSpoolId, birth.spool_id);
  AddSpools(birth, writer);
  AddAgent(birth, writer);
  for (const BirthSeries& series : birth.series) {
    writer.Add(WireName(series.series), series.alias, series.datatype, series.value,
               Properties(series, birth.groups));
  }
  writer.End(birth.seq);
  return out;
}

std::string EncodeDeath(uint8_t bd_seq, int64_t timestamp_ms) {
  std::string out;
  BirthWriter writer{out, timestamp_ms};
  writer.Add(names::kBdSeq, 0, DataType::kInt64, int64_t{bd_seq});
  return out;
}

std::string EncodeState(bool online, int64_t timestamp_ms) {
  return std::string("{\"online\":") + (online ? "true" : "false") +
         ",\"timestamp\":" + std::to_string(timestamp_ms) + "}";
}

}  // namespace haidang::sparkplug
