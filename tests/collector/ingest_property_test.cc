#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;

namespace {

using Key = std::pair<uint64_t, uint64_t>;  // spool id, number

// Some agents over a network that loses, doubles, reorders and delays, and a collector that crashes
// and fails to commit. After each step: what was acknowledged is stored, and nothing is stored
// twice.
class Storm {
 public:
  explicit Storm(uint64_t seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) {
      agents_.push_back(TestAgent("pc-" + std::to_string(i), 0x10 + static_cast<uint64_t>(i)));
      for (int s = 0; s < 4; ++s) {
        agents_.back().Declare({"metric_" + std::to_string(s), {}}, DataType::kDouble,
                               static_cast<uint32_t>(s) % 3);
      }
      spools_.emplace_back();
    }
  }

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) Step();
    Settle();
  }

 private:
  struct Spool {
    std::vector<std::string> batches;  // encoded; number - 1 is the index
    std::set<uint64_t> waiting;        // not acknowledged
    bool born_in_net = false;
  };

  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t Pick(size_t count) { return random_() % count; }

  void Step() {
    const size_t who = Pick(agents_.size());
    switch (Pick(12)) {
      case 0:
        Send(agents_[who].Birth(spools_[who].batches.size() + 1));
        break;
      case 1:
      case 2:
      case 3:
      case 4:
        NewBatch(who);
        break;
      case 5:
      case 6:
        Resend(who);
        break;
      case 7:
      case 8:
        Deliver(Pick(6));
        break;
      case 9:
      case 10:
        world_.clock.Advance(std::chrono::milliseconds(Pick(4000)));
        Commit();
        break;
      default:
        if (Chance(30)) Crash();
    }
  }

  void NewBatch(size_t who) {
    Spool& spool = spools_[who];
    TestAgent::Tick tick;
    tick.number = spool.batches.size() + 1;
    tick.full = tick.number % 8 == 1;
    for (uint64_t alias = 32; alias < 36; ++alias) {
      if (tick.full || Chance(50)) tick.values[alias] = static_cast<double>(random_() % 1000);
    }
    spool.batches.push_back(agents_[who].Encode(tick));
    spool.waiting.insert(tick.number);
    Send(agents_[who].Data(sparkplug::SealBatch(spool.batches.back(), 0, false)));
  }

  void Resend(size_t who) {
    Spool& spool = spools_[who];
    std::vector<std::string> again;
    for (const uint64_t number : spool.waiting) {
      if (Chance(40)) again.push_back(spool.batches[number - 1]);
    }
    if (again.empty()) return;
    if (Chance(50)) {
      Send(agents_[who].Data(sparkplug::SealEnvelope(again, 0, 0)));
    } else {
      for (const std::string& batch : again) {
        Send(agents_[who].Data(sparkplug::SealBatch(batch, 0, true)));
      }
    }
  }

  void Send(MqttMessage message) {
    if (Chance(20)) return;  // lost
    net_.push_back(message);
    if (Chance(10)) net_.push_back(std::move(message));
    if (net_.size() > 1 && Chance(20)) std::swap(net_[Pick(net_.size())], net_.back());
  }

  void Deliver(size_t count) {
    for (size_t i = 0; i < count && !net_.empty(); ++i) {
      world_.Receive(net_.front());
      net_.erase(net_.begin());
    }
    Hear();
  }

  void Commit() {
    const bool fails = Chance(10);
    if (fails) world_.flush_status = Error{"the disk is full"};
    CHECK(world_.ingest->Commit().ok() != fails);
    world_.flush_status = {};
    Hear();
  }

  // The process dies: what is in memory is gone, and the file is as it stands.
  void Crash() {
    world_.Crash();
    net_.clear();
    world_.published.clear();
  }

  // What the collector says reaches the agents; it must be true.
  void Hear() {
    const auto journal = world_.Journal();
    for (const auto& [key, rows] : journal) REQUIRE(rows == 1);
    for (size_t who = 0; who < agents_.size(); ++who) {
      for (const auto& command : world_.TakeCommands(agents_[who].machine())) {
        if (command.rebirth) Send(agents_[who].Birth(spools_[who].batches.size() + 1));
        if (command.committed) Settle(who, *command.committed, journal);
      }
    }
  }

  void Settle(size_t who, const sparkplug::Committed& committed,
              const std::map<Key, int>& journal) {
    std::vector<sparkplug::NumberRange> ranges = committed.ranges;
    if (committed.cumulative > 0) ranges.push_back({1, committed.cumulative});
    for (const auto& range : ranges) {
      for (uint64_t n = range.first; n <= range.last; ++n) {
        REQUIRE(journal.contains({committed.spool_id, n}));
        spools_[who].waiting.erase(n);
      }
    }
  }

  // The storm is over: everything is sent until it is acknowledged.
  void Settle() {
    for (int round = 0; round < 20; ++round) {
      for (size_t who = 0; who < agents_.size(); ++who) {
        world_.Receive(agents_[who].Birth(spools_[who].batches.size() + 1));
        for (const uint64_t number : spools_[who].waiting) {
          world_.Receive(
              agents_[who].Data(sparkplug::SealBatch(spools_[who].batches[number - 1], 0, true)));
        }
      }
      world_.clock.Advance(std::chrono::seconds(6));
      REQUIRE(world_.ingest->Commit());
      Hear();
    }
    const auto journal = world_.Journal();
    size_t sent = 0;
    for (size_t who = 0; who < agents_.size(); ++who) {
      CHECK(spools_[who].waiting.empty());
      sent += spools_[who].batches.size();
    }
    CHECK(journal.size() == sent);
    CompareHeads();
  }

  // The heads must be what an agent's whole story, read in order, says.
  void CompareHeads() {
    for (size_t who = 0; who < agents_.size(); ++who) {
      if (spools_[who].batches.empty()) continue;
      const Machine& machine = world_.machine(agents_[who].machine());
      store::Head model;
      sparkplug::BatchDecoder decoder;
      for (const std::string& batch : spools_[who].batches) {
        const auto message = decoder.Decode(batch);
        REQUIRE(message);
        const auto& view = message->batches[0];
        model.Apply(machine.live->row.id, view.header, view.samples, machine.live->layout->aliases);
      }
      for (uint32_t slot = 0; slot < machine.slots.size(); ++slot) {
        CHECK(machine.head.ValueOf(slot) == model.ValueOf(slot));
      }
      CHECK(machine.head.number() == model.number());
    }
  }

  std::mt19937_64 random_;
  World world_;
  std::vector<TestAgent> agents_;
  std::vector<Spool> spools_;
  std::vector<MqttMessage> net_;
};

}  // namespace

TEST_CASE("whatever the network and the disk do: acknowledged is stored, and stored once") {
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    INFO("seed " << seed);
    Storm(seed).Run(250);
  }
}
