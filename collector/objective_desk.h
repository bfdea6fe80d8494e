#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/detect/findings.h"
#include "collector/metrics.h"
#include "collector/places.h"
#include "collector/presence.h"
#include "collector/slo/burn.h"
#include "collector/slo/targets.h"
#include "collector/store/reader.h"
#include "core/calendar.h"
#include "core/clock.h"
#include "core/io/loop.h"
#include "core/query_journeys.h"
#include "core/trouble.h"

namespace haidang::collector {

// Follows how objectives are kept: reads each minute, on a worker, what was stored of their runs,
// tells it and opens findings where their error budgets burn (docs/objectives.md). Loop thread
// only.
class ObjectiveDesk {
 public:
  using OpenReader = std::function<Result<std::unique_ptr<store::Reader>>()>;

  // What is passed by reference must outlive it. `open` is called on a worker, also after the
  // desk's end. `own`: objectives where the server has none.
  ObjectiveDesk(Loop& loop, const Clock& clock, Metrics& metrics, OpenReader open,
                std::function<const Places&()> places, std::vector<query::Objective> own);
  ~ObjectiveDesk();
  ObjectiveDesk(const ObjectiveDesk&) = delete;
  ObjectiveDesk& operator=(const ObjectiveDesk&) = delete;

  void EverySecond(Moment now, detect::FindingBook& book);
  void Describe(query::JourneysNow& journeys) const;

 private:
  struct Pass;
  struct Kept {
    slo::Target target;
    slo::Standing standing;
    Metrics::ObjectiveGauges gauges;
  };
  using StepKey = std::pair<std::string, std::string>;  // journey, step

  void Begin(int64_t wall_ms);
  void Done(Pass& pass);
  void ShowGauges(Kept& kept);
  void ShowFindings(int64_t now_ms, detect::FindingBook& book);
  void CloseCalm(int64_t now_ms, const std::map<StepKey, const Kept*>& followed,
                 detect::FindingBook& book);

  Loop& loop_;
  Metrics& metrics_;
  OpenReader open_;
  std::function<const Places&()> places_;
  std::vector<query::Objective> own_;
  std::shared_ptr<Pass> pass_;           // a worker's while `working_`
  std::vector<Kept> kept_;               // as the last pass found it
  std::map<StepKey, int64_t> burnt_ms_;  // when each open finding's alarm was there last
  Trouble unread_;
  size_t left_out_ = 0;
  int seconds_ = 0;
  bool working_ = false;
  bool judged_ = false;  // a pass ended that findings do not show yet
};

}  // namespace haidang::collector
