#include "agent/step_series.h"

#include <catch2/catch.hpp>

#include "agent/options.h"
#include "agent/probe/step_record.h"
#include "agent/recorder.h"
#include "agent/series_bound.h"
#include "tests/agent/journey_bench.h"

using namespace haidang;
using namespace haidang::agent;
using namespace haidang::testing;

namespace {

size_t Reported(const ProbeResult& result, const std::vector<std::string>& depends_on) {
  StepRecord record("mot-cua", "a", depends_on);
  std::vector<Event> events;
  record.Take(result, 0, events);
  std::vector<Reading> readings;
  record.Report(readings);
  return readings.size();
}

Result<Options> Parse(const std::string& toml) {
  return ParseOptions(toml, "agent.toml", Need::kReading);
}

// Journeys of 32 steps, each step of 18 series.
std::string ManyJourneys(int count, const std::string& keys) {
  std::string toml;
  for (int journey = 0; journey < count; ++journey) {
    toml += "[[journey]]\nname = \"j" + std::to_string(journey) + "\"\n" + keys + "\n";
    for (int step = 0; step < 32; ++step) {
      toml += "[[journey.step]]\nname = \"s" + std::to_string(step) +
              "\"\nurl = \"http://a/\"\nmax_redirects = 0\n";
    }
  }
  return toml;
}

}  // namespace

TEST_CASE("series of steps: as many as are counted beforehand") {
  ProbeResult result;
  result.version = 1.1;
  const auto series = [](const std::string& keys) {
    return SeriesOfJourney(Journey("share = \"none\"", {"name = \"a\"\n" + keys}));
  };
  const size_t journey = 8;  // its own
  CHECK(series("url = \"http://a/\"").certain == journey + Reported(result, {}));
  result.cert_expiry = 1;
  const std::string all = "url = \"https://a/\"\ndepends_on = [\"csdl\"]\n";
  CHECK(series(all).certain == journey + Reported(result, {"csdl"}));
  result.hops_us.assign(20, 1);
  CHECK(series(all + "max_redirects = 20").possible == journey + Reported(result, {"csdl"}));
  result.hops_us.assign(3, 1);
  CHECK(series("url = \"http://a/\"\nmax_redirects = 3").possible ==
        journey + Reported(result, {}));
  CHECK(series("url = \"http://a/\"\nmax_redirects = 0").possible ==
        series("url = \"http://a/\"").certain);
  CHECK(SeriesOfJourney(Journey("", {"name = \"a\"\n" + all})).certain == 5);
}

TEST_CASE("series of steps: more than a machine may have are a fault where it walks them all") {
  const std::string own = "share = \"none\"";  // 32 * 18 + 8 series each
  const auto fits = Parse(ManyJourneys(8, own));
  REQUIRE(fits.ok());
  CHECK(fits->warnings.empty());
  const auto more = Parse(ManyJourneys(9, own));
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().message ==
        "agent.toml:1052: journey[8].step: with these steps, what this machine walks in any case "
        "has 5256 series; allowed: 5000 on a machine, all else that it tells included; have fewer "
        "steps, or share = \"site\"");
  CHECK(Parse("[sources]\noff = [\"probe\"]\n" + ManyJourneys(9, own)).ok());
}

TEST_CASE("series of steps: more than a machine may have are told where a site shares them") {
  const auto shared = Parse(ManyJourneys(9, ""));
  REQUIRE(shared.ok());
  REQUIRE(shared->warnings.size() == 1);
  CHECK(shared->warnings[0].starts_with("[[probe]] and [[journey]] come to up to 5256 series"));
  CHECK(shared->warnings[0].find("at most 5000") != std::string::npos);
  CHECK(Parse(ManyJourneys(8, ""))->warnings.empty());
  CHECK(RecorderOptions().max_series == kMaxSeries);
}
