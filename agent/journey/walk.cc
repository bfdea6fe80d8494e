#include "agent/journey/walk.h"

#include <chrono>
#include <optional>
#include <utility>

#include "agent/journey/encode.h"
#include "agent/probe/cookie_jar.h"

namespace haidang::agent {

struct JourneyWalk::State {
  State(const CurlApi& api, Result<Secrets> read) : cookies(api), secrets(std::move(read)) {}

  std::optional<std::string_view> ValueOf(std::string_view name) const {
    constexpr std::string_view kSecret = "secret.";
    if (name.starts_with(kSecret)) return secrets->Find(name.substr(kSecret.size()));
    const auto found = taken.find(name);
    return found == taken.end() ? std::nullopt : std::optional<std::string_view>(found->second);
  }

  CookieJar cookies;
  Result<Secrets> secrets;
  std::map<std::string, std::string, std::less<>> taken;
  size_t step = 0;
  int64_t begun_ns = 0;  // of the walk
  int64_t step_begun_ns = 0;
  Ended ended;
  std::function<void()> done;
  std::unique_ptr<Timer> timer;  // think time, and what must not be done within a callback
  std::unique_ptr<Probe> probe;  // after the jar: its request holds it
};

JourneyWalk::JourneyWalk(const JourneyOptions& options, const WalkTools& tools)
    : options_(options), tools_(tools) {}
JourneyWalk::~JourneyWalk() = default;

void JourneyWalk::Begin(Ended ended, std::function<void()> done) {
  state_ = std::make_unique<State>(tools_.api, ReadSecrets(options_));
  state_->ended = std::move(ended);
  state_->done = std::move(done);
  state_->begun_ns = tools_.clock.MonotonicNs();
  // Later: what ends at once must not end within Begin.
  state_->timer = tools_.loop.After(std::chrono::milliseconds(0), [this] { Send(); });
}

void JourneyWalk::Next() {
  if (++state_->step == options_.steps.size()) return Finish();
  const auto think = options_.steps[state_->step].think_time;
  state_->timer = tools_.loop.After(think, [this] { Send(); });
}

void JourneyWalk::Send() {
  state_->step_begun_ns = tools_.clock.MonotonicNs();
  if (!state_->secrets) {
    ProbeResult failed;
    failed.reason = ProbeReason::kInternal;
    failed.detail = state_->secrets.error().message;
    return OnResult(std::move(failed));
  }
  const StepOptions& step = options_.steps[state_->step];
  auto request = Fill(step);
  if (!request) {
    ProbeResult failed;
    failed.reason = ProbeReason::kContent;
    failed.detail = request.error().message;
    return OnResult(std::move(failed));
  }
  if (step.rules.keep_answer) {
    request->judge = [this, &step](const HttpAnswer& answer) { return Judge(step, answer); };
  }
  state_->probe = std::make_unique<Probe>(std::move(*request), tools_.loop, tools_.clock,
                                          tools_.http, tools_.resolver, &state_->cookies);
  state_->probe->Run([this](ProbeResult result) {
    // The probe calls from within itself: it may only go once that has ended.
    auto held = std::make_shared<ProbeResult>(std::move(result));
    state_->timer = tools_.loop.After(std::chrono::milliseconds(0),
                                      [this, held] { OnResult(std::move(*held)); });
  });
}

// A value that has no place in a URL, or makes it too long, is the fault of the answer that it came
// from.
Status JourneyWalk::FillUrl(const StepOptions& step, ProbeOptions& request) const {
  const auto values = [this](std::string_view name) { return state_->ValueOf(name); };
  auto url = step.url.Fill(values);
  if (!url) return url.error();
  request.url = std::move(*url);
  if (const size_t at = request.url.find('#'); at != std::string::npos) request.url.resize(at);
  for (const auto& [name, text] : step.query) {
    const auto value = text.Fill(values);
    if (!value) return value.error();
    request.url += request.url.find('?') == std::string::npos ? '?' : '&';
    request.url += PercentEncode(name) + "=" + *value;
  }
  if (const auto parsed = ParseUrl(request.url); !parsed) {
    return Error{"with the values taken, the URL cannot be used: " + parsed.error().message};
  }
  return {};
}

Result<ProbeOptions> JourneyWalk::Fill(const StepOptions& step) const {
  const auto values = [this](std::string_view name) { return state_->ValueOf(name); };
  ProbeOptions request = step.rules;
  if (const Status filled = FillUrl(step, request); !filled) return filled.error();
  for (const auto& [name, text] : step.headers) {
    const auto value = text.Fill(values);
    if (!value) return value.error();
    request.headers.push_back(name + ": " + *value);
  }
  for (const auto& [name, text] : step.form) {
    const auto value = text.Fill(values);
    if (!value) return value.error();
    if (!request.body.empty()) request.body += '&';
    request.body += FormEncode(name) + "=" + *value;
  }
  if (step.has_json) {
    auto json = step.json.Fill(values);
    if (!json) return json.error();
    request.body = std::move(*json);
  }
  return request;
}

Status JourneyWalk::Judge(const StepOptions& step, const HttpAnswer& answer) {
  if (const Status json = CheckJson(answer.body, step.expectations); !json) return json;
  const TakeAnswer brought{answer.body, answer.headers, answer.cookies};
  for (const TakeRule& rule : step.takes) {
    auto value = Take(rule, brought);
    if (!value) return value.error();
    state_->taken.insert_or_assign(rule.name, std::move(*value));
  }
  return {};
}

void JourneyWalk::OnResult(ProbeResult result) {
  if (state_->secrets) result.detail = state_->secrets->Mask(result.detail);
  result.body.clear();
  const bool failed = result.reason != ProbeReason::kNone;
  const int64_t begin_us = (state_->step_begun_ns - state_->begun_ns) / 1000;
  state_->ended(state_->step, begin_us, std::move(result));
  if (failed) return Finish();
  Next();
}

// Must be the last that its caller does: `done` may begin the next walk.
void JourneyWalk::Finish() {
  const auto done = std::move(state_->done);
  state_.reset();
  done();
}

}  // namespace haidang::agent
