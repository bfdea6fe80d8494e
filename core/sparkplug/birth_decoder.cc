#include <algorithm>
#include <array>
#include <optional>

#include "core/sparkplug/birth.h"
#include "core/sparkplug/birth_series.h"
#include "core/sparkplug/names.h"
#include "core/sparkplug/wire.h"
#include "core/utf8.h"

namespace haidang::sparkplug {
namespace {

using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr uint32_t kLastDatatype = 34;  // DateTimeArray
constexpr size_t kMaxMetrics = kMaxSeries + 4 * kMaxHeldSpools + 64;
constexpr int64_t kMaxIntervalMs = 24LL * 3600 * 1000;

constexpr std::array<std::pair<uint64_t, std::string_view>, 13> kReservedNames = {{
    {kAliasSpoolBatch, names::kSpoolBatch},
    {kAliasSpoolStamp, names::kSpoolStamp},
    {kAliasAgentState, names::kAgentState},
    {kAliasEvents, names::kAgentEvents},
    {kAliasCommitted, names::kCommitted},
    {kAliasCommittedSpool, names::kCommittedSpool},
    {kAliasCommittedStore, names::kCommittedStore},
    {kAliasCommittedRanges, names::kCommittedRanges},
    {kAliasCommittedNewest, names::kCommittedNewest},
    {kAliasCommittedReceived, names::kCommittedReceived},
    {kAliasCommittedCheck, names::kCommittedCheck},
    {kAliasBackfillRate, names::kBackfillRate},
    {kAliasJourneys, names::kJourneys},
}};

bool HasDuplicates(auto& values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

// The typed value of a metric of ours; nothing where it has another type.
template <typename T>
std::optional<T> Take(const wire::MetricView& metric, DataType datatype) {
  if (metric.datatype != static_cast<uint32_t>(datatype)) return std::nullopt;
  Value value = ToValue(metric.value, datatype);
  if (T* typed = std::get_if<T>(&value)) return std::move(*typed);
  return std::nullopt;
}

// Reads a payload twice: once for what the node says of itself and to see that it conforms, then,
// where the node is ours, for its series.
class BirthReader {
 public:
  explicit BirthReader(std::string_view payload) : payload_(payload) {}

  Result<Birth> Read() {
    if (Status status = ReadPayload(); !status) return status.error();
    if (Status status = CheckNode(); !status) return status.error();
    if (birth_.spool_id == 0) {
      Birth foreign;
      foreign.timestamp_ms = birth_.timestamp_ms;
      foreign.seq = birth_.seq;
      foreign.bd_seq = birth_.bd_seq;
      return foreign;
    }
    if (Status status = CheckOurs(); !status) return status.error();
    birth_.series.reserve(series_);
    wire::PayloadMessage message{payload_.data(), payload_.size()};
    while (message.next(wire::Payload::kMetrics, pbf_wire_type::length_delimited)) {
      const wire::MetricView metric = wire::ReadMetric(wire::View(message.get_view()));
      if (!IsSeries(metric)) continue;
      auto series = ReadSeries(metric, birth_.groups);
      if (!series) return series.error();
      birth_.series.push_back(*std::move(series));
    }
    return std::move(birth_);
  }

 private:
  static bool IsSeries(const wire::MetricView& metric) {
    return metric.has_alias && metric.alias >= kFirstSeriesAlias;
  }

  Status ReadPayload() {
    if (Status status = CountMetrics(); !status) return status;
    wire::PayloadMessage message{payload_.data(), payload_.size()};
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(wire::Payload::kMetrics, pbf_wire_type::length_delimited): {
          const wire::MetricView metric = wire::ReadMetric(wire::View(message.get_view()));
          if (Status status = CheckMetric(metric); !status) return status;
          if (Status status = ReadNodeMetric(metric); !status) return status;
          break;
        }
        case tag_and_type(wire::Payload::kTimestamp, pbf_wire_type::varint):
          has_timestamp_ = wire::ReadTime(message.get_uint64(), birth_.timestamp_ms);
          break;
        case tag_and_type(wire::Payload::kSeq, pbf_wire_type::varint):
          birth_.seq = message.get_uint64();
          has_seq_ = true;
          break;
        default:
          message.skip();
      }
    }
    return {};
  }

  Status CountMetrics() {
    size_t count = 0;
    wire::PayloadMessage message{payload_.data(), payload_.size()};
    while (message.next(wire::Payload::kMetrics, pbf_wire_type::length_delimited)) {
      message.skip();
      ++count;
    }
    if (count > kMaxMetrics) return Error{"birth: more metrics than a machine may have"};
    names_.reserve(count);
    aliases_.reserve(count);
    return {};
  }

  // What the standard asks of every metric of a birth.
  Status CheckMetric(const wire::MetricView& metric) {
    if (metric.name.empty()) return Error{"birth: a metric without name"};
    if (!IsUtf8(metric.name)) return AtMetric(metric.name, "its name is not UTF-8");
    if (metric.datatype == 0 || metric.datatype > kLastDatatype) {
      return AtMetric(metric.name, "no datatype, or one that the standard does not know");
    }
    int64_t time = 0;
    if (!metric.has_timestamp || !wire::ReadTime(metric.timestamp, time)) {
      return AtMetric(metric.name, "no possible timestamp");
    }
    if (!metric.has_value) return AtMetric(metric.name, "no value");
    names_.push_back(metric.name);
    if (metric.has_alias) aliases_.push_back(metric.alias);
    return {};
  }

  Status ReadNodeMetric(const wire::MetricView& metric) {
    if (IsSeries(metric)) {
      ++series_;
      return {};
    }
    const std::string_view name = metric.name;
    if (name == names::kBdSeq) return ReadBdSeq(metric);
    if (name == names::kRebirth) return ReadRebirth(metric);
    if (metric.has_alias) reserved_.push_back({metric.alias, name});
    if (name == names::kSpoolId) {
      const auto id = Take<uint64_t>(metric, DataType::kUInt64);
      if (!id || *id == 0) return AtMetric(name, "must be a UInt64 above 0");
      birth_.spool_id = *id;
      return {};
    }
    if (name.starts_with("Spool/")) return ReadSpool(metric);
    if (name.starts_with("Agent/")) return ReadAgent(metric);
    return {};
  }

  Status ReadBdSeq(const wire::MetricView& metric) {
    if (metric.has_alias) return AtMetric(metric.name, "must have no alias");
    const auto value = Take<int64_t>(metric, DataType::kInt64);
    if (!value || *value < 0 || *value > 255) {
      return AtMetric(metric.name, "must be an Int64 from 0 to 255");
    }
    birth_.bd_seq = static_cast<uint8_t>(*value);
    has_bd_seq_ = true;
    return {};
  }

  Status ReadRebirth(const wire::MetricView& metric) {
    if (metric.has_alias) return AtMetric(metric.name, "must have no alias");
    const auto value = Take<bool>(metric, DataType::kBoolean);
    if (!value || *value) return AtMetric(metric.name, "must be a Boolean, false");
    has_rebirth_ = true;
    return {};
  }

  // Faults of a foreign node's "Spool/…" are found too: such names are ours to define.
  Status ReadSpool(const wire::MetricView& metric) {
    const std::string_view name = metric.name;
    if (name == names::kSpoolGroups) return ReadGroups(metric);
    for (const std::string_view prefix :
         {names::kSpoolFirst, names::kSpoolNext, names::kSpoolReason, names::kSpoolEnded}) {
      if (!name.starts_with(prefix)) continue;
      uint64_t id = 0;
      if (!names::ParseSpoolHex(name.substr(prefix.size()), id)) {
        return AtMetric(name, "does not end in a spool id of 16 hex digits");
      }
      HeldSpool* held = Held(id);
      if (held == nullptr) return AtMetric(name, "more than 1024 spool ids");
      if (prefix == names::kSpoolReason) return TakeText(metric, held->reason);
      const auto number = Take<uint64_t>(metric, DataType::kUInt64);
      if (!number || *number == 0) return AtMetric(name, "must be a UInt64 above 0");
      if (prefix == names::kSpoolEnded) {
        if (wire::ReadTime(*number, held->ended_ms)) return {};
        return AtMetric(name, "no possible time");
      }
      (prefix == names::kSpoolFirst ? held->first : held->next) = *number;
    }
    return {};
  }

  // The entry of a spool id, made on first sight with first and next 0; null beyond the bound.
  HeldSpool* Held(uint64_t id) {
    std::vector<HeldSpool>& held = birth_.held;
    const auto found = std::find_if(held.rbegin(), held.rend(),
                                    [id](const HeldSpool& spool) { return spool.spool_id == id; });
    if (found != held.rend()) return &*found;
    if (held.size() == kMaxHeldSpools) return nullptr;
    return &held.emplace_back(HeldSpool{id, 0, 0, {}, 0});
  }

  Status ReadGroups(const wire::MetricView& metric) {
    auto text = Take<std::string>(metric, DataType::kString);
    if (!text || text->size() > kMaxGroups * (kMaxTextBytes + 1)) {
      return AtMetric(metric.name, "must be a String of at most 64 names");
    }
    birth_.groups.clear();
    std::string_view rest = *text;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      const std::string_view group = rest.substr(0, comma);
      if (group.empty() || group.size() > kMaxTextBytes || birth_.groups.size() == kMaxGroups) {
        return AtMetric(metric.name, "an empty or overlong name, or more than 64");
      }
      birth_.groups.emplace_back(group);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return {};
  }

  Status ReadAgent(const wire::MetricView& metric) {
    const std::string_view name = metric.name;
    if (name == names::kAgentVersion) return TakeText(metric, birth_.agent_version);
    if (name == names::kAgentOs) return TakeText(metric, birth_.os);
    if (name == names::kAgentClass) return TakeText(metric, birth_.machine_class);
    if (name == names::kAgentSite) return TakeText(metric, birth_.site);
    if (name == names::kAgentBoot || name == names::kAgentUptime) return ReadBoot(metric);
    if (name != names::kAgentInterval) return {};
    const auto interval = Take<int64_t>(metric, DataType::kInt64);
    if (!interval || *interval < 1 || *interval > kMaxIntervalMs) {
      return AtMetric(name, "must be an Int64 from 1 ms to a day");
    }
    birth_.interval_ms = *interval;
    return {};
  }

  Status ReadBoot(const wire::MetricView& metric) {
    if (metric.name == names::kAgentBoot) {
      const auto boot = Take<uint64_t>(metric, DataType::kUInt64);
      if (!boot) return AtMetric(metric.name, "must be a UInt64");
      birth_.boot_id = *boot;
      return {};
    }
    const auto uptime = Take<int64_t>(metric, DataType::kInt64);
    if (!uptime || *uptime < 0) return AtMetric(metric.name, "must be an Int64 of 0 or more");
    birth_.since_boot_ms = *uptime;
    return {};
  }

  Status TakeText(const wire::MetricView& metric, std::string& out) {
    auto text = Take<std::string>(metric, DataType::kString);
    if (!text || text->size() > kMaxTextBytes) {
      return AtMetric(metric.name, "must be a String of at most 256 bytes, UTF-8");
    }
    out = std::move(*text);
    return {};
  }

  Status CheckNode() {
    if (!has_timestamp_) return Error{"birth: no possible timestamp"};
    if (!has_seq_ || birth_.seq > 255) return Error{"birth: no seq from 0 to 255"};
    if (!has_bd_seq_) return Error{"birth: no bdSeq"};
    if (!has_rebirth_) return Error{"birth: no Node Control/Rebirth"};
    if (HasDuplicates(names_)) return Error{"birth: two metrics have the same name"};
    if (HasDuplicates(aliases_)) return Error{"birth: two metrics have the same alias"};
    return {};
  }

  Status CheckOurs() {
    if (series_ > kMaxSeries) return Error{"birth: more than 20000 series"};
    for (const auto& [alias, name] : reserved_) {
      for (const auto& [known_alias, known_name] : kReservedNames) {
        if ((alias == known_alias) != (name == known_name)) {
          return AtMetric(name, "has another alias than docs/wire-format.md gives it");
        }
      }
    }
    bool holds_current = false;
    for (const HeldSpool& held : birth_.held) {
      if (held.first == 0 || held.next == 0 || held.first > held.next) {
        return Error{"birth: spool " + names::SpoolHex(held.spool_id) +
                     ": needs First and Next, First not above Next"};
      }
      const bool current = held.spool_id == birth_.spool_id;
      if (held.ended_ms != 0 && (current || held.first != held.next)) {
        return Error{"birth: spool " + names::SpoolHex(held.spool_id) +
                     ": has Ended, and is current or holds something"};
      }
      holds_current = holds_current || current;
    }
    if (!holds_current) return Error{"birth: no Spool/First and Spool/Next of Spool/Id"};
    std::vector<std::string_view> groups(birth_.groups.begin(), birth_.groups.end());
    if (HasDuplicates(groups)) return Error{"birth: two groups have the same name"};
    return {};
  }

  std::string_view payload_;
  Birth birth_;
  std::vector<std::string_view> names_;
  std::vector<uint64_t> aliases_;
  std::vector<std::pair<uint64_t, std::string_view>> reserved_;  // alias and name, below 32
  size_t series_ = 0;
  bool has_timestamp_ = false;
  bool has_seq_ = false;
  bool has_bd_seq_ = false;
  bool has_rebirth_ = false;
};

}  // namespace

Result<Birth> DecodeBirth(std::string_view payload) try {
  if (payload.size() > kMaxPayload) return Error{"birth: larger than 8 MiB"};
  return BirthReader{payload}.Read();
} catch (const protozero::exception& fault) {
  return Error{std::string("birth: ") + fault.what()};
}

Result<uint8_t> DecodeDeath(std::string_view payload) try {
  if (payload.size() > kMaxPayload) return Error{"death: larger than 8 MiB"};
  wire::PayloadMessage message{payload.data(), payload.size()};
  while (message.next(wire::Payload::kMetrics, pbf_wire_type::length_delimited)) {
    const wire::MetricView metric = wire::ReadMetric(wire::View(message.get_view()));
    if (metric.name != names::kBdSeq) continue;
    const auto value = Take<int64_t>(metric, DataType::kInt64);
    if (value && *value >= 0 && *value <= 255) return static_cast<uint8_t>(*value);
    return Error{"death: bdSeq must be an Int64 from 0 to 255"};
  }
  return Error{"death: no bdSeq"};
} catch (const protozero::exception& fault) {
  return Error{std::string("death: ") + fault.what()};
}

}  // namespace haidang::sparkplug
