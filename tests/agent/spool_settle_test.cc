#include <catch2/catch.hpp>

#include "tests/agent/log_capture.h"
#include "tests/agent/spool_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

sparkplug::BatchHeader HeaderOf(const std::string& encoded) {
  sparkplug::BatchDecoder decoder;
  const auto message = decoder.Decode(encoded);
  REQUIRE(message.ok());
  REQUIRE(message->batches.size() == 1);
  CHECK(message->batches[0].crc_matches);
  return message->batches[0].header;
}

void AppendRuns(Spool& spool, int batches) {
  for (int i = 0; i < batches; ++i) MustAppend(spool, i, i % 10 == 0);
}

}  // namespace

TEST_CASE("what a restored collector has no more waits again, and is said once") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  AppendRuns(*spool, 50);
  REQUIRE(spool->Settle(Named(1000, 45))->settled == 45);
  const LogCapture log;
  Settlement settlement = *spool->Settle(Named(1000, 12, {{20, 22}}));
  CHECK(settlement.settled == 0);
  CHECK(settlement.again == 30);
  CHECK(spool->waiting_batches() == 35);
  CHECK(log.Count("30 are sent again, 0 are kept no more") == 1);
  settlement = *spool->Settle(Named(1000, 12, {{20, 22}, {50, 50}}));
  CHECK(settlement.settled == 1);
  CHECK(settlement.again == 0);
  CHECK(log.Count("") == 1);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  CHECK(spool->Settle(Named(1000, 50)).ok());
  CHECK(spool->waiting_batches() == 1);
}

TEST_CASE("a collector that names as much as fits is not taken to have no more") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  AppendRuns(*spool, 200);
  std::vector<sparkplug::NumberRange> odd;
  for (uint64_t number = 11; odd.size() < 32; number += 2) odd.push_back({number, number});
  REQUIRE(spool->Settle(Named(1000, 9, odd))->settled == 41);
  std::vector<sparkplug::NumberRange> later;
  for (uint64_t number = 101; later.size() < 32; number += 2) later.push_back({number, number});
  const Settlement settlement = *spool->Settle(Named(1000, 9, later));
  CHECK(settlement.settled == 32);
  CHECK(settlement.again == 0);
  later.pop_back();
  CHECK(spool->Settle(Named(1000, 9, later))->again == 33);  // now it is all that there is
}

TEST_CASE("what is not kept any more cannot be had again, and is told as given up") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  AppendRuns(*spool, 30);
  REQUIRE(spool->Settle(Named(1000, 20))->settled == 20);
  REQUIRE(spool->GiveUpKept().ok());
  CHECK((*spool->Held())[0].first == 21);
  const LogCapture log;
  CHECK(spool->Settle(Named(1000, 5))->again == 0);
  CHECK(log.Count("0 are sent again, 15 are kept no more") == 1);
  CHECK((*spool->Held())[0].first == 21);
  CHECK((*spool->Held())[0].reason.empty());
}

TEST_CASE("a mark that we never gave means that we were rolled back") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  MustAppend(*spool, 1);
  REQUIRE(spool->Settle(Named(1000, 1))->settled == 1);
  MustAppend(*spool, 2);
  MustAppend(*spool, 3);
  const auto before = Everything(*spool);
  CHECK(spool->Settle(Named(1000, 4))->settled == 0);
  CHECK(spool->id() == 1001);
  CHECK(spool->next_number() == 3);
  CHECK(spool->waiting_batches() == 2);
  const auto after = Everything(*spool);
  REQUIRE(after.size() == 2);
  CHECK(after.contains({1001, 1}));
  CHECK(MustAppend(*spool, 2).spool_id == 1001);
  CHECK((*spool->Held())[0].next == 2);  // what we had was acknowledged
  CHECK(spool->Settle(Named(1001, 3))->settled == 3);
}

TEST_CASE("a number that has another content at the collector means that we were rolled back") {
  TempDir dir;
  FakeClock clock;
  Ids ids;
  auto spool = OpenSpool({dir / "spool.db"}, clock, ids);
  std::map<uint64_t, std::string> recorded;
  const auto append = [&](int i) {
    sparkplug::Batch batch = SomeBatch(i, i % 10 == 0);
    batch.header.wall_ms += i * 15000;
    batch.header.since_boot_ms = i * 15000;
    batch.header.groups = 5;
    batch.samples.emplace_back(uint64_t{41}, Bytes{"\x01\x02"});
    batch.samples.emplace_back(uint64_t{42}, int64_t{-7});
    batch.samples.emplace_back(uint64_t{43}, std::string("chữ"));
    batch.samples.emplace_back(uint64_t{44}, true);
    batch.samples.emplace_back(uint64_t{45}, Null{});
    batch.events.push_back({batch.header.wall_ms, "kind", "key", "text"});
    const auto stored = spool->Append(batch);
    REQUIRE(stored.ok());
    recorded[stored->number] = stored->encoded;
  };
  for (int i = 0; i < 45; ++i) append(i);
  // 8 and 9 are still to come, 1 to 7 and 10 to 15 are there.
  REQUIRE(spool->Settle(Named(1000, 7, {{10, 15}}))->settled == 13);
  sparkplug::Committed committed = Named(1000, 40);
  committed.check_number = 40;
  committed.check_crc = HeaderOf(recorded[40]).crc;
  SECTION("not so here") {
    CHECK(spool->Settle(committed)->settled == 27);
    CHECK(spool->id() == 1000);
    committed.check_number = 99;  // not ours to say
    committed.cumulative = 45;
    CHECK(spool->Settle(committed).ok());
    return;
  }
  SECTION("so here") {}
  committed.check_crc ^= 1;
  const LogCapture log;
  CHECK(spool->Settle(committed)->settled == 0);
  CHECK(log.Count("rolled back to an earlier state") == 1);
  CHECK(spool->id() == 1001);
  CHECK(spool->waiting_batches() == 32);
  const auto waits = Everything(*spool);
  CHECK(waits.size() == 32);
  CHECK(waits.at({1000, 8}) == recorded[8]);
  CHECK(waits.at({1000, 9}) == recorded[9]);
  for (uint64_t number = 16; number <= 45; ++number) {
    CAPTURE(number);
    const std::string& anew = waits.at({1001, number - 15});
    const sparkplug::BatchHeader then = HeaderOf(recorded[number]), now = HeaderOf(anew);
    CHECK(now.wall_ms == then.wall_ms);
    CHECK(now.since_boot_ms == then.since_boot_ms);
    CHECK(now.boot_id == then.boot_id);
    CHECK(now.groups == then.groups);
    CHECK(now.full == then.full);
    // The same bytes, but for the key and its CRC.
    CHECK(anew.size() == recorded[number].size());
    CHECK(anew.substr(60) == recorded[number].substr(60));
  }
  CHECK(spool->next_number() == 31);
  CHECK(spool->Settle(committed)->again == 0);  // said again: nothing more to do
  CHECK(spool->id() == 1001);
  CHECK(spool->waiting_batches() == 30);
  CHECK(spool->Settle(Named(1001, 30))->settled == 30);
  MustAppend(*spool, 1, true);
  spool.reset();
  spool = OpenSpool({dir / "spool.db"}, clock, ids);
  CHECK(spool->waiting_batches() == 1);
}
