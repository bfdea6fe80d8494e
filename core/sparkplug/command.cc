#include "core/sparkplug/command.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <protozero/buffer_string.hpp>
#include <protozero/varint.hpp>

#include "core/sparkplug/names.h"
#include "core/sparkplug/wire.h"

namespace haidang::sparkplug {
namespace {

constexpr std::array<std::pair<std::string_view, uint64_t>, 9> kByName = {{
    {names::kCommitted, kAliasCommitted},
    {names::kCommittedSpool, kAliasCommittedSpool},
    {names::kCommittedStore, kAliasCommittedStore},
    {names::kCommittedRanges, kAliasCommittedRanges},
    {names::kCommittedNewest, kAliasCommittedNewest},
    {names::kCommittedReceived, kAliasCommittedReceived},
    {names::kCommittedCheck, kAliasCommittedCheck},
    {names::kBackfillRate, kAliasBackfillRate},
    {names::kJourneys, kAliasJourneys},
}};

// An NCMD: a timestamp and no seq (`payloads-ncmd-seq`).
class CommandWriter {
 public:
  CommandWriter(std::string& out, int64_t sent_ms)
      : payload_(out), timestamp_(wire::WireTime(sent_ms)) {
    payload_.add_uint64(wire::Payload::kTimestamp, timestamp_);
  }

  void Add(uint64_t alias, const Value& value) {
    metric_.clear();
    wire::MetricBuilder{metric_}.add_uint64(wire::Metric::kAlias, alias);
    Finish(value);
  }

  void Add(std::string_view name, const Value& value) {
    metric_.clear();
    wire::MetricBuilder{metric_}.add_string(wire::Metric::kName, name.data(), name.size());
    Finish(value);
  }

 private:
  void Finish(const Value& value) {
    wire::MetricBuilder metric{metric_};
    metric.add_uint64(wire::Metric::kTimestamp, timestamp_);
    wire::WriteValue(metric, value);
    payload_.add_message(wire::Payload::kMetrics, metric_);
  }

  wire::PayloadBuilder payload_;
  uint64_t timestamp_;
  std::string metric_;
};

std::string EncodeRanges(const Committed& committed) {
  std::string out;
  uint64_t end = committed.cumulative;
  const size_t count = std::min(committed.ranges.size(), kMaxCommittedRanges);
  for (size_t i = 0; i < count; ++i) {
    const NumberRange& range = committed.ranges[i];
    protozero::add_varint_to_buffer(&out, range.first - end);
    protozero::add_varint_to_buffer(&out, range.last - range.first);
    end = range.last;
  }
  return out;
}

std::string EncodeCheck(const Committed& committed) {
  std::string out;
  for (const uint64_t word : {committed.check_number, committed.check_crc}) {
    for (int shift = 0; shift < 64; shift += 8) {
      out.push_back(static_cast<char>(static_cast<uint8_t>(word >> shift)));
    }
  }
  return out;
}

// Null, or what is wrong.
const char* DecodeCheck(std::string_view bytes, Committed& committed) {
  if (bytes.size() != 16) return "a check that has not 16 bytes";
  const auto word = [&](size_t at) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    }
    return value;
  };
  committed.check_number = word(0);
  committed.check_crc = word(8);
  return committed.check_number == 0 ? "a check of batch 0" : nullptr;
}

// Throws protozero's exceptions. Null, or what is wrong.
const char* DecodeRanges(std::string_view bytes, Committed& committed) {
  const char* p = bytes.data();
  const char* limit = bytes.data() + bytes.size();
  uint64_t end = committed.cumulative;
  while (p != limit) {
    if (committed.ranges.size() == kMaxCommittedRanges) return "more than 32 ranges";
    const uint64_t gap = protozero::decode_varint(&p, limit);
    const uint64_t more = protozero::decode_varint(&p, limit);
    NumberRange range;
    if (gap < 2 || __builtin_add_overflow(end, gap, &range.first) ||
        __builtin_add_overflow(range.first, more, &range.last)) {
      return "ranges that touch or overflow";
    }
    committed.ranges.push_back(range);
    end = range.last;
  }
  return nullptr;
}

class CommandReader {
 public:
  // Throws protozero's exceptions. Null, or what is wrong.
  const char* Read(std::string_view payload) {
    using protozero::pbf_wire_type;
    using protozero::tag_and_type;
    wire::PayloadMessage message{payload.data(), payload.size()};
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(wire::Payload::kMetrics, pbf_wire_type::length_delimited): {
          const auto metric = wire::ReadMetric(wire::View(message.get_view()));
          if (const char* fault = ReadMetric(metric)) return fault;
          break;
        }
        case tag_and_type(wire::Payload::kTimestamp, pbf_wire_type::varint):
          if (!wire::ReadTime(message.get_uint64(), committed_.sent_ms)) return "impossible time";
          break;
        default:
          message.skip();
      }
    }
    return Finish();
  }

  Command&& command() { return std::move(command_); }

 private:
  const char* ReadMetric(const wire::MetricView& metric) {
    if (metric.name == names::kRebirth) {
      if (metric.value.kind != WireValue::Kind::kBoolean) return "Rebirth is no Boolean";
      command_.rebirth = command_.rebirth || metric.value.bits != 0;
      return nullptr;
    }
    uint64_t alias = metric.has_alias ? metric.alias : 0;
    for (const auto& [name, its_alias] : kByName) {
      if (!metric.has_alias && metric.name == name) alias = its_alias;
    }
    switch (alias) {
      case kAliasCommitted:
        has_mark_ = true;
        return TakeNumber(metric, committed_.cumulative);
      case kAliasCommittedSpool:
        return TakeNumber(metric, committed_.spool_id);
      case kAliasCommittedStore:
        return TakeNumber(metric, committed_.store_id);
      case kAliasCommittedNewest:
        return TakeNumber(metric, committed_.newest);
      case kAliasCommittedReceived: {
        uint64_t time = 0;
        if (const char* fault = TakeNumber(metric, time)) return fault;
        return wire::ReadTime(time, committed_.received_ms) ? nullptr : "impossible time";
      }
      case kAliasCommittedRanges:
        if (metric.value.kind != WireValue::Kind::kBytes) return "ranges are not Bytes";
        ranges_ = metric.value.view;
        return nullptr;
      case kAliasCommittedCheck:
        if (metric.value.kind != WireValue::Kind::kBytes) return "the check is not Bytes";
        has_part_ = true;
        return DecodeCheck(metric.value.view, committed_);
      case kAliasBackfillRate:
        return TakeRate(metric);
      case kAliasJourneys:
        return TakeJourneys(metric);
      default:
        ++command_.unknown;
        return nullptr;
    }
  }

  const char* TakeNumber(const wire::MetricView& metric, uint64_t& out) {
    const Value value = ToValue(metric.value, DataType::kUInt64);
    const auto* number = std::get_if<uint64_t>(&value);
    if (number == nullptr) return "a part of Committed is no integer";
    out = *number;
    has_part_ = true;
    return nullptr;
  }

  const char* TakeRate(const wire::MetricView& metric) {
    const double rate = AsNumber(ToValue(metric.value, DataType::kDouble));
    if (!std::isfinite(rate) || rate < 0) return "Backfill Rate is no number of 0 or more";
    command_.backfill_rate = rate;
    return nullptr;
  }

  const char* TakeJourneys(const wire::MetricView& metric) {
    if (metric.value.kind != WireValue::Kind::kText) return "Journeys is no String";
    auto leases = DecodeLeases(metric.value.view);
    if (!leases) return "Journeys is no list of leases";
    command_.journeys = std::move(*leases);
    return nullptr;
  }

  const char* Finish() {
    if (!has_mark_)
      return has_part_ || !ranges_.empty() ? "parts of Committed without it" : nullptr;
    if (committed_.spool_id == 0) return "Committed without its spool id";
    if (const char* fault = DecodeRanges(ranges_, committed_)) return fault;
    command_.committed = std::move(committed_);
    return nullptr;
  }

  Command command_;
  Committed committed_;
  std::string_view ranges_;
  bool has_mark_ = false;
  bool has_part_ = false;
};

}  // namespace

std::string EncodeRebirth(int64_t sent_ms) {
  std::string out;
  CommandWriter{out, sent_ms}.Add(names::kRebirth, Value{true});
  return out;
}

std::string EncodeCommitted(const Committed& committed) {
  std::string out;
  CommandWriter writer{out, committed.sent_ms};
  writer.Add(kAliasCommitted, Value{committed.cumulative});
  writer.Add(kAliasCommittedSpool, Value{committed.spool_id});
  writer.Add(kAliasCommittedStore, Value{committed.store_id});
  if (!committed.ranges.empty()) {
    writer.Add(kAliasCommittedRanges, Value{Bytes{EncodeRanges(committed)}});
  }
  if (committed.newest != 0) {
    writer.Add(kAliasCommittedNewest, Value{committed.newest});
    writer.Add(kAliasCommittedReceived, Value{wire::WireTime(committed.received_ms)});
  }
  if (committed.check_number != 0) {
    writer.Add(kAliasCommittedCheck, Value{Bytes{EncodeCheck(committed)}});
  }
  return out;
}

std::string EncodeBackfillRate(double batches_per_second, int64_t sent_ms) {
  std::string out;
  CommandWriter{out, sent_ms}.Add(kAliasBackfillRate, Value{batches_per_second});
  return out;
}

std::string EncodeJourneys(std::span<const Lease> leases, int64_t sent_ms) {
  std::string out;
  CommandWriter{out, sent_ms}.Add(kAliasJourneys, Value{EncodeLeases(leases)});
  return out;
}

Result<Command> DecodeCommand(std::string_view payload) try {
  if (payload.size() > kMaxPayload) return Error{"command: larger than 8 MiB"};
  CommandReader reader;
  if (const char* fault = reader.Read(payload)) return Error{std::string("command: ") + fault};
  return reader.command();
} catch (const protozero::exception& fault) {
  return Error{std::string("command: ") + fault.what()};
}

}  // namespace haidang::sparkplug
