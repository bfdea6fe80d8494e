#include "agent/test_ledger.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "agent/recorder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::testing::FakeClock;
using haidang::testing::TempDir;

namespace {

// A recorder with a ledger, on a real spool.
struct Bench {
  TempDir dir;
  FakeClock clock;
  uint64_t ids = 0;
  std::unique_ptr<Spool> spool;
  std::unique_ptr<TestLedger> ledger;
  std::unique_ptr<Recorder> recorder;

  std::string path() const { return dir / "ledger"; }

  // As a start after `kill -9` would find it: nothing was closed.
  void Start() {
    recorder.reset();
    ledger.reset();
    spool.reset();
    auto opened = Spool::Open({dir / "spool.db"}, clock, [this] { return ++ids; });
    REQUIRE(opened.ok());
    spool = std::move(*opened);
    auto begun = TestLedger::Open(path(), "m", *spool);
    REQUIRE(begun.ok());
    ledger = std::move(*begun);
    RecorderOptions options;
    options.ledger = ledger.get();
    recorder = std::make_unique<Recorder>(*spool, clock, options);
  }

  StoredBatch Record(double value) {
    Tick tick;
    tick.wall_ms = clock.WallMs();
    tick.groups.push_back({"g", true, {{{"a", {}}, value}, {{"b", {{"x", "y"}}}, int64_t{7}}}});
    auto stored = recorder->Record(std::move(tick));
    REQUIRE(stored.ok());
    return *stored;
  }

  static std::string Read(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  std::string Lines() const { return Read(path()); }
  std::string Pending() const { return Read(path() + ".pending"); }

  std::string Line(const std::string& series, const std::string& value) const {
    return "{\"machine\":\"m\",\"series\":\"" + series +
           "\",\"ts_ms\":" + std::to_string(clock.WallMs()) + ",\"value\":" + value + "}\n";
  }
};

}  // namespace

TEST_CASE("the ledger has a line for each value that a batch states") {
  Bench bench;
  bench.Start();
  bench.Record(1.5);
  std::string lines = bench.Line("a", "1.5") + bench.Line("b{x=\\\"y\\\"}", "7");
  CHECK(bench.Lines() == lines);
  bench.clock.Advance(std::chrono::seconds(1));
  bench.Record(2);
  CHECK(bench.Lines() == lines + bench.Line("a", "2"));
  CHECK(bench.Pending().empty());
}

TEST_CASE("an agent killed after its batch was stored and before the ledger had it") {
  Bench bench;
  bench.Start();
  const StoredBatch first = bench.Record(1);
  const std::string lines = bench.Lines();
  bench.ledger->Intend(first.spool_id, first.number, "what it states\n");
  SECTION("nothing was appended") {}
  SECTION("a part was appended") { std::ofstream(bench.path(), std::ios::app) << "what it"; }
  SECTION("all was appended") { std::ofstream(bench.path(), std::ios::app) << "what it states\n"; }
  bench.Start();
  CHECK(bench.Lines() == lines + "what it states\n");
  CHECK(bench.Pending().empty());
}

TEST_CASE("an agent killed before its batch was stored") {
  Bench bench;
  bench.Start();
  bench.Record(1);
  const std::string lines = bench.Lines();
  SECTION("with its lines written") {
    bench.ledger->Intend(bench.spool->id(), bench.spool->next_number(), "never stored\n");
  }
  SECTION("while they were being written") {
    std::ofstream(bench.path() + ".pending") << "00000000000";
  }
  SECTION("and its batch was refused") {
    bench.ledger->Intend(bench.spool->id(), 1, "refused\n");
    bench.ledger->Refused();
  }
  bench.Start();
  CHECK(bench.Lines() == lines);
  CHECK(bench.Pending().empty());
}

TEST_CASE("a ledger that cannot be written is refused") {
  Bench bench;
  bench.Start();
  const auto opened = TestLedger::Open(bench.dir / "absent/ledger", "m", *bench.spool);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().message.find("absent/ledger") != std::string::npos);
}
