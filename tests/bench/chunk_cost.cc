// What the chunks of real series take, and how fast one core writes and reads them:
// `haidang-chunk-cost FILE TICKS` prints a JSON object. FILE: "m" begins a machine, "t" and its
// tick times in ms follow, then a line "v" for each series with a value a tick, "-" where there is
// none. TICKS: at most so many in a chunk.

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "collector/store/chunk/ticks.h"
#include "collector/store/chunk/values.h"
#include "tests/bench/gorilla.h"

namespace {

using namespace haidang::store;

constexpr int kRuns = 7;
constexpr size_t kValuesARun = 2'000'000;  // at least so many

struct Input {
  std::vector<double> values;
  std::vector<Presence> presence;
};

struct Set {
  std::vector<std::vector<int64_t>> times;  // a chunk each
  std::vector<Input> chunks;                // one series each
  size_t samples = 0;
  uint64_t gorilla_bits = 0;
};

template <typename Value>
std::vector<Value> Slice(const std::vector<Value>& all, size_t from, size_t size) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(std::min(from, all.size()));
  const size_t left = static_cast<size_t>(all.end() - begin);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(size, left))};
}

void AddSeries(std::istringstream& line, const std::vector<int64_t>& times, size_t ticks,
               Set& set) {
  Input series;
  std::vector<double> present;
  std::vector<int64_t> present_times;
  std::string word;
  while (line >> word) {
    const bool has = word != "-";
    series.values.push_back(has ? std::strtod(word.c_str(), nullptr) : 0);
    series.presence.push_back(has ? Presence::kValue : Presence::kUnknown);
    if (!has) continue;
    present.push_back(series.values.back());
    present_times.push_back(times.at(series.values.size() - 1));
  }
  if (series.values.size() != times.size() || present.empty()) return;
  set.samples += present.size();
  set.gorilla_bits += haidang::bench::GorillaTimeBits(present_times);
  set.gorilla_bits += haidang::bench::GorillaValueBits(present);
  for (size_t at = 0; at < times.size(); at += ticks) {
    set.chunks.push_back({Slice(series.values, at, ticks), Slice(series.presence, at, ticks)});
  }
}

Set ReadSet(const char* path, size_t ticks) {
  std::ifstream file(path);
  std::string text;
  std::vector<int64_t> times;
  Set set;
  while (std::getline(file, text)) {
    std::istringstream line(text);
    std::string kind;
    line >> kind;
    if (kind == "t") {
      times.clear();
      for (int64_t time = 0; line >> time;) times.push_back(time);
      for (size_t at = 0; at < times.size(); at += ticks) {
        set.times.push_back(Slice(times, at, ticks));
      }
    } else if (kind == "v") {
      AddSeries(line, times, ticks, set);
    }
  }
  return set;
}

// Processor seconds of one call, the median of several.
template <typename Action>
double Seconds(Action&& action) {
  std::vector<double> seconds;
  for (int run = 0; run < kRuns; ++run) {
    const std::clock_t begin = std::clock();
    action();
    seconds.push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
  return seconds[kRuns / 2];
}

bool SameValue(const Input& input, const ValueColumn& column) {
  for (size_t i = 0; i < input.values.size(); ++i) {
    const bool has = column.presence.empty() || column.presence[i] == Presence::kValue;
    if (has != (input.presence[i] == Presence::kValue)) return false;
    if (has &&
        std::bit_cast<uint64_t>(column.values[i]) != std::bit_cast<uint64_t>(input.values[i])) {
      return false;
    }
  }
  return column.values.size() == input.values.size();
}

int Measure(const Set& set, size_t ticks) {
  std::vector<std::string> chunks(set.chunks.size());
  const size_t repeats = 1 + kValuesARun / set.samples;
  const double encoding = Seconds([&] {
    for (size_t i = 0; i < chunks.size() * repeats; ++i) {
      const Input& input = set.chunks[i % chunks.size()];
      chunks[i % chunks.size()] = EncodeValues(input.values, input.presence);
    }
  });
  ValueColumn column;
  bool right = true;
  const double decoding = Seconds([&] {
    for (size_t i = 0; i < chunks.size() * repeats; ++i) {
      right &= DecodeValues(chunks[i % chunks.size()], ticks, column).ok();
    }
  });
  size_t bytes = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    right &= DecodeValues(chunks[i], ticks, column).ok() && SameValue(set.chunks[i], column);
    bytes += chunks[i].size();
  }
  size_t tick_bytes = 0;
  std::vector<int64_t> times_ms;
  for (const auto& times : set.times) {
    const std::string chunk = EncodeTicks(times);
    right &= DecodeTicks(chunk, ticks, times_ms).ok() && times_ms == times;
    tick_bytes += chunk.size();
  }
  if (!right) {
    std::fputs("haidang-chunk-cost: what was read is not what was written\n", stderr);
    return 1;
  }
  const auto samples = static_cast<double>(set.samples * repeats);
  std::printf(
      "{\"samples\":%zu,\"value_bytes\":%zu,\"tick_bytes\":%zu,\"gorilla_bytes\":%llu,"
      "\"encoded_per_second\":%.0f,\"decoded_per_second\":%.0f}\n",
      set.samples, bytes, tick_bytes, static_cast<unsigned long long>(set.gorilla_bits / 8),
      samples / encoding, samples / decoding);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const long ticks = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  if (ticks <= 0) {
    std::fputs("usage: haidang-chunk-cost FILE TICKS\n", stderr);
    return 2;
  }
  const Set set = ReadSet(argv[1], static_cast<size_t>(ticks));
  if (set.samples == 0) {
    std::fprintf(stderr, "haidang-chunk-cost: %s: no series in it\n", argv[1]);
    return 1;
  }
  return Measure(set, static_cast<size_t>(ticks));
}
