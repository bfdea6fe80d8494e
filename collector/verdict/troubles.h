#pragma once

#include <string>
#include <vector>

#include "collector/verdict/judge.h"
#include "collector/verdict/scene.h"
#include "core/query_journeys.h"

namespace haidang::verdict {

struct Trouble {
  query::JourneyTrouble told;
  std::vector<std::string> machines;  // that have it
};

// What is in trouble now, from one look to the next: an answer stays until another one was reached
// twice in a row, so that it does not change to and fro, but nothing stays certain for a moment
// longer than its evidence. Pure; the caller looks every few seconds.
class Troubles {
 public:
  // The widest first.
  const std::vector<Trouble>& Update(const Scene& scene, std::vector<Ruling> rulings);
  const std::vector<Trouble>& now() const { return shown_; }

 private:
  struct Held {
    Trouble trouble;
    std::vector<query::Sentence> evidence;
    query::Culprit coming = query::Culprit::kUnknown;  // what was reached instead
    std::string coming_name;
    int coming_times = 0;
    int certain_times = 0;
    bool told = false;
  };
  static Held Make(const Scene& scene, const Ruling& ruling);
  static void Carry(const Held& before, Held& now);
  static void Summarize(const Scene& scene, Held& held, size_t same_cause);

  std::vector<Held> held_;
  std::vector<Trouble> shown_;
};

}  // namespace haidang::verdict
