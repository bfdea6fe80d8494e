#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <random>

#include "tests/collector/lease_province.h"

using namespace haidang;
using namespace haidang::collector::testing;
using Names = std::vector<std::string>;

namespace {

Names All(LeaseProvince& province) { return province.Holders("06652", "mot-cua"); }

}  // namespace

TEST_CASE("one machine of a site walks for all: a server before workstations, then by name") {
  LeaseProvince province;
  for (const char* name : {"pc-3", "pc-1", "pc-2"}) province.Add(name, "06652");
  province.Add("ps-9", "06652", true);
  province.Add("pc-0", "06655");
  province.Seconds(80);
  CHECK(All(province) == Names{"ps-9"});
  CHECK(province.Holders("06655", "mot-cua") == Names{"pc-0"});
  std::vector<query::JourneyLease> leases;
  std::vector<query::JourneyLoad> loads;
  province.leases->Describe(province.now_ms, leases, loads);
  REQUIRE(leases.size() == 2);
  CHECK(leases[0].site == "06652");
  CHECK(leases[0].machine == "ps-9");
  CHECK(leases[0].interval_seconds == 60);
  REQUIRE(loads.size() == 1);
  CHECK(loads[0].allowed_per_second == 5);
}

TEST_CASE("who is gone loses it at once, and does not take it back") {
  LeaseProvince province;
  auto& first = province.Add("pc-1", "06652");
  auto& second = province.Add("pc-2", "06652");
  province.Seconds(80);
  REQUIRE(All(province) == Names{"pc-1"});
  SECTION("vanished") {
    province.Kill(first);
    province.Seconds(2);
    CHECK(All(province) == Names{"pc-2"});
    province.StartAgent(first);
    province.Seconds(300);
    CHECK(All(province) == Names{"pc-2"});
  }
  SECTION("silent: it goes on alone, and is told to stop when it is back") {
    province.Lose(first);
    province.Seconds(47);
    CHECK(All(province) == Names{"pc-2"});
    CHECK(first.leases.size() == 1);
    province.Reconnect(first);
    province.Seconds(2);
    CHECK(first.leases.empty());
    CHECK(All(province) == Names{"pc-2"});
  }
  SECTION("moved") {
    first.site = "06655";
    province.Seconds(17);
    CHECK(All(province) == Names{"pc-2"});
    CHECK(province.Holders("06655", "mot-cua") == Names{"pc-1"});
  }
  SECTION("it does not offer the journey any more") {
    province.leases->See({first.id, first.name, first.site, false, 15000, {}}, province.now_ms);
    province.leases->Decide(province.now_ms, true);
    province.Second();
    CHECK(second.leases.size() == 1);
  }
  SECTION("everybody: nobody can, until one is back") {
    province.Kill(second);
    province.Kill(first);
    province.Seconds(2);
    std::vector<query::JourneyLease> leases;
    std::vector<query::JourneyLoad> loads;
    province.leases->Describe(province.now_ms, leases, loads);
    REQUIRE(leases.size() == 1);
    CHECK(leases[0].machine.empty());
    province.StartAgent(second);
    province.Seconds(2);
    CHECK(All(province) == Names{"pc-2"});
  }
}

TEST_CASE("while the broker's return is not settled only who said goodbye is gone") {
  LeaseProvince province;
  auto& first = province.Add("pc-1", "06652");
  province.Add("pc-2", "06652");
  province.Seconds(80);
  province.settled = false;
  SECTION("a Will of the connection that went") {
    province.Kill(first);
    province.Seconds(10);
    CHECK(All(province).empty());
    province.settled = true;
    province.Seconds(2);
    CHECK(All(province) == Names{"pc-2"});
  }
  SECTION("a goodbye") {
    province.Kill(first, true);
    province.Seconds(2);
    CHECK(All(province) == Names{"pc-2"});
  }
}

TEST_CASE("a holder that does not walk loses it to another, if there is one") {
  LeaseProvince province;
  auto& first = province.Add("pc-1", "06652");
  province.Seconds(80);
  province.heard = [&] { CHECK(All(province).size() <= 1); };  // the loser is told first
  first.walks = false;
  province.Seconds(600);
  CHECK(All(province) == Names{"pc-1"});
  province.Add("pc-2", "06652");
  province.Seconds(17);
  CHECK(All(province) == Names{"pc-2"});
  province.machines[1]->walks = false;  // nobody can: it stays where it is
  province.Seconds(3000);
  CHECK(All(province) == Names{"pc-2"});
}

TEST_CASE("a collector that begins anew changes nothing, and ends what was held twice") {
  LeaseProvince province;
  for (int i = 0; i < 40; ++i) {
    province.Add("pc-" + std::to_string(i), "s" + std::to_string(i / 4), i % 4 == 2);
  }
  province.Seconds(80);
  for (int i = 0; i < 10; ++i) province.Kill(*province.machines[static_cast<size_t>(4 * i + 2)]);
  province.Seconds(5);
  for (int i = 0; i < 10; ++i) {
    province.StartAgent(*province.machines[static_cast<size_t>(4 * i + 2)]);
  }
  province.Seconds(30);
  std::map<std::string, Names> before;
  for (int i = 0; i < 10; ++i) {
    const std::string site = "s" + std::to_string(i);
    before[site] = province.Holders(site, "mot-cua");
    CHECK(before[site].size() == 1);
    CHECK(before[site][0] != "pc-" + std::to_string(4 * i + 2));
  }
  province.Restart();
  province.unknown_until_ms = province.now_ms + 40'000;
  province.machines[3]->leases = {{"mot-cua", 60}};  // beside another one
  for (int i = 0; i < 120; ++i) {
    province.Second();
    for (const auto& [site, holders] : before) {
      if (site != "s0") CHECK(province.Holders(site, "mot-cua") == holders);
    }
  }
  CHECK(province.Holders("s0", "mot-cua").size() == 1);
}

TEST_CASE("a command that was lost is said again, a holder hears it every ten minutes") {
  LeaseProvince province;
  auto& first = province.Add("pc-1", "06652");
  auto& second = province.Add("pc-2", "06652");
  bool lost = true;
  province.lost = [&] { return lost; };
  province.Seconds(62);
  CHECK(All(province).empty());
  lost = false;
  province.Seconds(80);
  CHECK(All(province) == Names{"pc-1"});
  first.told = second.told = 0;
  province.Seconds(3600);
  CHECK(first.told >= 5);
  CHECK(first.told <= 6);
  CHECK(second.told == 0);
  second.lies = true;
  province.Seconds(600);
  CHECK(second.told >= 7);
  CHECK(second.told <= 10);
}

TEST_CASE("births of 10 000 machines at once are answered at a bounded rate") {
  LeaseProvince province;
  for (int i = 0; i < 10000; ++i) {
    province.Add("pc-" + std::to_string(i), "s" + std::to_string(i % 200));
  }
  province.Seconds(120);
  for (const auto& machine : province.machines) {
    machine->told = 0;
    province.leases->Born(machine->id, province.now_ms);
  }
  int seconds = 0;
  for (; province.leases->waiting() > 0; ++seconds) {
    int before = 0, after = 0;
    for (const auto& machine : province.machines) before += machine->told;
    province.Second();
    for (const auto& machine : province.machines) after += machine->told;
    CHECK(after - before <= static_cast<int>(journeys::Leases::kTold));
    REQUIRE(seconds < 60);
  }
  for (const auto& machine : province.machines) REQUIRE(machine->told > 0);
}

TEST_CASE(
    "births, deaths, moves and silences: never two for longer than the hand-over, never none") {
  const bool loses_commands = GENERATE(false, true);
  const uint64_t seed = GENERATE(1, 2, 3);
  INFO("seed " << seed << " loses " << loses_commands);
  std::mt19937_64 random(seed);
  const auto chance = [&](double p) {
    return std::uniform_real_distribution<double>(0, 1)(random) < p;
  };
  LeaseProvince province(1000);
  province.journeys = {"mot-cua", "tra-cuu"};
  const std::vector<std::string> sites{"", "s1", "s2"};
  for (int i = 0; i < 12; ++i) {
    province.Add("pc-" + std::to_string(i), sites[static_cast<size_t>(i) % 3], i % 5 == 0);
  }
  if (loses_commands) province.lost = [&] { return chance(0.02); };
  int64_t changes_ms = 0;
  std::map<std::pair<std::string, std::string>, int> two, none;
  int worst_two = 0, worst_none = 0;
  province.Seconds(80);
  for (int second = 0; second < 12'000; ++second) {
    const bool calm = second % 400 > 300;
    for (const auto& machine : province.machines) {
      if (calm || !chance(0.002)) continue;
      changes_ms = province.now_ms;
      switch (random() % 6) {
        case 0:
          province.Kill(*machine, chance(0.5));
          break;
        case 1:
          province.StartAgent(*machine);
          break;
        case 2:
          province.Lose(*machine);
          break;
        case 3:
          province.Reconnect(*machine);
          break;
        case 4:
          machine->site = sites[random() % sites.size()];
          if (machine->runs && machine->connected) province.Tick(*machine);
          break;
        case 5:
          province.StartAgent(*machine);
          province.Reconnect(*machine);
          break;
      }
    }
    province.Second();
    for (const std::string& site : sites) {
      bool able = false;
      for (const auto& machine : province.machines) {
        able = able || (machine->runs && machine->connected && machine->site == site);
      }
      for (const std::string& journey : province.journeys) {
        const size_t holders = province.Holders(site, journey).size();
        int& twos = two[{site, journey}];
        int& nones = none[{site, journey}];
        worst_two = std::max(worst_two, twos = holders > 1 ? twos + 1 : 0);
        worst_none = std::max(worst_none, nones = holders == 0 && able ? nones + 1 : 0);
      }
    }
  }
  CHECK(changes_ms > 0);
  CHECK(worst_two <= (loses_commands ? 160 : 1));
  CHECK(worst_none <= (loses_commands ? 160 : 65));  // a silence of 45 s, and a tick
  std::printf("two for %d s at most, none for %d s\n", worst_two, worst_none);
}

TEST_CASE("walks become rarer where the province would send too much, and again as they were") {
  const bool effective = GENERATE(false, true);
  LeaseProvince province(5);
  for (int i = 0; i < 200; ++i) {
    auto& machine = province.Add("pc-" + std::to_string(i), "s" + std::to_string(i));
    machine.requests = 4;
    machine.tells_effective = effective;
  }
  province.Seconds(1200);
  CHECK(province.machines[0]->leases.at("mot-cua") == 160);
  CHECK(province.Rate("mot-cua") == Approx(5).margin(0.5));
  for (size_t i = 100; i < 200; ++i) province.Kill(*province.machines[i]);
  province.Seconds(900);
  CHECK(province.machines[0]->leases.at("mot-cua") == 80);
  CHECK(province.Rate("mot-cua") == Approx(5).margin(0.5));
  province.Restart();
  province.Seconds(900);
  CHECK(province.machines[0]->leases.at("mot-cua") == 80);
  for (size_t i = 10; i < 100; ++i) province.Kill(*province.machines[i]);
  province.Seconds(900);
  CHECK(province.machines[0]->leases.at("mot-cua") == 60);
  CHECK(province.Rate("mot-cua") == Approx(10 * 4 / 60.0).margin(0.1));
}

TEST_CASE("one machine's word does not slow a province down") {
  LeaseProvince province(5);
  for (int i = 0; i < 50; ++i) {
    province.Add("pc-" + std::to_string(i), "s" + std::to_string(i));
  }
  province.machines[0]->requests = 1e6;
  province.machines[0]->own_seconds = 0.001;
  province.Seconds(900);
  CHECK(province.machines[1]->leases.at("mot-cua") == 60);
  CHECK(province.machines[0]->leases.at("mot-cua") >= 1);
}

TEST_CASE("hostile offers are bounded") {
  journeys::Leases leases(5);
  leases.Listen(0);
  const auto see = [&](int64_t machine, int begin, int count, int64_t now_ms) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back("j" + std::to_string(begin + i));
    names.push_back("a\nb");
    names.push_back("");
    names.push_back(std::string(300, 'x'));
    std::vector<journeys::Report> reports;
    for (const std::string& name : names) reports.push_back({name, true, true, 1, 1, {}});
    leases.See({machine, "m" + std::to_string(machine), "s" + std::to_string(now_ms), true, 15000,
                reports},
               now_ms);
  };
  const auto count = [&] {
    size_t found = 0;
    leases.ForEachJourney(0, [&](const std::string& name, const auto&) {
      ++found;
      CHECK(name[0] == 'j');
    });
    return found;
  };
  see(1, 0, 10000, 1000);
  CHECK(count() == sparkplug::kMaxLeases);
  for (int i = 0; i < 300; ++i) {  // others each time, at another site
    see(1, 1000 * i, 200, 2000 + 1000 * i);
    leases.Decide(2000 + 1000 * i, true);
    size_t told = 0;
    leases.Tell(2000 + 1000 * i, [&](int64_t, std::span<const sparkplug::Lease> lease) {
      CHECK(lease.size() <= sparkplug::kMaxLeases);
      ++told;
      return true;
    });
    CHECK(told <= 1);
  }
  CHECK(count() == sparkplug::kMaxLeases);
  for (int64_t machine = 2; machine < 20; ++machine) {
    see(machine, static_cast<int>(machine) * 1000, 128, 400'000);
  }
  CHECK(count() == journeys::Leases::kMaxJourneys);
  CHECK(leases.left_out() > 0);
  std::vector<query::JourneyLease> held;
  std::vector<query::JourneyLoad> loads;
  leases.Describe(400'000, held, loads);
  CHECK(held.size() <= journeys::Leases::kMaxSites);
}

TEST_CASE("what 10 000 machines cost a second", "[.cost]") {
  for (const int sites : {200, 8000}) {
    journeys::Leases leases(1000);
    leases.Listen(0);
    std::vector<std::string> names, codes;
    for (int i = 0; i < 10000; ++i) {
      names.push_back("pc-" + std::to_string(i));
      codes.push_back("s" + std::to_string(i % sites));
    }
    double worst = 0, sum = 0;
    int seconds = 0;
    for (int64_t second = 1; second < 400; ++second) {
      const auto begun = std::chrono::steady_clock::now();
      for (int64_t i = second % 15; i < 10000; i += 15) {
        const double runs = static_cast<double>(second / 60);
        const journeys::Counter counters[5] = {
            {0, runs}, {1, runs}, {2, runs}, {3, runs}, {4, runs}};
        const journeys::Report reports[2] = {{"mot-cua", true, i < sites, 60, runs, counters},
                                             {"tra-cuu", true, i < sites, 60, runs, counters}};
        leases.See({i, names[static_cast<size_t>(i)], codes[static_cast<size_t>(i)], false, 15000,
                    reports},
                   second * 1000);
      }
      leases.Decide(second * 1000, true);
      leases.Tell(second * 1000, [](int64_t, std::span<const sparkplug::Lease>) { return true; });
      const double took =
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun)
              .count();
      if (second < 120) continue;
      worst = std::max(worst, took);
      sum += took;
      ++seconds;
    }
    std::printf("%d sites: %.3f ms a second, %.3f ms at most\n", sites, sum / seconds, worst);
  }
}
