#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>

#include "core/sparkplug/batch.h"
#include "core/sparkplug/birth.h"
#include "core/sparkplug/command.h"

// Random but valid messages of ours, from a seed that a failing test prints.
namespace haidang::sparkplug::testing {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  // Uniform in [0, below).
  uint64_t Below(uint64_t below) { return random_() % below; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  // Small numbers and huge ones alike.
  uint64_t Magnitude() { return random_() >> Below(64); }

  // Vietnamese, spaces, slashes, underscores, characters beyond the basic plane.
  std::string Text(size_t max_characters) {
    static constexpr const char* kCharacters[] = {"a", "Z", "0", "_", "-",  "/",  " ",
                                                  "ả", "Đ", "ộ", "%", "\"", "\\", "🏮"};
    std::string out;
    for (uint64_t n = Below(max_characters + 1); n > 0; --n) {
      out += kCharacters[Below(std::size(kCharacters))];
    }
    return out;
  }

  std::string Blob(size_t max_bytes) {
    std::string out(Below(max_bytes + 1), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  DataType Type() {
    static constexpr DataType kTypes[] = {DataType::kInt64,   DataType::kUInt64, DataType::kDouble,
                                          DataType::kBoolean, DataType::kString, DataType::kBytes};
    return kTypes[Below(std::size(kTypes))];
  }

  Value ValueOf(DataType type) {
    if (OneIn(8)) return Null{};
    switch (type) {
      case DataType::kInt64:
        return static_cast<int64_t>(OneIn(2) ? Magnitude() : ~Magnitude());
      case DataType::kUInt64:
        return Magnitude();
      case DataType::kDouble:
        return static_cast<double>(static_cast<int64_t>(random_())) / 1024.0;
      case DataType::kBoolean:
        return OneIn(2);
      case DataType::kString:
        return Text(20);
      case DataType::kBytes:
        return Bytes{Blob(40)};
    }
    return Null{};
  }

  SeriesId Series(uint64_t unique) {
    SeriesId out;
    out.metric = "node_test_" + std::to_string(unique);
    for (uint64_t n = Below(4); n > 0; --n) {
      out.labels["label_" + std::to_string(Below(1000))] = Text(12);
    }
    return out;
  }

  // `types` is filled with the datatype of each sample.
  Batch MakeBatch(size_t max_samples, std::vector<DataType>* types = nullptr) {
    Batch out;
    BatchHeader& header = out.header;
    header.spool_id = random_() | 1;
    header.number = Magnitude() | 1;
    header.boot_id = random_();
    header.since_boot_ms = static_cast<int64_t>(Magnitude() >> 1);
    header.wall_ms = 1'700'000'000'000 + static_cast<int64_t>(Below(100'000'000'000));
    header.groups = Magnitude();
    header.full = OneIn(2);
    header.state = static_cast<AgentState>(Below(3));
    uint64_t alias = kFirstSeriesAlias;
    for (uint64_t n = Below(max_samples + 1); n > 0; --n) {
      alias += 1 + Below(40);
      const DataType type = Type();
      if (types != nullptr) types->push_back(type);
      out.samples.emplace_back(alias, ValueOf(type));
    }
    for (uint64_t n = OneIn(3) ? Below(4) : 0; n > 0; --n) {
      out.events.push_back(
          Event{static_cast<int64_t>(Magnitude() >> 2), "probe_failed", Text(20), Text(60)});
    }
    return out;
  }

  Birth MakeBirth(size_t max_series) {
    Birth out;
    out.timestamp_ms = 1'700'000'000'000 + static_cast<int64_t>(Below(100'000'000'000));
    out.bd_seq = static_cast<uint8_t>(Below(256));
    out.seq = Below(256);
    out.spool_id = random_() | 1;
    const uint64_t next = 1 + (Magnitude() >> 1);
    out.held.push_back({out.spool_id, 1 + Below(next), next, ""});
    for (uint64_t n = Below(4); n > 0; --n) {
      const uint64_t old_next = 1 + (Magnitude() >> 1);
      out.held.push_back({random_() | 1, 1 + Below(old_next), old_next, OneIn(2) ? "full" : ""});
    }
    for (uint64_t n = 1 + Below(5), i = 0; i < n; ++i) {
      out.groups.push_back("group_" + std::to_string(i));
    }
    out.agent_version = "0.1.0";
    out.os = OneIn(2) ? "linux" : "windows";
    out.machine_class = OneIn(2) ? "server" : "workstation";
    out.site = OneIn(4) ? "" : "06652";
    out.interval_ms = static_cast<int64_t>(1 + Below(600'000));
    uint64_t alias = kFirstSeriesAlias;
    for (uint64_t n = Below(max_series + 1), i = 0; i < n; ++i) {
      BirthSeries series;
      series.series = Series(i);
      series.alias = alias;
      series.datatype = Type();
      series.type = static_cast<MetricType>(Below(3));
      series.unit = OneIn(2) ? "seconds" : "";
      series.group = static_cast<uint32_t>(Below(out.groups.size()));
      series.value = ValueOf(series.datatype);
      out.series.push_back(std::move(series));
      alias += 1 + Below(100);
    }
    return out;
  }

  Committed MakeCommitted() {
    Committed out;
    out.store_id = random_();
    out.spool_id = random_() | 1;
    out.cumulative = Magnitude() >> 2;
    uint64_t end = out.cumulative;
    for (uint64_t n = Below(kMaxCommittedRanges + 1); n > 0; --n) {
      const uint64_t first = end + 2 + (Magnitude() >> 32);
      end = first + (Magnitude() >> 40);
      out.ranges.push_back({first, end});
    }
    out.newest = Magnitude();
    out.received_ms = out.newest == 0 ? 0 : static_cast<int64_t>(Magnitude() >> 2);
    out.sent_ms = static_cast<int64_t>(Magnitude() >> 2);
    return out;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace haidang::sparkplug::testing
