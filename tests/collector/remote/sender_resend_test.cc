#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/agent/log_capture.h"
#include "tests/collector/remote/raw_receiver.h"
#include "tests/collector/remote/sender_run.h"

// What happens to samples that were accepted, but whose receiver may have lost them.
using namespace haidang::testing;
using namespace std::chrono_literals;
using Seen = RawReceiver::Seen;

namespace {

// Is killed after each of those requests: the connection ends without a word.
RawReceiver::Answer Dying(std::vector<size_t> ends) {
  return [ends](const Seen&, size_t before) {
    RawReceiver::Reply reply = WithStatus(204);
    reply.close = std::find(ends.begin(), ends.end(), before + 1) != ends.end();
    return reply;
  };
}

}  // namespace

TEST_CASE("what a receiver accepted just before it was killed is sent again") {
  RawReceiver receiver(Dying({3}));
  SenderRun run;
  run.options.out_of_order = 1h;
  run.Start(receiver.Url());
  for (int i = 1; i <= 4; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  SenderRun::Await([&] { return receiver.requests() == 7; });
  run.Offer(5);
  run.AwaitSettled(5);
  run.sender->Stop();
  CHECK(Numbers(receiver) == std::vector<int>{1, 2, 3, 4, 1, 2, 3, 5});
  CHECK(run.outcomes().size() == 5);
  CHECK(run.counters->sent.Value() == 5);
  CHECK(run.counters->retried.Value() == 3);
}

TEST_CASE("a receiver that dies twice is sent twice again; one that is slow is not") {
  const bool slow = GENERATE(false, true);
  // Of the requests that it sees, these get no answer: two, because libcurl tries another
  // connection by itself where one that was used before ends.
  const std::vector<size_t> lost = {2, 3, 8, 9};
  RawReceiver receiver([&](const Seen&, size_t before) -> RawReceiver::Reply {
    if (std::find(lost.begin(), lost.end(), before) == lost.end()) return WithStatus(204);
    return {"", !slow};
  });
  SenderRun run;
  run.options.out_of_order = 1h;
  run.options.timeout = 1s;
  run.Start(receiver.Url());
  for (int i = 1; i <= 6; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  run.Offer(7);
  run.AwaitSettled(7);
  const auto ones = [&] {
    const auto numbers = Numbers(receiver);
    return std::count(numbers.begin(), numbers.end(), 1);
  };
  if (!slow) SenderRun::Await([&] { return ones() == 3; });
  run.sender->Stop();
  CHECK(ones() == (slow ? 1 : 3));
  CHECK(run.outcomes().size() == 7);
  CHECK(run.counters->sent.Value() == 7);
}

TEST_CASE("where samples may not come late, or the receiver takes its leave, nothing is repeated") {
  SenderRun run;
  const bool polite = GENERATE(true, false);
  run.options.out_of_order = polite ? 1h : 0h;
  RawReceiver receiver([&](const Seen&, size_t before) {
    RawReceiver::Reply reply = WithStatus(204, polite ? "Connection: close\r\n" : "");
    reply.close = polite || before == 2;
    return reply;
  });
  run.Start(receiver.Url());
  for (int i = 1; i <= 6; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  run.sender->Stop();
  CHECK(Numbers(receiver) == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(receiver.connections() == (polite ? 6 : 2));
}

TEST_CASE(
    "a receiver that ends every connection without a word costs a bounded number of requests") {
  RawReceiver receiver([](const Seen&, size_t) {
    RawReceiver::Reply reply = WithStatus(204);
    reply.close = true;
    return reply;
  });
  SenderRun run;
  run.options.out_of_order = 1h;
  run.Start(receiver.Url());
  for (int i = 1; i <= 10; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  run.Offer(11);
  run.AwaitSettled(11);
  run.sender->Stop();
  CHECK(receiver.requests() <= 22);
  CHECK(run.counters->sent.Value() == 11);
}

TEST_CASE("what is sent again and refused then is not lost: it was accepted") {
  RawReceiver receiver([](const Seen&, size_t before) {
    if (before == 3) return WithStatus(400, "", "duplicate sample");
    RawReceiver::Reply reply = WithStatus(204);
    reply.close = before == 1;
    return reply;
  });
  const LogCapture log;
  SenderRun run;
  run.options.out_of_order = 1h;
  run.Start(receiver.Url());
  for (int i = 1; i <= 3; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  SenderRun::Await([&] { return receiver.requests() == 5; });
  run.Offer(4);
  run.AwaitSettled(4);
  run.sender->Stop();
  CHECK(Numbers(receiver) == std::vector<int>{1, 2, 3, 1, 2, 4});
  CHECK(run.counters->refused.Value() == 0);
  CHECK(log.Count("dropped") == 0);
}
