#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <set>
#include <unordered_map>

#include "tests/agent/file_size_limit.h"
#include "tests/agent/spool_bench.h"
#include "tests/support/durable_vfs.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

uint64_t CrcOf(const std::string& encoded) {
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(encoded);
  REQUIRE(message.ok());
  REQUIRE(message->batches[0].crc_matches);
  return message->batches[0].header.crc;
}

// What was read at a tick, under whatever key: the value stands for it.
double ReadingOf(const std::string& encoded) {
  static std::unordered_map<std::string, double> known;
  if (const auto at = known.find(encoded); at != known.end()) return at->second;
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(encoded);
  REQUIRE(message.ok());
  const auto value = sparkplug::ToValue(message->batches[0].samples[0].value, DataType::kDouble);
  return known[encoded] = std::get<double>(value);
}

// A collector: what it stored, by key, and the numbers that it was told will never come.
struct Collector {
  std::map<Key, std::string> stored;
  std::set<Key> closed;

  bool Has(Key key) const { return stored.contains(key) || closed.contains(key); }
  void Take(const Key& key, const std::string& bytes) {
    if (closed.contains(key)) return;
    const auto [at, fresh] = stored.emplace(key, bytes);
    if (!fresh) REQUIRE(CrcOf(at->second) == CrcOf(bytes));  // else a roll-back was not met
  }
  void Born(const std::vector<sparkplug::HeldSpool>& held) {
    for (const auto& spool : held) {
      REQUIRE(spool.first >= 1);
      REQUIRE(spool.first <= spool.next);
      for (uint64_t number = 1; number < spool.first; ++number) {
        if (!stored.contains({spool.spool_id, number})) closed.emplace(spool.spool_id, number);
      }
    }
  }
  sparkplug::Committed Answer(uint64_t spool_id, uint64_t next, size_t skip, bool check) const {
    sparkplug::Committed committed = Named(spool_id, 0);
    while (Has({spool_id, committed.cumulative + 1})) ++committed.cumulative;
    std::vector<sparkplug::NumberRange> ranges;
    for (uint64_t number = committed.cumulative + 2; number < next; ++number) {
      if (!Has({spool_id, number})) continue;
      if (!ranges.empty() && ranges.back().last + 1 == number) {
        ranges.back().last = number;
      } else {
        ranges.push_back({number, number});
      }
    }
    if (ranges.size() > sparkplug::kMaxCommittedRanges) {
      skip %= ranges.size() - sparkplug::kMaxCommittedRanges + 1;
      committed.ranges.assign(ranges.begin() + static_cast<std::ptrdiff_t>(skip),
                              ranges.begin() + static_cast<std::ptrdiff_t>(skip) + 32);
    } else {
      committed.ranges = ranges;
    }
    const auto highest = stored.lower_bound({spool_id, next});
    if (check && highest != stored.begin() && std::prev(highest)->first.first == spool_id) {
      committed.check_number = std::prev(highest)->first.second;
      committed.check_crc = CrcOf(std::prev(highest)->second);
    }
    return committed;
  }
};

// Above all numbers that are ever given.
constexpr uint64_t kEnd = 1000;

// An agent's spool and its collector in simulated time, driven at random.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    vfs_.Remember(true);
    options_.sync = 60s;
    options_.path = dir_ / "spool-0.db";
    Open();
  }

  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  void Step() {
    clock_.Advance(15s);
    const size_t what = Below(1000);
    if (what < 500) return Append();
    if (what < 780) return Send();
    if (what < 930) return Acknowledge();
    if (what < 950) return Birth();
    if (what < 965) return Restart("");
    if (what < 975) return Kill();
    if (what < 980) return CutPower();
    if (what < 985) return RollBack();
    if (what < 988) return Restore();
    if (what < 993) return BackUp();
    if (what < 997) return FillDisk();
    Shrink();
  }

  // All that waits goes, and is acknowledged, until nothing is left.
  void Finish() {
    for (int i = 0; i < 60 && (i < 3 || spool_->waiting_batches() > 0); ++i) {
      Birth();
      for (const Parcel& parcel : Parcels(*spool_)) Deliver(parcel);
      AcknowledgeAll(i);
    }
    Birth();
    REQUIRE(spool_->waiting_batches() == 0);
    std::multiset<double> there;
    for (const auto& [key, bytes] : collector_.stored) there.insert(ReadingOf(bytes));
    for (const double reading : recorded_) {
      CAPTURE(reading);
      const size_t times = there.count(reading);
      CHECK(times <= 1);
      CHECK((times == 1 || lost_.contains(reading)));
    }
    CHECK(there.size() <= recorded_.size());
  }

  size_t recorded() const { return recorded_.size(); }
  size_t lost() const { return lost_.size(); }

 private:
  void Open() {
    spool_ = OpenSpool(options_, clock_, ids_);
    REQUIRE(known_ids_.insert(spool_->id()).second);
  }
  void Append() {
    const StoredBatch stored = MustAppend(*spool_, static_cast<double>(++ticks_), Below(12) == 0);
    recorded_.insert(ticks_);
    recent_.emplace_back(clock_.MonotonicNs(), ticks_);
    if (Below(3) > 0) collector_.Take({stored.spool_id, stored.number}, stored.encoded);
    CountDropped();
  }
  // The readings that were given up: what neither waits nor is at the collector.
  void CountDropped() {
    if (spool_->dropped_batches() == dropped_) return;
    dropped_ = spool_->dropped_batches();
    NoteLost();
  }
  void NoteLost() {
    std::set<double> somewhere;
    for (const auto& [key, bytes] : collector_.stored) somewhere.insert(ReadingOf(bytes));
    for (const auto& [key, bytes] : Everything(*spool_)) somewhere.insert(ReadingOf(bytes));
    for (const double reading : recorded_) {
      if (!somewhere.contains(reading)) lost_.insert(reading);
    }
  }
  void Deliver(const Parcel& parcel) {
    for (const auto& [key, bytes] : BatchesOf(parcel)) collector_.Take(key, bytes);
  }
  // Some of what waits, in any order, some of it lost.
  void Send() {
    auto parcels = Parcels(*spool_);
    std::shuffle(parcels.begin(), parcels.end(), random_);
    for (size_t i = 0; i < parcels.size() && i < 6; ++i) {
      if (Below(3) > 0) Deliver(parcels[i]);
    }
  }
  void Tell(uint64_t spool_id, uint64_t next, size_t skip, bool check) {
    sparkplug::Committed answer = collector_.Answer(spool_id, next, skip, check);
    answer.sent_ms = clock_.WallMs();
    const auto settled = spool_->Settle(answer);
    REQUIRE(settled.ok());
    known_ids_.insert(spool_->id());
  }
  void Acknowledge() {
    const auto held = *spool_->Held();
    const auto& one = held[Below(held.size())];
    Tell(one.spool_id, kEnd, Below(100), false);
  }
  void AcknowledgeAll(int skip) {
    const auto held = *spool_->Held();
    for (const auto& one : held) Tell(one.spool_id, kEnd, static_cast<size_t>(skip) * 8, true);
  }
  void Birth() {
    collector_.Born(*spool_->Held());
    AcknowledgeAll(static_cast<int>(Below(20)));
  }
  // The file goes on as it was left, under another name.
  std::string Another() { return dir_ / ("spool-" + std::to_string(++files_) + ".db"); }
  void Restart(const std::string& path) {
    if (path.empty()) REQUIRE(spool_->Close().ok());
    spool_.reset();
    if (!path.empty()) {
      options_.path = path;
      vfs_.TakeAsDurable(path);
    }
    Open();
    dropped_ = 0;
    Birth();
  }
  void Kill() {
    const std::string path = Another();
    CopyFiles(options_.path, path);
    Restart(path);
    NoteMemoryLost();
  }
  // What was in memory for want of room goes with the process.
  void NoteMemoryLost() {
    if (!disk_was_full_) return;
    disk_was_full_ = false;
    NoteLost();
  }
  void CutPower() {
    harmed_ = true;
    const std::string path = Another();
    vfs_.CopyDurable(options_.path, path);
    Restart(path);
    std::set<double> somewhere;
    for (const auto& [key, bytes] : collector_.stored) somewhere.insert(ReadingOf(bytes));
    for (const auto& [key, bytes] : Everything(*spool_)) somewhere.insert(ReadingOf(bytes));
    for (const auto& [time_ns, reading] : recent_) {
      if (somewhere.contains(reading) || lost_.contains(reading)) continue;
      CAPTURE(reading);
      CHECK((disk_was_full_ || recent_.back().first - time_ns < 60'000'000'000));
      lost_.insert(reading);
    }
    NoteMemoryLost();
  }
  // The directory as it was when it was backed up; the machine starts with it.
  void RollBack() {
    if (backup_.empty()) return;
    harmed_ = true;
    const std::string path = Another();
    CopyFiles(backup_, path);
    Restart(path);
    NoteLost();  // what was recorded since and had not yet arrived
  }
  void BackUp() {
    if (Below(2) == 0) {
      backup_ = Another();
      CopyFiles(options_.path, backup_);
    } else {
      older_ = collector_;
    }
  }
  void Restore() {
    if (!older_) return;
    collector_ = *older_;
    Birth();
    if (harmed_) NoteLost();  // what is kept no more; else nothing
  }
  void FillDisk() {
    harmed_ = true;
    FileSizeLimit full(
        static_cast<size_t>(std::filesystem::file_size(options_.path + "-wal") + Below(20000)));
    disk_was_full_ = true;
    for (size_t i = 0; i < 5 + Below(20); ++i) {
      clock_.Advance(15s);
      Append();
      if (Below(3) == 0) Acknowledge();
    }
  }
  void Shrink() {
    harmed_ = true;
    options_.max_bytes = 20000 + static_cast<int64_t>(Below(40000));
    Restart("");
    Append();
  }

  std::mt19937 random_;
  DurableVfs vfs_;
  TempDir dir_;
  FakeClock clock_;
  Ids ids_;
  SpoolOptions options_;
  std::unique_ptr<Spool> spool_;
  Collector collector_;
  std::optional<Collector> older_;
  std::string backup_;
  int files_ = 0;
  double ticks_ = 0;
  std::set<double> recorded_;
  std::set<double> lost_;
  std::vector<std::pair<int64_t, double>> recent_;
  std::set<uint64_t> known_ids_;
  uint64_t dropped_ = 0;
  bool disk_was_full_ = false;
  bool harmed_ = false;  // something was lost for good: a restored collector may miss it too
};

}  // namespace

TEST_CASE("property: every batch is at the collector once, or was given up and told") {
  size_t recorded = 0, lost = 0;
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    World world(seed);
    for (int step = 0; step < 500; ++step) world.Step();
    world.Finish();
    recorded += world.recorded();
    lost += world.lost();
  }
  CHECK(lost < recorded / 3);
}
