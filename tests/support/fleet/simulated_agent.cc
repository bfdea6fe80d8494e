#include "tests/support/fleet/simulated_agent.h"

#include <algorithm>

#include "core/sparkplug/topic.h"

namespace haidang::fleet {
namespace {

using sparkplug::MessageType;

constexpr int64_t kFirstPatienceMs = 30'000;
constexpr int64_t kLastPatienceMs = 480'000;
constexpr int64_t kScanEveryMs = 1000;

// SplitMix64: well mixed bits from a counter.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

std::string TopicOf(MessageType type, const std::string& group, const std::string& node) {
  return sparkplug::ToString(sparkplug::Topic{type, group, node});
}

}  // namespace

SimulatedAgent::SimulatedAgent(const std::string& group, const std::string& node, uint64_t seed,
                               size_t series, int64_t interval_ms, Counters& counters)
    : counters_(counters),
      data_topic_(TopicOf(MessageType::kNData, group, node)),
      birth_topic_(TopicOf(MessageType::kNBirth, group, node)),
      death_topic_(TopicOf(MessageType::kNDeath, group, node)),
      command_topic_(TopicOf(MessageType::kNCmd, group, node)),
      seed_(seed),
      interval_ms_(interval_ms),
      series_(MakeSeries(series)) {
  batch_.header.spool_id = Mix(seed) | 1;
  batch_.header.boot_id = Mix(seed + 1);
  batch_.header.groups = 15;
  batch_.header.full = true;
  batch_.samples.reserve(series_.size());
  for (const auto& one : series_) batch_.samples.emplace_back(one.alias, Null{});
}

std::string SimulatedAgent::NextWill(int64_t now_ms) {
  ++bd_seq_;
  return Death(now_ms);
}

std::string SimulatedAgent::Death(int64_t now_ms) const {
  return sparkplug::EncodeDeath(bd_seq_, now_ms);
}

std::string SimulatedAgent::Birth(int64_t now_ms) {
  sparkplug::Birth birth;
  birth.timestamp_ms = now_ms;
  birth.bd_seq = bd_seq_;
  birth.spool_id = batch_.header.spool_id;
  birth.held = {{birth.spool_id, first_waiting_, first_waiting_ + waiting_.size(), ""}};
  birth.groups = {"cpu", "loadavg", "memory", "network"};
  birth.agent_version = HAIDANG_VERSION;
  birth.os = "linux";
  birth.machine_class = "server";
  birth.interval_ms = interval_ms_;
  birth.series = series_;
  seq_ = 0;
  answered_ = false;
  ++counters_.births;
  return sparkplug::EncodeBirth(birth);
}

// Gauges move freely with two decimals, counters grow.
std::string SimulatedAgent::Encode(uint64_t number, int64_t wall_ms) {
  batch_.header.number = number;
  batch_.header.wall_ms = wall_ms;
  batch_.header.since_boot_ms = std::max<int64_t>(1, wall_ms - kBootedMs);
  for (size_t i = 0; i < series_.size(); ++i) {
    const uint64_t bits = Mix(seed_ * 1'000'003 + number * 4099 + i);
    Value& value = batch_.samples[i].second;
    if (series_[i].datatype == DataType::kUInt64) {
      value = number * 1'000'000 + bits % 1'000'000;
    } else if (series_[i].type == MetricType::kCounter) {
      value = static_cast<double>(number * 1500 + bits % 1500) / 100;
    } else {
      value = static_cast<double>(bits % 100'000) / 100;
    }
  }
  return sparkplug::EncodeBatch(batch_);
}

std::string SimulatedAgent::NextBatch(int64_t now_ms, int64_t now_mono_ms) {
  last_wall_ms_ = std::max(now_ms, last_wall_ms_ + 1);
  const uint64_t number = first_waiting_ + waiting_.size();
  waiting_.push_back(
      {last_wall_ms_, now_mono_ms, now_mono_ms + kFirstPatienceMs, kFirstPatienceMs, false});
  ++unsettled_;
  ++counters_.sent_batches;
  counters_.sent_values += series_.size();
  return sparkplug::SealBatch(Encode(number, last_wall_ms_), ++seq_, false);
}

std::string SimulatedAgent::NextResend(int64_t now_mono_ms) {
  if (!answered_ || now_mono_ms < next_scan_ms_) return {};
  for (size_t i = 0; i < waiting_.size(); ++i) {
    Waiting& batch = waiting_[i];
    if (batch.settled || batch.resend_at_ms > now_mono_ms) continue;
    batch.patience_ms = std::min(batch.patience_ms * 2, kLastPatienceMs);
    batch.resend_at_ms = now_mono_ms + batch.patience_ms;
    ++counters_.resent_batches;
    return sparkplug::SealBatch(Encode(first_waiting_ + i, batch.wall_ms), ++seq_, true);
  }
  next_scan_ms_ = now_mono_ms + kScanEveryMs;
  return {};
}

void SimulatedAgent::ConnectionLost() {
  answered_ = false;
  next_scan_ms_ = 0;
  for (Waiting& batch : waiting_) {
    batch.resend_at_ms = 0;
    batch.patience_ms = kFirstPatienceMs;
  }
}

bool SimulatedAgent::Take(std::string_view bytes) {
  const auto command = sparkplug::DecodeCommand(bytes);
  if (!command) {
    ++counters_.faults;
    return false;
  }
  if (command->committed && command->committed->spool_id == batch_.header.spool_id) {
    Settle(*command->committed);
    answered_ = true;
  }
  if (command->rebirth) ++counters_.rebirth_requests;
  return command->rebirth;
}

void SimulatedAgent::Settle(const sparkplug::Committed& committed) {
  const uint64_t next = first_waiting_ + waiting_.size();
  const uint64_t highest =
      committed.ranges.empty() ? committed.cumulative : committed.ranges.back().last;
  if (highest >= next) {
    ++counters_.faults;
    return;
  }
  for (uint64_t number = first_waiting_; number <= committed.cumulative; ++number) {
    SettleOne(number);
  }
  for (const sparkplug::NumberRange& range : committed.ranges) {
    for (uint64_t number = std::max(range.first, first_waiting_); number <= range.last; ++number) {
      SettleOne(number);
    }
  }
  while (!waiting_.empty() && waiting_.front().settled) {
    waiting_.pop_front();
    ++first_waiting_;
  }
}

void SimulatedAgent::SettleOne(uint64_t number) {
  Waiting& batch = waiting_[number - first_waiting_];
  if (batch.settled) return;
  batch.settled = true;
  --unsettled_;
  ++counters_.settled_batches;
  counters_.settled_values += series_.size();
}

}  // namespace haidang::fleet
