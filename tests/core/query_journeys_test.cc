#include "core/query_journeys.h"

#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <string>

using namespace haidang;
using namespace haidang::query;

namespace {

JourneysNow Full() {
  JourneysNow now;
  now.now_ms = 1767573000000;
  StepAtSite at;
  at.site = "06652";
  at.site_name = "Phường Hồng Gai";
  at.machine = "pc-1";
  at.success = true;
  at.seconds = 6.8;
  at.usual_seconds = 1.1;
  at.phases = {0.004, 0.009, 0.02, 6.4, 0.3, std::nullopt};
  at.usual_phases = {0.004, 0.009, 0.02, 0.8, 0.2, std::nullopt};
  at.address = "10.0.0.7";
  at.slow = true;
  at.at_ms = now.now_ms - 1000;
  StepAtSite unknown;
  unknown.site = "06655";
  unknown.machine = "pc-2";
  now.steps.push_back({"mot-cua", "dang-nhap", {"national-population-db"}, {at, unknown}});
  JourneyTrouble trouble;
  trouble.journey = "mot-cua";
  trouble.step = "dang-nhap";
  trouble.failing = true;
  trouble.reason = "status";
  trouble.since_ms = 5;
  trouble.sites = {"06652"};
  trouble.sites_measured = 54;
  trouble.seconds = 6.8;
  trouble.verdict = {Culprit::kService,
                     Certainty::kCertain,
                     "national-population-db",
                     {"Từ 09:12 …", "Since 09:12 …"},
                     {{"chậm", "slow"}, {"như thường", "as usual"}}};
  now.troubles.push_back(trouble);
  now.leases.push_back({"mot-cua", "06652", "pc-1", 60});
  now.loads.push_back({"mot-cua", 0.9, 5});
  now.objectives.push_back(
      {"mot-cua", "tra-cuu", "latency", 0.95, 3.0, 0.97, std::nullopt, {{"1h", 2.5}}, "page"});
  return now;
}

}  // namespace

TEST_CASE("what is said of journeys comes back as it was, and what is unknown is null") {
  const std::string text = EncodeJourneys(Full());
  CHECK(text.find("\"redirect\":null") != std::string::npos);
  CHECK(text.find("\"budget_left_ratio\":null") != std::string::npos);
  const auto back = DecodeJourneys(text);
  REQUIRE(back);
  CHECK(EncodeJourneys(*back) == text);
  CHECK(back->steps[0].depends_on == std::vector<std::string>{"national-population-db"});
  CHECK(back->steps[0].sites[0].phases[3] == 6.4);
  CHECK_FALSE(back->steps[0].sites[0].phases[5]);
  CHECK_FALSE(back->steps[0].sites[1].success);
  CHECK(back->troubles[0].verdict == Full().troubles[0].verdict);
  CHECK(back->objectives[0].burn[0].rate == 2.5);
  CHECK(EncodeJourneys(*DecodeJourneys(R"({"now_ms":7})")).find("\"steps\":[]") !=
        std::string::npos);
}

TEST_CASE("numbers that are none are unknown") {
  JourneysNow now = Full();
  now.steps[0].sites[0].seconds = std::numeric_limits<double>::quiet_NaN();
  now.troubles[0].seconds = std::numeric_limits<double>::infinity();
  const auto back = DecodeJourneys(EncodeJourneys(now));
  REQUIRE(back);
  CHECK_FALSE(back->steps[0].sites[0].seconds);
  CHECK_FALSE(back->troubles[0].seconds);
}

TEST_CASE("every word of a verdict is read as it is written, and no other") {
  for (const auto culprit : {Culprit::kUnknown, Culprit::kMachine, Culprit::kSite, Culprit::kLink,
                             Culprit::kSystem, Culprit::kService}) {
    CHECK(ParseCulprit(ToString(culprit)) == culprit);
  }
  for (const auto certainty : {Certainty::kUnknown, Certainty::kLikely, Certainty::kCertain}) {
    CHECK(ParseCertainty(ToString(certainty)) == certainty);
  }
  CHECK_FALSE(ParseCulprit("System"));
  CHECK_FALSE(ParseCertainty(""));
}

TEST_CASE("wrong types and words are refused, and named") {
  const auto why = [](const char* text) {
    const auto read = DecodeJourneys(text);
    return read ? std::string("taken") : read.error().message;
  };
  CHECK(why("[]") == "not a JSON object");
  CHECK(why("{}") == "journeys.now_ms: is missing");
  CHECK(why(R"({"now_ms":1,"steps":7})") == "journeys.steps: must be an array");
  CHECK(why(R"({"now_ms":1,"steps":[{"journey":"a","step":"b","depends_on":[1]}]})") ==
        "journeys.steps[0].depends_on: must be an array of texts");
  CHECK(why(R"({"now_ms":1,"steps":[{"journey":"a","step":"b","sites":[
        {"machine":"m","at_ms":1,"phases":{"tls":"slow"}}]}]})") ==
        "journeys.steps[0].sites[0].phases.tls: must be a finite number");
  CHECK(why(R"({"now_ms":1,"troubles":[{"journey":"a","step":"b","since_ms":1,
        "sites_measured":1,"verdict":{"culprit":"me","certainty":"likely"}}]})") ==
        "journeys.troubles[0].verdict.culprit: is no such place: \"me\"");
  std::string deep = R"({"now_ms":1,"steps":)";
  deep.append(5000, '[');
  CHECK(why(deep.c_str()) == "JSON is nested too deeply");
}

TEST_CASE("damaged bytes are refused or read, and nothing worse") {
  const std::string text = EncodeJourneys(Full());
  std::mt19937 random(7);
  for (int i = 0; i < 4000; ++i) {
    std::string damaged = text;
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    if (i % 3 == 0) damaged.resize(random() % damaged.size());
    if (const auto read = DecodeJourneys(damaged)) (void)EncodeJourneys(*read);
  }
}
