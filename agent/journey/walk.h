#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/journey/journey_options.h"
#include "agent/probe/probe.h"

namespace haidang::agent {

// What walks are made with. All must outlive them.
struct WalkTools {
  const CurlApi& api;
  Loop& loop;
  const Clock& clock;
  Http& http;
  Resolver& resolver;
};

// Walks a journey, step by step, one walk at a time; a step that fails ends it. Cookies, taken
// values and secrets live as long as a walk. What it tells for people holds no secret. Loop thread
// only; may be destroyed at any time, but not by its own callbacks.
class JourneyWalk {
 public:
  // A step ended; steps that are not reached are not told. `begin_us`: since the walk began.
  using Ended = std::function<void(size_t step, int64_t begin_us, ProbeResult result)>;

  // `options` must outlive it.
  JourneyWalk(const JourneyOptions& options, const WalkTools& tools);
  ~JourneyWalk();

  // `done` is called once, later, after the last step's `ended`, and may begin the next walk.
  // Required: !walking().
  void Begin(Ended ended, std::function<void()> done);
  bool walking() const { return state_ != nullptr; }

 private:
  struct State;
  void Next();
  void Send();
  void OnResult(ProbeResult result);
  void Finish();
  Result<ProbeOptions> Fill(const StepOptions& step) const;
  Status FillUrl(const StepOptions& step, ProbeOptions& request) const;
  Status Judge(const StepOptions& step, const HttpAnswer& answer);

  const JourneyOptions& options_;
  const WalkTools tools_;
  std::unique_ptr<State> state_;  // of the walk under way
};

}  // namespace haidang::agent
