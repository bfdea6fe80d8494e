#include "collector/remote/sender.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/io/thread.h"
#include "core/log.h"

namespace haidang::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kIdle{1000};  // between two looks at what is to be said
// How often a request that was accepted is sent again: where the receiver was seen to be gone, and
// where there only was another connection than before, because something on the way may end those
// that are quiet for a while.
constexpr int kMaxAfterDeath = 10;
constexpr int kMaxAfterSilence = 1;

bool IsAccepted(int status) { return status >= 200 && status < 300; }
bool IsRefused(int status) { return status >= 400 && status < 500 && status != 429; }

// Few, and not the receiver's words.
std::string KindOf(const Answer& answer) {
  return answer.status == 0 ? "no answer" : "HTTP " + std::to_string(answer.status);
}

std::string Describe(const Answer& answer) {
  if (answer.status == 0) return "no answer: " + answer.why;
  std::string text = "HTTP " + std::to_string(answer.status);
  if (!answer.location.empty()) {
    text += " to " + answer.location + ", which is not followed; write that as the url";
  }
  if (!answer.body.empty()) text += ": " + answer.body;
  return text;
}

}  // namespace

Result<std::unique_ptr<Sender>> Sender::Start(const RemoteOptions& options, const Clock& clock,
                                              const RemoteCounters& counters,
                                              std::function<uint64_t()> random, Settled settled) {
  auto post = HttpPost::Make(options);
  if (!post) return Error{"remote write to " + options.url.shown + ": " + post.error().message};
  std::unique_ptr<Sender> sender(new Sender(options, clock, counters, std::move(random),
                                            std::move(settled), std::move(*post)));
  sender->thread_ = StartThread([self = sender.get()] { self->Run(); });
  return sender;
}

Sender::Sender(const RemoteOptions& options, const Clock& clock, const RemoteCounters& counters,
               std::function<uint64_t()> random, Settled settled, std::unique_ptr<HttpPost> post)
    : options_(options),
      clock_(clock),
      counters_(counters),
      random_(std::move(random)),
      settled_(std::move(settled)),
      post_(std::move(post)),
      backoff_(options.backoff_min, options.backoff_max),
      refusals_(clock, "remote write to " + options.url.shown + ": requests dropped"),
      failures_(clock, "remote write to " + options.url.shown + ": attempts failed") {}

Sender::~Sender() { Stop(); }

void Sender::Stop() {
  const std::lock_guard lock(stop_);
  stopping_ = true;
  post_->Wake();
  if (thread_.joinable()) thread_.join();
}

bool Sender::HasRoom() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() < kMaxQueued && queued_bytes_ < kMaxQueuedBytes;
}

void Sender::Offer(Request&& request) {
  counters_.pending.Increment(static_cast<double>(request.samples));
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_ += request.body.size();
    queue_.push_back(std::move(request));
  }
  post_->Wake();
}

void Sender::Run() {
  while (!stopping_) {
    refusals_.Tick();
    failures_.Tick();
    const Request* next = Next();
    const nanoseconds wait(not_before_ns_ - clock_.MonotonicNs());
    if (next == nullptr) {
      post_->Wait(kIdle);
    } else if (wait.count() > 0) {
      post_->Wait(std::min(kIdle, std::chrono::ceil<milliseconds>(wait)));
    } else if (const auto answer = post_->Send(next->body, stopping_)) {
      Act(*answer);
    }
  }
}

const Request* Sender::Next() const {
  if (!resend_.empty()) return &resend_.front().request;
  const std::lock_guard lock(mutex_);
  return queue_.empty() ? nullptr : &queue_.front();  // stays where it is, whatever is added
}

void Sender::Act(const Answer& answer) {
  const bool died = answer.status == 0 && !answer.slow;
  std::deque<Kept> suspect;
  if (died || (answer.fresh && !expects_fresh_)) {
    suspect.swap(kept_);
    kept_bytes_ = 0;
  }
  expects_fresh_ = answer.closing || answer.status == 0;
  if (IsAccepted(answer.status)) {
    Accepted();
  } else if (IsRefused(answer.status)) {
    Refused(answer);
  } else {
    Later(answer);
  }
  for (Kept& kept : suspect) {
    if (kept.sent_again < (died ? kMaxAfterDeath : kMaxAfterSilence)) {
      Resend(std::move(kept));
    } else {
      Keep(std::move(kept));
    }
  }
}

void Sender::Accepted() {
  if (failure_said_) {
    spdlog::info("remote write to {}: takes samples again, after {} failed attempts in {} s",
                 options_.url.shown, failed_,
                 (clock_.MonotonicNs() - failing_since_ns_) / 1'000'000'000);
  }
  failure_said_ = false;
  failed_ = 0;
  ForgetOld();
  backoff_.Succeeded();
  Settle(true);
}

void Sender::Refused(const Answer& answer) {
  backoff_.Succeeded();
  if (resend_.empty() && refusals_.Met(KindOf(answer))) {
    spdlog::warn("remote write to {}: a request is dropped: {}", options_.url.shown,
                 Describe(answer));
  }
  Settle(false);
}

void Sender::Later(const Answer& answer) {
  const int64_t now_ns = clock_.MonotonicNs();
  milliseconds wait = backoff_.Failed(random_());
  if (const auto asked = ParseRetryAfter(answer.retry_after, clock_.WallMs())) {
    wait = std::max(wait, *asked);
  }
  not_before_ns_ = now_ns + nanoseconds(wait).count();
  if (failed_++ == 0) failing_since_ns_ = now_ns;
  counters_.retried.Increment(static_cast<double>(Next()->samples));
  if (failures_.Met(KindOf(answer))) {
    failure_said_ = true;
    spdlog::warn("remote write to {}: {}; trying again until it takes the samples",
                 options_.url.shown, Describe(answer));
  }
}

void Sender::Settle(bool accepted) {
  const int64_t now_ns = clock_.MonotonicNs();
  if (!resend_.empty()) {
    Kept kept = std::move(resend_.front());
    resend_.pop_front();
    kept.accepted_ns = now_ns;
    ++kept.sent_again;
    if (accepted) Keep(std::move(kept));
    return;
  }
  Request request;
  {
    const std::lock_guard lock(mutex_);
    request = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= request.body.size();
  }
  const Outcome outcome{accepted, request.samples, request.cursor};
  const auto samples = static_cast<double>(request.samples);
  counters_.pending.Decrement(samples);
  (accepted ? counters_.sent : counters_.refused).Increment(samples);
  if (accepted && options_.out_of_order.count() > 0) Keep({std::move(request), now_ns, 0});
  settled_(outcome);
}

void Sender::Keep(Kept&& kept) {
  kept_bytes_ += kept.request.body.size();
  kept_.push_back(std::move(kept));
  while (kept_bytes_ > kKeptBytes) ForgetOldest();
}

void Sender::ForgetOld() {
  const int64_t before_ns = clock_.MonotonicNs() - nanoseconds(kKept).count();
  while (!kept_.empty() && kept_.front().accepted_ns < before_ns) ForgetOldest();
}

void Sender::ForgetOldest() {
  kept_bytes_ -= kept_.front().request.body.size();
  kept_.pop_front();
}

void Sender::Resend(Kept&& kept) {
  counters_.retried.Increment(static_cast<double>(kept.request.samples));
  resend_.push_back(std::move(kept));
}

}  // namespace haidang::remote
