#include "collector/presence.h"

#include <catch2/catch.hpp>

#include "collector/broker_watch.h"

using namespace haidang;
using collector::BrokerWatch;
using collector::Moment;
using collector::Presence;
using query::State;
using sparkplug::AgentState;

namespace {

constexpr int64_t kInterval = 15000;
Moment At(int64_t ms) { return {1000000 + ms, ms}; }

}  // namespace

TEST_CASE("a machine is online when it is heard, silent after three intervals without a word") {
  Presence presence;
  CHECK(presence.Heard(At(0)));
  CHECK_FALSE(presence.Heard(At(15000)));
  CHECK(presence.since_ms() == 1000000);
  CHECK_FALSE(presence.Tick(At(59999), kInterval));
  CHECK(presence.online());
  CHECK(presence.Tick(At(60000), kInterval));
  CHECK(presence.state() == State::kSilent);
  CHECK(presence.since_ms() == 1015000);  // since it was heard last
  CHECK_FALSE(presence.Tick(At(90000), kInterval));
  CHECK(presence.Heard(At(91000)));
  CHECK(presence.online());
  CHECK(presence.since_ms() == 1091000);
}

TEST_CASE("a death without goodbye is a vanishing, with goodbye a stop or a sleep") {
  Presence vanished, stopped, suspended;
  for (Presence* presence : {&vanished, &stopped, &suspended}) presence->Heard(At(0));
  CHECK(vanished.Died(At(5000)));
  CHECK(vanished.state() == State::kVanished);
  CHECK(vanished.since_ms() == 1005000);
  stopped.Goodbye(AgentState::kStopping);
  CHECK(stopped.online());
  CHECK(stopped.Died(At(5000)));
  CHECK(stopped.state() == State::kStopped);
  suspended.Goodbye(AgentState::kSuspending);
  CHECK(suspended.Died(At(5000)));
  CHECK(suspended.state() == State::kSuspended);
}

TEST_CASE("the Will after an orderly NDEATH says nothing new") {
  Presence presence;
  presence.Heard(At(0));
  presence.Goodbye(AgentState::kStopping);
  presence.Died(At(1000));
  CHECK_FALSE(presence.Died(At(1001)));
  CHECK(presence.state() == State::kStopped);
}

TEST_CASE("who said goodbye and whose death was lost is stopped, not silent") {
  Presence presence;
  presence.Heard(At(0));
  presence.Goodbye(AgentState::kStopping);
  CHECK(presence.Tick(At(45000), kInterval));
  CHECK(presence.state() == State::kStopped);
}

TEST_CASE("a goodbye is forgotten when the machine goes on") {
  Presence presence;
  presence.Heard(At(0));
  presence.Goodbye(AgentState::kStopping);
  presence.Heard(At(15000));
  CHECK(presence.Died(At(20000)));
  CHECK(presence.state() == State::kVanished);
}

TEST_CASE("from silent to vanished when the Will comes late") {
  Presence presence;
  presence.Heard(At(0));
  presence.Tick(At(45000), kInterval);
  CHECK(presence.Died(At(90000)));
  CHECK(presence.state() == State::kVanished);
}

TEST_CASE("after a break of the connection silence is counted anew") {
  Presence presence;
  presence.Heard(At(0));
  presence.Listen(At(600000));  // connected again after ten minutes
  CHECK_FALSE(presence.Tick(At(600001), kInterval));
  CHECK_FALSE(presence.Tick(At(644999), kInterval));
  CHECK(presence.Tick(At(645000), kInterval));
  CHECK(presence.since_ms() == 1000000);  // still since it was heard last
}

TEST_CASE("what was restored stays until something else is known") {
  Presence online(State::kOnline, 500, 900);
  online.Listen(At(0));
  CHECK(online.since_ms() == 500);
  CHECK_FALSE(online.Heard(At(10)));  // goes on without a birth
  CHECK(online.since_ms() == 500);
  Presence gone(State::kOnline, 500, 900);
  gone.Listen(At(0));
  CHECK(gone.Tick(At(45000), kInterval));
  CHECK(gone.since_ms() == 900);
  Presence stopped(State::kStopped, 500, 900);
  stopped.Listen(At(0));
  CHECK_FALSE(stopped.Tick(At(450000), kInterval));
}

TEST_CASE("a broker is watched: since when it is away, until when it was heard") {
  BrokerWatch watch;
  watch.Begin({1000, 0});
  CHECK_FALSE(watch.connected());
  CHECK(watch.down_since_ms() == 1000);
  watch.Connected({2000, 1000});
  CHECK(watch.connected());
  CHECK_FALSE(watch.down_since_ms());
  CHECK(watch.Settled({2000, 1000}));  // nothing went wrong
  watch.Heard({3000, 2000});
  CHECK(watch.KnownUntil({9000, 8000}).mono_ms == 2000);
  CHECK(watch.KnownUntil({9000, 8000}).wall_ms == 9000);
  watch.Failed({10000, 9000}, "lost");
  watch.Failed({20000, 19000}, "refused");
  CHECK(watch.down_since_ms() == 10000);
  CHECK(watch.why() == "refused");
  CHECK_FALSE(watch.Settled({20000, 19000}));
  watch.Connected({30000, 29000});
  CHECK(watch.why().empty());
  CHECK_FALSE(watch.Settled({30000, 29000 + BrokerWatch::kReturnMs - 1}));
  CHECK(watch.Settled({30000, 29000 + BrokerWatch::kReturnMs}));
}
