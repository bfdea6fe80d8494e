#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "collector/detect/findings.h"
#include "collector/detect/watches.h"
#include "core/query.h"

namespace haidang::detect {

struct DetectOptions {
  std::chrono::milliseconds vanished_after{30000};  // gone for so long: a finding
  int failing_runs = 2;                             // failed probes, or checks, in a row: a finding
};

// Whom a reading is about.
struct Subject {
  int64_t id = 0;  // stable while the collector runs
  std::string_view machine;
  int64_t interval_ms = 15000;  // between its ticks
};

struct ProbeReading {
  std::string_view journey;
  std::string_view step;
  std::optional<bool> success;
  std::optional<double> seconds;
  std::string_view reason;                      // of failure
  const query::Objective* objective = nullptr;  // null: none is set
  // How many runs ended: a batch with the same number repeats the last result. Nothing where the
  // agent does not tell: then each batch is a run.
  std::optional<double> runs;
};

// What a monitoring plug-in says.
struct CheckReading {
  std::string_view name;
  std::optional<double> state;  // 0 ok, 1 warning, 2 critical, else unknown
  std::string_view output;      // its first line
  std::optional<double> runs;   // as ProbeReading's
};

// Where a machine stands, asked only when a finding opens.
struct Whereabouts {
  std::string site;
  std::string site_name;
  std::string machine_class;
};

// Turns what is seen into findings that open and close; while one is open its evidence is that of
// the latest reading (but `for_seconds`: how long it had lasted when it was opened). Loop thread
// only; pure but for the book.
class Detector {
 public:
  using Where = std::function<Whereabouts(std::string_view machine, int64_t now_ms)>;

  Detector(DetectOptions options, FindingBook& book, Where where)
      : options_(options), book_(book), where_(std::move(where)) {}

  // At each second and each change of state.
  void SeeMachine(const Subject& subject, query::State state, int64_t since_ms, int64_t now_ms);
  // At each live batch, for each probe that the machine has.
  void SeeProbe(const Subject& subject, const ProbeReading& reading, int64_t now_ms);
  // At each live batch, for each check that the machine has.
  void SeeCheck(const Subject& subject, const CheckReading& reading, int64_t now_ms);

 private:
  struct ProbeWatch {
    FailureWatch failure;
    SlowWatch slow;
    int64_t known_ms = 0;        // when success or time was known last
    std::optional<double> runs;  // of the last reading
  };
  struct CheckWatch {
    FailureWatch failure;
    int64_t known_ms = 0;        // when its state was known last
    std::optional<double> runs;  // of the last reading
  };
  struct MachineWatch {
    GoneWatch gone;
    // By journey, then step.
    std::map<std::string, std::map<std::string, ProbeWatch, std::less<>>, std::less<>> probes;
    std::map<std::string, CheckWatch, std::less<>> checks;  // by name
  };

  void SeeFailure(const Subject& subject, const ProbeReading& reading, ProbeWatch& watch,
                  int64_t now_ms);
  // The finding is open, and it failed again.
  void AmendFailure(const FindingKey& key, const ProbeReading& reading, int64_t now_ms);
  void SeeSlow(const Subject& subject, const ProbeReading& reading, ProbeWatch& watch,
               int64_t now_ms, bool repeated);
  ProbeWatch& WatchOf(const Subject& subject, const ProbeReading& reading, int64_t now_ms);
  void CloseReadings(std::string_view machine, int64_t now_ms, const std::string& why);
  query::Finding Begin(FindingKey key, int64_t now_ms, const Whereabouts& where) const;

  // A probe, or a check, of which nothing is known for so long is made no more.
  static constexpr int64_t kForgottenMs = int64_t{15} * 60 * 1000;

  DetectOptions options_;
  FindingBook& book_;
  Where where_;
  std::unordered_map<int64_t, MachineWatch> machines_;
};

}  // namespace haidang::detect
