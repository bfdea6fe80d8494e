#include "tests/collector/verdict_faults.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

using namespace haidang;
using namespace haidang::verdict;
using namespace haidang::verdict::testing;
using query::Certainty;
using query::Culprit;

namespace {

int Seeds(int otherwise) {
  const char* given = std::getenv("HAIDANG_SEEDS");
  return given == nullptr ? otherwise : std::max(1, std::atoi(given));
}

struct Outcome {
  std::string wrong;  // what was certain and wrong; "" where nothing was
  bool right = false, told = false, certain = false;
};

Outcome Try(const Fault& fault, const Setting& setting, uint64_t seed) {
  Province province(setting, seed);
  province.Pass(static_cast<int>(setting.interval_s) * 14);
  Outcome outcome;
  province.looked = [&](const std::vector<Trouble>& troubles) {
    for (const Trouble& trouble : troubles) {
      const query::Verdict& verdict = trouble.told.verdict;
      if (verdict.certainty != Certainty::kCertain || fault.right.contains(verdict.culprit))
        continue;
      outcome.wrong =
          std::string(fault.name) + ", seed " + std::to_string(seed) + ": " + verdict.summary.en;
      for (const auto& sentence : verdict.evidence) outcome.wrong += "\n    " + sentence.en;
    }
  };
  province.Pass(6);
  outcome.wrong.clear();
  fault.inject(province);
  province.Pass(static_cast<int>(setting.interval_s) * 9);
  if (province.troubles().empty()) return outcome;
  const query::Verdict& verdict = province.troubles()[0].told.verdict;
  outcome.told = verdict.culprit != Culprit::kUnknown;
  outcome.right = fault.right.contains(verdict.culprit);
  outcome.certain = verdict.certainty == Certainty::kCertain;
  if (std::getenv("HAIDANG_VERDICTS") != nullptr) {
    for (const Trouble& trouble : province.troubles()) {
      std::cout << fault.name << " | " << query::ToString(trouble.told.verdict.culprit) << " "
                << query::ToString(trouble.told.verdict.certainty) << " | "
                << trouble.told.verdict.summary.vi << "\n";
    }
  }
  return outcome;
}

// Something of what could be measured is not.
Setting Lacking(uint64_t seed) {
  Setting setting;
  std::mt19937_64 random(seed * 7919 + 1);
  const auto lacks = [&] { return random() % 3 == 0; };
  setting.sites = 1 + random() % 9;
  setting.gateways = !lacks();
  setting.hub = !lacks();
  setting.hosts = !lacks();
  setting.names = !lacks();
  setting.other_names = !lacks();
  setting.loads = !lacks();
  setting.portal_machines = !lacks();
  setting.service_machine = lacks();
  setting.service_probe = lacks();
  setting.interval_s = lacks() ? 15 : 5;
  return setting;
}

}  // namespace

TEST_CASE("what is certain is right, whatever is measured or not") {
  for (const Fault& fault : Faults()) {
    for (int seed = 1; seed <= Seeds(12); ++seed) {
      const auto number = static_cast<uint64_t>(seed);
      const Outcome outcome = Try(fault, Lacking(number), number);
      CHECK(outcome.wrong == "");
    }
  }
}

TEST_CASE("faults are put where they are") {
  REQUIRE(Faults().size() >= 60);
  int faults = 0, right = 0, certain = 0;
  std::string missed;
  for (const Fault& fault : Faults()) {
    int good = 0, sure = 0;
    const int seeds = Seeds(12);
    std::map<std::string, int> got;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Outcome outcome = Try(fault, Setting{}, static_cast<uint64_t>(seed));
      CHECK(outcome.wrong == "");
      good += outcome.right ? 1 : 0;
      sure += outcome.certain && outcome.right ? 1 : 0;
    }
    ++faults;
    right += good * 10 >= seeds * 8 ? 1 : 0;
    certain += sure * 2 > seeds ? 1 : 0;
    if (good * 10 < seeds * 8 && fault.telling) {
      missed += std::string("\n  ") + fault.name + ": " + std::to_string(good) + " of " +
                std::to_string(seeds);
    }
  }
  std::cout << "verdicts: " << faults << " faults, " << right << " right, " << certain
            << " of them certain" << missed << "\n";
  CHECK(right * 10 >= faults * 9);
}
