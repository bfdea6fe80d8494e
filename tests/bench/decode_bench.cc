// The codec alone on one core: values a second decoded from NDATA, CRC checked.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "core/sparkplug/batch.h"

namespace {

using haidang::sparkplug::Batch;
using haidang::sparkplug::BatchDecoder;

constexpr size_t kSeries = 60;
constexpr size_t kMessages = 1024;  // machines; together more than a first-level cache holds
constexpr int kRuns = 9;
constexpr auto kRunTime = std::chrono::milliseconds(400);

// What an agent sends when everything changed: two thirds Doubles, the rest counters of bytes and
// packets, one text.
std::string MakeMessage(std::mt19937_64& random, uint64_t machine) {
  std::uniform_real_distribution<double> ratio(0, 1);
  Batch batch;
  batch.header.spool_id = random();
  batch.header.boot_id = random();
  batch.header.number = 1000 + machine;
  batch.header.wall_ms = 1'760'000'000'000 + static_cast<int64_t>(machine) * 15;
  batch.header.since_boot_ms = 86'400'000;
  batch.header.groups = 0xFF;
  for (size_t i = 0; i < kSeries; ++i) {
    const uint64_t alias = haidang::sparkplug::kFirstSeriesAlias + i * 3;
    if (i % 3 == 2) {
      batch.samples.emplace_back(alias, random() >> (24 + i % 20));
    } else {
      batch.samples.emplace_back(alias, ratio(random) * 1e6);
    }
  }
  return haidang::sparkplug::SealBatch(EncodeBatch(batch), static_cast<uint8_t>(machine), false);
}

// Values a second; 0 where a message does not decode.
double RunOnce(BatchDecoder& decoder, const std::vector<std::string>& messages) {
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + kRunTime;
  size_t values = 0;
  auto now = begin;
  while (now < end) {
    for (const std::string& message : messages) {
      const auto decoded = decoder.Decode(message);
      if (!decoded || decoded->batches.size() != 1 || !decoded->batches[0].crc_matches) return 0;
      values += decoded->batches[0].samples.size();
    }
    now = std::chrono::steady_clock::now();
  }
  return static_cast<double>(values) / std::chrono::duration<double>(now - begin).count();
}

}  // namespace

int main() {
  std::mt19937_64 random(1);
  std::vector<std::string> messages;
  messages.reserve(kMessages);
  for (uint64_t i = 0; i < kMessages; ++i) messages.push_back(MakeMessage(random, i));
  BatchDecoder decoder;
  std::vector<double> rates;
  rates.reserve(kRuns);
  for (int i = 0; i < kRuns; ++i) rates.push_back(RunOnce(decoder, messages));
  std::nth_element(rates.begin(), rates.begin() + kRuns / 2, rates.end());
  const double median = rates[kRuns / 2];
  if (median == 0) {
    std::fputs("decode: a message of the bench's own does not decode\n", stderr);
    return 1;
  }
  std::printf(
      "{\"bench\":\"decode\",\"metric\":\"values_per_second\",\"value\":%.0f,\"unit\":\"values/s\","
      "\"subject\":\"haidang\"}\n",
      median);
  return 0;
}
