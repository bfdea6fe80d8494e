// What taking in costs without a broker: `haidang-ingest-cost DIRECTORY AGENTS SERIES TICKS` hands
// the collector what so many agents send, as fast as it takes it, its store in DIRECTORY, and
// prints a JSON object once all is committed and acknowledged. The messages were made before, and
// lie in a file: neither their making nor their memory is in the figures.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collector/collector.h"
#include "core/log.h"
#include "tests/support/fleet/simulated_agent.h"

namespace {

using namespace haidang;
using namespace std::chrono_literals;

constexpr size_t kMessagesAtOnce = 64;
constexpr auto kPatience = 300s;
constexpr const char* kGroup = "bench";

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "haidang-ingest-cost: %s\n", why.c_str());
  std::exit(1);
}

// Memory of its own that a process has now, bytes: what it mapped of files is not in it.
int64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::atoll(line.c_str() + 8) * 1024;
  }
  Die("/proc/self/status has no RssAnon");
}

double CpuSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// What the agents will send, in order, in a file.
class Messages {
 public:
  Messages(const std::string& directory, size_t agents, size_t series, size_t ticks)
      : path_(directory + "/messages"), file_(std::fopen(path_.c_str(), "wb")) {
    if (file_ == nullptr) Die(path_ + ": cannot be written");
    for (size_t i = 0; i < agents; ++i) {
      agents_.push_back(std::make_unique<fleet::SimulatedAgent>(kGroup, "may-" + std::to_string(i),
                                                                i + 1, series, 15000, counters));
    }
    const int64_t now_ms = SystemClock().WallMs();
    for (const auto& agent : agents_) {
      by_topic_[agent->command_topic()] = agent.get();
      agent->NextWill(now_ms);
      Append(agent->birth_topic(), agent->Birth(now_ms));
    }
    births_ = index_.size();
    for (size_t tick = 0; tick < ticks; ++tick) {
      for (const auto& agent : agents_) {
        Append(agent->data_topic(), agent->NextBatch(now_ms + static_cast<int64_t>(tick), 0));
      }
    }
    if (std::fclose(file_) != 0) Die(path_ + ": cannot be written");
    const int file = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    map_ = static_cast<const char*>(mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0));
    close(file);
    if (map_ == MAP_FAILED) Die(path_ + ": cannot be mapped");
  }

  size_t size() const { return index_.size(); }
  size_t births() const { return births_; }
  MqttMessage At(size_t i) const {
    return {*index_[i].topic, std::string(map_ + index_[i].at, index_[i].size)};
  }
  void Answer(const MqttMessage& command) {
    const auto agent = by_topic_.find(command.topic);
    if (agent != by_topic_.end() && agent->second->Take(command.payload)) Die("a rebirth is asked");
  }

  fleet::Counters counters;

 private:
  struct Place {
    const std::string* topic = nullptr;
    size_t at = 0;
    size_t size = 0;
  };
  void Append(const std::string& topic, const std::string& payload) {
    if (std::fwrite(payload.data(), 1, payload.size(), file_) != payload.size()) {
      Die(path_ + ": cannot be written");
    }
    index_.push_back({&topic, size_, payload.size()});
    size_ += payload.size();
  }

  std::string path_;
  std::FILE* file_;
  std::vector<std::unique_ptr<fleet::SimulatedAgent>> agents_;
  std::unordered_map<std::string, fleet::SimulatedAgent*> by_topic_;
  std::vector<Place> index_;
  size_t births_ = 0;
  size_t size_ = 0;
  const char* map_ = nullptr;
};

struct Figures {
  double seconds = 0;  // from the first batch to the last acknowledgement
  double cpu_seconds = 0;
  int64_t idle_bytes = 0;    // memory before the collector opens
  int64_t births_bytes = 0;  // more than that, once all series are known and have a value
  int64_t peak_bytes = 0;    // the most at any time
};

// A session with a broker that has all messages, and delivers as fast as they are taken.
class Source final : public MqttSession {
 public:
  Source(Loop& loop, MqttHandlers handlers, Messages& messages, Figures& figures)
      : loop_(loop), handlers_(std::move(handlers)), messages_(messages), figures_(figures) {}

  void Start() override {
    loop_.Post([this] {
      connected_ = true;
      handlers_.connected();
      Deliver();
    });
    patience_ = loop_.After(kPatience, [] { Die("not all was acknowledged"); });
  }
  bool connected() const override { return connected_; }
  bool Publish(MqttMessage message) override {
    messages_.Answer(message);
    const fleet::Counters& counters = messages_.counters;
    if (counters.settled_batches == counters.sent_batches) Finish();
    return true;
  }
  size_t outgoing_bytes() const override { return 0; }
  void Stop(std::vector<MqttMessage>, std::chrono::milliseconds,
            std::function<void()> done) override {
    done();
  }
  void Reconnect() override {}

 private:
  void Deliver() {
    if (next_ == messages_.births()) {
      begin_ns_ = clock_.MonotonicNs();
      begin_cpu_ = CpuSeconds();
    }
    std::vector<MqttMessage> some;
    const size_t end = next_ < messages_.births() ? messages_.births() : messages_.size();
    while (next_ < end && some.size() < kMessagesAtOnce) some.push_back(messages_.At(next_++));
    const int64_t anonymous = AnonymousAbove();
    figures_.peak_bytes = std::max(figures_.peak_bytes, anonymous);
    if (next_ >= 2 * messages_.births() && figures_.births_bytes == 0) {
      figures_.births_bytes = anonymous;
    }
    handlers_.received(std::move(some));
    if (next_ < messages_.size()) loop_.Post([this] { Deliver(); });
  }
  int64_t AnonymousAbove() const {
    // Reading it is slow: once in a while.
    static size_t calls = 0;
    if (++calls % 64 != 0) return 0;
    return AnonymousBytes() - figures_.idle_bytes;
  }
  void Finish() {
    figures_.seconds = static_cast<double>(clock_.MonotonicNs() - begin_ns_) / 1e9;
    figures_.cpu_seconds = CpuSeconds() - begin_cpu_;
    patience_.reset();
    loop_.Stop();
  }

  Loop& loop_;
  const MqttHandlers handlers_;
  Messages& messages_;
  Figures& figures_;
  const SystemClock clock_;
  std::unique_ptr<Timer> patience_;
  bool connected_ = false;
  size_t next_ = 0;
  int64_t begin_ns_ = 0;
  double begin_cpu_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) Die("usage: haidang-ingest-cost DIRECTORY AGENTS SERIES TICKS");
  SetUpLog("haidang-ingest-cost", "error");
  const std::string directory = argv[1];
  const auto number = [&](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const size_t agents = number(2), series = number(3), ticks = number(4);
  if (agents == 0 || series == 0 || ticks < 2) Die("at least 1 agent, 1 series, 2 ticks");
  Messages messages(directory, agents, series, ticks);
  Figures figures;
  figures.idle_bytes = AnonymousBytes();
  const SystemClock clock;
  const auto loop = MakeLoop();
  collector::Options options;
  options.group = kGroup;
  options.directory = directory + "/collector";
  std::filesystem::create_directories(options.directory);
  auto opened = collector::Collector::Open(
      options, *loop, clock, [] { return uint64_t{7}; },
      [&](std::vector<MqttSubscription>, MqttHandlers handlers) {
        return Result<std::unique_ptr<MqttSession>>(
            std::make_unique<Source>(*loop, std::move(handlers), messages, figures));
      });
  if (!opened) Die(opened.error().message);
  (*opened)->Start();
  loop->Run();
  const auto stored = (*opened)->metrics().values.Value();
  const auto& counters = messages.counters;
  if (static_cast<uint64_t>(stored) != counters.sent_values || counters.faults > 0) {
    Die("not all that was sent is stored");
  }
  const auto values = static_cast<double>(counters.sent_values);
  const auto all_series = static_cast<double>(agents * series);
  std::printf(
      "{\"values\": %.0f, \"values_per_second\": %.0f, \"values_per_cpu_second\": %.0f,"
      " \"memory_bytes_per_series\": %.1f, \"peak_memory_bytes\": %lld}\n",
      values, values / figures.seconds, values / figures.cpu_seconds,
      static_cast<double>(figures.births_bytes) / all_series,
      static_cast<long long>(figures.peak_bytes));
}
