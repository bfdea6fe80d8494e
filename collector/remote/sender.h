#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "collector/complaints.h"
#include "collector/remote/backoff.h"
#include "collector/remote/counters.h"
#include "collector/remote/http_post.h"
#include "collector/remote/options.h"
#include "collector/remote/write_request.h"
#include "core/clock.h"
#include "core/result.h"

namespace haidang::remote {

// How one request ended.
struct Outcome {
  bool accepted = false;  // else the receiver refused it for good, and it was dropped
  uint64_t samples = 0;
  std::optional<int64_t> cursor;  // the request's
};

// Sends requests to one receiver, in order, over a thread of its own, until each was accepted or
// refused: 5xx, 429, redirections and whatever gives no answer are tried again for ever.
//
// What feeds it, for each [[remote_write]], on the loop thread:
//   WriteRequests requests(options.requests, [&](Request&& r) { sender->Offer(std::move(r)); });
//   sender->Offer(MetadataRequest(Catalogue()));          // at the start, and once in a while
//   for each row of the journal after the stored cursor, while sender->HasRoom():
//     requests.Add(metric, ToldLabels(own, machine, place), samples);  // each series of the row
//     requests.Mark(row.id);
//   requests.Flush();                                     // where no row is left
// and in `settled`, posted to the loop: store outcome.cursor, go on with the rows that follow.
//
// * A receiver refuses a whole request for one sample that it does not take: rows whose times lie
//   before what was sent of their machine go in requests of their own (Flush before and after), and
//   not at all where they are older than options.out_of_order; counters.late counts those.
// * Cursors are told when a request is accepted. A receiver that takes samples out of order is sent
//   again what was committed in the last kKept before the cursor when the collector starts: both
//   may have lost power together.
class Sender {
 public:
  // On the sender's thread; must not block, nor call the Sender's Stop.
  using Settled = std::function<void(const Outcome&)>;

  // What a receiver accepted is kept until it accepts something so much later, and is sent again
  // where the connection is lost without a word before: a receiver that was killed may not have
  // written it (VictoriaMetrics keeps some ten seconds in memory). Only where samples may come out
  // of order.
  static constexpr std::chrono::seconds kKept{30};
  static constexpr size_t kKeptBytes = 32 << 20;

  static constexpr size_t kMaxQueued = 8;  // requests
  static constexpr size_t kMaxQueuedBytes = 16 << 20;

  // `clock` must outlive it; `random` gives any 64 bits.
  static Result<std::unique_ptr<Sender>> Start(const RemoteOptions& options, const Clock& clock,
                                               const RemoteCounters& counters,
                                               std::function<uint64_t()> random, Settled settled);
  // Stops.
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Whether more should be offered now. Any thread; never blocks on the receiver.
  bool HasRoom() const;
  // Always takes it; who looks at HasRoom between rows keeps the queue within its bounds and one
  // row. Any thread; never blocks on the receiver.
  void Offer(Request&& request);
  // Ends at once, at most after 2 s; what is not settled then is nobody's. Any thread but its own.
  void Stop();

 private:
  // An accepted request that its receiver may lose.
  struct Kept {
    Request request;
    int64_t accepted_ns = 0;
    int sent_again = 0;  // times
  };

  Sender(const RemoteOptions& options, const Clock& clock, const RemoteCounters& counters,
         std::function<uint64_t()> random, Settled settled, std::unique_ptr<HttpPost> post);

  void Run();
  // What to send next: null where nothing waits.
  const Request* Next() const;
  void Act(const Answer& answer);
  void Accepted();
  void Refused(const Answer& answer);
  void Later(const Answer& answer);
  // Takes what was sent away from where it waited; `accepted` as Outcome's.
  void Settle(bool accepted);
  void Keep(Kept&& kept);
  // The receiver lives longer by now than it may take to write what it accepted before.
  void ForgetOld();
  void ForgetOldest();
  void Resend(Kept&& kept);

  const RemoteOptions options_;
  const Clock& clock_;
  const RemoteCounters counters_;
  const std::function<uint64_t()> random_;
  const Settled settled_;
  const std::unique_ptr<HttpPost> post_;
  std::atomic<bool> stopping_ = false;

  mutable std::mutex mutex_;
  std::deque<Request> queue_;  // under mutex_; only the sender's thread takes away
  size_t queued_bytes_ = 0;    // under mutex_

  // The sender's thread alone.
  std::deque<Kept> kept_, resend_;
  size_t kept_bytes_ = 0;
  bool expects_fresh_ = true;  // a new connection is no sign of a loss
  Backoff backoff_;
  int64_t not_before_ns_ = 0;  // monotonic
  int64_t failing_since_ns_ = 0;
  uint64_t failed_ = 0;        // attempts since then
  bool failure_said_ = false;  // so that its end is to be said
  collector::Complaints refusals_, failures_;

  std::mutex stop_;
  std::thread thread_;  // last
};

}  // namespace haidang::remote
