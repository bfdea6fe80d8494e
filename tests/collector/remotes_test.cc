#include "collector/remotes.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "tests/collector/remote/model_receiver.h"
#include "tests/collector/remote/raw_receiver.h"
#include "tests/collector/world.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture : World {
  std::atomic<int> status = 204;
  RawReceiver server{[this](const RawReceiver::Seen&, size_t) { return WithStatus(status); }};
  std::unique_ptr<Loop> loop = MakeLoop();
  std::vector<remote::RemoteOptions> remotes_options{1};
  std::unique_ptr<Remotes> remotes;
  TestAgent agent{"pc-1"};
  uint64_t load = agent.Declare({"node_load1", {}});
  uint64_t number = 0;
  const std::string name = "node_load1{class=\"server\",instance=\"pc-1\",site=\"06652\"}";

  Fixture() {
    remotes_options[0].url = *remote::ParseRemoteUrl(server.Url());
    remotes_options[0].backoff_max = 100ms;
    adjust_observer = [this](IngestObserver& observer) {
      observer.journaled = [this](const store::JournalRow& row, int64_t id) {
        remotes->Came(id, row);
      };
      observer.flush = [this](store::Store& into) {
        auto done = remotes->Flush(into, true);
        return done ? flush_status : done;
      };
      observer.saved = [this] { remotes->Saved(); };
      observer.failed = [this](const Error&) { remotes->Lost(); };
    };
    Restart();
    Receive(agent.Birth());
    REQUIRE(ingest->Commit());
  }
  ~Fixture() { remotes.reset(); }

  void Restart() {
    remotes.reset();
    Reopen();
    remotes = std::make_unique<Remotes>(*loop, clock, *metrics);
    REQUIRE(remotes->Begin(*store, remotes_options, 720h, [] { return uint64_t{5}; }));
  }
  void Give(int batches) {
    for (int i = 0; i < batches; ++i) {
      ++number;
      Receive(agent.Live({.number = number,
                          .values = {{load, static_cast<double>(number)}},
                          .full = number % 40 == 1}));
      if (number % 50 == 0) REQUIRE(ingest->Commit());
    }
    REQUIRE(ingest->Commit());
  }
  remote::RemoteCounters Counters() { return metrics->Remote(remotes_options[0].url.shown); }
  // Lets time pass until it is so.
  void Await(const std::function<bool()>& condition) {
    REQUIRE(RunUntil(*loop, [&] {
      clock.Advance(10ms);
      remotes->EverySecond();
      REQUIRE(ingest->Commit());
      return condition();
    }));
  }
  std::vector<store::RemoteRow> Stored() {
    auto rows = store->Remotes();
    REQUIRE(rows);
    return std::move(*rows);
  }
  bool Sent() { return Counters().lag_rows.Value() == 0 && Counters().pending.Value() == 0; }
  // What a server was sent, but for its first requests.
  static ModelReceiver Kept(const RawReceiver& by, size_t from = 0) {
    ModelReceiver kept(false);
    const auto seen = by.seen();
    for (size_t i = from; i < seen.size(); ++i) {
      remote::Request request;
      request.body = seen[i].body;
      CHECK(kept.Take(request));
    }
    return kept;
  }
  int64_t At(int64_t n) const { return agent.TimeOf(static_cast<uint64_t>(n)); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a receiver that is new begins now, and goes on where it was") {
  Await([&] { return Sent() && !Stored().empty(); });
  Give(10);
  Await([&] { return Sent(); });
  CHECK(Kept(server).Values(name).size() == 10);
  CHECK(Stored().at(0).cursor == 10);
  CHECK(Counters().sent.Value() == 10);
  const size_t before = server.requests();
  RawReceiver second([](const RawReceiver::Seen&, size_t) { return WithStatus(204); });
  remotes_options.push_back(remotes_options[0]);
  remotes_options[1].url = *remote::ParseRemoteUrl(second.Url("/write?secret=x"));
  Restart();
  Give(5);
  Await([&] { return Sent(); });
  Await([&] {
    const auto rows = Stored();
    return rows.size() == 2 && rows[0].cursor == 15 && rows[1].cursor == 15;
  });
  CHECK(Kept(server, before).Values(name).size() == 5);
  CHECK(Kept(second).Values(name).size() == 5);
  for (const auto& row : Stored()) CHECK(row.url.find("secret") == std::string::npos);
  SECTION("what is told of one that is no more is forgotten") {
    remotes_options.pop_back();
    Restart();
    REQUIRE(ingest->Commit());
    CHECK(Stored().size() == 1);
  }
  SECTION("none at all needs nothing of the journal") {
    remotes_options.clear();
    Restart();
    REQUIRE(ingest->Commit());
    CHECK(Stored().empty());
    CHECK(remotes->FirstNeeded() == INT64_MAX);
  }
}

TEST_CASE_METHOD(Fixture, "cursors that could not be stored are stored later") {
  Give(3);
  Await([&] { return Sent(); });
  flush_status = Error{"no"};
  number += 1;
  Receive(agent.Live({.number = number, .values = {{load, 1.0}}}));
  CHECK_FALSE(ingest->Commit());
  number -= 1;
  flush_status = {};
  Receive(agent.Birth(4));
  Give(2);
  Await([&] { return Sent() && Stored().at(0).cursor == 5; });
  CHECK(Kept(server).Values(name).size() == 5);
}

TEST_CASE_METHOD(Fixture, "what a receiver does not take is kept for it, as long as it may be") {
  remotes_options[0].keep = 1h;
  Restart();
  Give(4);
  Await([&] { return Sent() && Stored().at(0).cursor == 4; });
  status = 503;
  Give(200);  // 50 minutes
  Await([&] { return Counters().pending.Value() >= 200; });
  CHECK(remotes->FirstNeeded() <= 5);
  CHECK(Counters().expired.Value() == 0);
  CHECK(Counters().lag.Value() > 2900);
  CHECK(Counters().lag_rows.Value() == 200);
  SECTION("and is all there when it is back") {
    status = 204;
    const size_t before = server.requests();
    Await([&] { return Sent(); });
    CHECK(Kept(server, before).Values(name).size() == 200);
    CHECK(Counters().lag.Value() == 0);
  }
  SECTION("also where the collector was ended meanwhile") {
    Restart();
    status = 204;
    const size_t before = server.requests();
    Await([&] { return Sent(); });
    CHECK(Kept(server, before).Values(name).size() == 200);
  }
  SECTION("afterwards the oldest are lost for it, and counted") {
    Give(1000);
    Await([&] { return Counters().expired.Value() >= 700; });
    CHECK(remotes->FirstNeeded() > 800);
    status = 204;
    const size_t before = server.requests();
    Await([&] { return Sent(); });
    const auto values = Kept(server, before).Values(name);
    CHECK(values.rbegin()->first == At(1204));
    CHECK(values.size() + static_cast<size_t>(Counters().expired.Value()) >= 1200);
    CHECK(values.contains(At(1204 - 200)));
    CHECK(Stored().at(0).cursor == 1204);
  }
}

TEST_CASE_METHOD(Fixture, "no more bytes are kept for a receiver than may be") {
  remotes_options[0].keep_bytes = 8000;
  Restart();
  status = 503;
  Give(2000);
  Await([&] { return Counters().expired.Value() > 0; });
  CHECK(remotes->FirstNeeded() > 1000);
  status = 204;
  Await([&] { return Sent(); });
  CHECK(Kept(server).Values(name).contains(At(2000)));
}

TEST_CASE_METHOD(Fixture, "a store that cannot be read is read again later") {
  Give(2);
  Await([&] { return Sent(); });
  auto db = Database::Open(dir + "/telemetry.db", {});
  REQUIRE(db);
  REQUIRE(db->Exec("ALTER TABLE presence RENAME TO away; ALTER TABLE machine_info RENAME TO gone"));
  Give(2);
  for (int i = 0; i < 20; ++i) {
    clock.Advance(1s);
    remotes->EverySecond();
    RunFor(*loop, 10ms);
  }
  CHECK(Counters().lag_rows.Value() == 2);
  REQUIRE(db->Exec("ALTER TABLE away RENAME TO presence; ALTER TABLE gone RENAME TO machine_info"));
  Await([&] { return Sent(); });
  CHECK(Kept(server).Values(name).size() == 4);
}
