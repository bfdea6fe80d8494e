// The agent's spool on a real file: what it takes and gives a second, and what it costs the disk.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "agent/spool.h"
#include "tests/support/durable_vfs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace haidang;
using namespace haidang::agent;

constexpr size_t kSeries = 60;
constexpr int kTicksADay = 24 * 240;
constexpr int kTicksAFullBatch = 40;

void Tell(const char* metric, double value, const char* unit) {
  std::printf(
      "{\"bench\":\"spool\",\"metric\":\"%s\",\"value\":%.4g,\"unit\":\"%s\","
      "\"subject\":\"haidang\"}\n",
      metric, value, unit);
}

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "spool_bench: %s\n", why.c_str());
  std::exit(1);
}

// What a quiet server reads: half of its series change at a tick, as counters and gauges do.
class Machine {
 public:
  sparkplug::Batch Tick(bool full) {
    sparkplug::Batch batch;
    batch.header.boot_id = 7;
    batch.header.full = full;
    batch.header.groups = 0x1FF;
    batch.header.since_boot_ms = ticks_ * 15000;
    batch.header.wall_ms = 1'767'573'000'000 + ticks_ * 15000;
    ++ticks_;
    for (size_t i = 0; i < kSeries; ++i) {
      counters_[i] += random_() % 5000;
      if (!full && i % 2 == 1) continue;
      const uint64_t alias = sparkplug::kFirstSeriesAlias + i;
      if (i % 4 == 0) {
        batch.samples.emplace_back(alias, std::round(static_cast<double>(counters_[i])) / 100);
      } else {
        batch.samples.emplace_back(alias, counters_[i]);
      }
    }
    return batch;
  }

 private:
  std::mt19937_64 random_{1};
  uint64_t counters_[kSeries] = {};
  int64_t ticks_ = 0;
};

class Bench {
 public:
  Bench() { Open(); }

  void Open() {
    spool_.reset();
    auto opened = Spool::Open({.path = dir_ / "spool.db"}, clock_, std::ref(random_));
    if (!opened) Fail(opened.error().message);
    spool_ = std::move(opened).value();
  }
  void Append(bool acknowledged) {
    clock_.Advance(std::chrono::seconds(15));
    const bool full = appended_++ % kTicksAFullBatch == 0 || spool_->wants_full();
    const auto stored = spool_->Append(machine_.Tick(full));
    if (!stored) Fail(stored.error().message);
    if (acknowledged) Settle();
  }
  void Settle() {
    sparkplug::Committed committed;
    committed.spool_id = spool_->id();
    committed.cumulative = spool_->next_number() - 1;
    if (const auto settled = spool_->Settle(committed); !settled) Fail(settled.error().message);
  }

  haidang::testing::TempDir dir_;
  haidang::testing::FakeClock clock_;
  std::mt19937_64 random_{2};
  Machine machine_;
  std::unique_ptr<Spool> spool_;
  int appended_ = 0;
};

// Three days with a collector that acknowledges each batch: the last of them counts.
void MeasureDisk() {
  const haidang::testing::DurableVfs vfs;
  Bench bench;
  for (int i = 0; i < 2 * kTicksADay; ++i) bench.Append(true);
  const uint64_t written = vfs.bytes_written(), syncs = vfs.syncs();
  for (int i = 0; i < kTicksADay; ++i) bench.Append(true);
  Tell("bytes_written_a_day", static_cast<double>(vfs.bytes_written() - written), "bytes");
  Tell("syncs_a_day", static_cast<double>(vfs.syncs() - syncs), "");
  Tell("file_bytes_with_48_h_kept",
       static_cast<double>(std::filesystem::file_size(bench.dir_ / "spool.db")), "bytes");
}

// A day that nobody acknowledges.
void MeasureBacklog() {
  Bench bench;
  for (int i = 0; i < kTicksADay; ++i) bench.Append(false);
  const double samples = static_cast<double>(kTicksADay) * kSeries;
  Tell("disk_bytes_per_sample", static_cast<double>(bench.spool_->held_bytes()) / samples, "bytes");
}

void MeasureSpeed() {
  Bench bench;
  constexpr int kBatches = 20000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kBatches; ++i) bench.Append(true);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  Tell("batches_per_second", kBatches / took.count(), "batches/s");
}

}  // namespace

int main() {
  MeasureSpeed();
  MeasureDisk();
  MeasureBacklog();
}
