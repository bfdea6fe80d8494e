#include "collector/remote/sender.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/agent/log_capture.h"
#include "tests/collector/remote/raw_receiver.h"
#include "tests/collector/remote/sender_run.h"
#include "tests/support/broker_process.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using Seen = RawReceiver::Seen;

namespace {

bool HasLine(const Seen& seen, const std::string& line) {
  return seen.head.find("\r\n" + line + "\r\n") != std::string::npos;
}

void WriteSecret(const std::string& path, const std::string& text) {
  std::ofstream(path) << text << '\n';
  REQUIRE(chmod(path.c_str(), 0600) == 0);
}

// Ends within the time that is promised.
void StopInTime(Sender& sender) {
  const auto begun = Steady::now();
  sender.Stop();
  CHECK(Steady::now() - begun < 2s);
}

}  // namespace

TEST_CASE("requests arrive in order, over one connection, as the protocol wants them") {
  RawReceiver receiver([](const Seen&, size_t) { return WithStatus(204); });
  SenderRun run;
  run.options.headers = {{"X-Scope-OrgID", "quang-ninh"}, {"X-Empty", ""}};
  run.Start(receiver.Url("/api/v1/write?extra_label=a%3Db"));
  for (int i = 1; i <= 20; ++i) run.Offer(i);
  run.AwaitSettled(20);
  const auto outcomes = run.outcomes();
  for (size_t i = 0; i < 20; ++i) {
    CHECK(outcomes[i].accepted);
    CHECK(outcomes[i].samples == 1);
    CHECK(outcomes[i].cursor == static_cast<int64_t>(i + 1));
  }
  const auto numbers = Numbers(receiver);
  REQUIRE(numbers.size() == 20);
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(receiver.connections() == 1);
  const Seen seen = receiver.seen()[0];
  CHECK(seen.head.starts_with("POST /api/v1/write?extra_label=a%3Db HTTP/1.1\r\n"));
  for (const char* line :
       {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
        "X-Prometheus-Remote-Write-Version: 0.1.0", "X-Scope-OrgID: quang-ninh", "X-Empty:"}) {
    INFO(line << " in " << seen.head);
    CHECK(HasLine(seen, line));
  }
  CHECK(HasLine(seen, std::string("User-Agent: haidang-collector/") + HAIDANG_VERSION));
  CHECK(seen.head.find("Expect") == std::string::npos);
  CHECK(seen.head.find("Authorization") == std::string::npos);
  CHECK(run.counters->sent.Value() == 20);
  CHECK(run.counters->refused.Value() == 0);
  CHECK(run.counters->retried.Value() == 0);
  CHECK(run.counters->pending.Value() == 0);
}

TEST_CASE("what a receiver cannot take now is sent again until it can, and nothing overtakes it") {
  const LogCapture log;
  SenderRun run;
  const int status = GENERATE(500, 502, 503, 599, 429, 301, 308);
  RawReceiver receiver([&](const Seen&, size_t before) {
    return before < 12 ? WithStatus(status, "", "not now\n\x1b[31m") : WithStatus(200);
  });
  run.Start(receiver.Url());
  for (int i = 1; i <= 3; ++i) run.Offer(i);
  run.AwaitSettled(3);
  run.sender->Stop();
  const auto numbers = Numbers(receiver);
  REQUIRE(numbers.size() == 15);
  CHECK(std::count(numbers.begin(), numbers.end(), 1) == 13);
  CHECK(std::is_sorted(numbers.begin(), numbers.end()));
  CHECK(run.counters->sent.Value() == 3);
  CHECK(run.counters->retried.Value() == 12);
  CHECK(run.counters->refused.Value() == 0);
  INFO(log.text());
  CHECK(log.Count("HTTP " + std::to_string(status) + ": not now??[31m") == 1);
  CHECK(log.Count("takes samples again, after 12 failed attempts") == 1);
}

TEST_CASE("a receiver that fails every other time is not told of each time") {
  const LogCapture log;
  RawReceiver receiver(
      [&](const Seen&, size_t before) { return WithStatus(before % 2 == 0 ? 500 : 204); });
  SenderRun run;
  run.Start(receiver.Url());
  for (int i = 1; i <= 10; ++i) {
    run.Offer(i);
    run.AwaitSettled(static_cast<size_t>(i));
  }
  run.sender->Stop();
  INFO(log.text());
  CHECK(log.Count("HTTP 500") == 1);
  CHECK(log.Count("takes samples again") == 1);
}

TEST_CASE("Retry-After is waited for, as seconds and as a date") {
  const bool date = GENERATE(false, true);
  const int status = GENERATE(429, 503);
  std::vector<Steady::time_point> times;
  RawReceiver receiver([&](const Seen&, size_t before) {
    times.push_back(Steady::now());
    if (before > 0) return WithStatus(204);
    const time_t in_two = time(nullptr) + 2;
    char text[64];
    std::tm parts{};
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&in_two, &parts));
    return WithStatus(status, std::string("retry-after:  ") + (date ? text : "1") + "\r\n");
  });
  {
    SenderRun run;
    run.Start(receiver.Url());
    run.Offer(1);
    run.AwaitSettled(1);
  }
  REQUIRE(times.size() == 2);
  CHECK(times[1] - times[0] >= 990ms);
  CHECK(times[1] - times[0] < 15s);
}

TEST_CASE("what a receiver refuses for good is dropped, counted, and told once") {
  const int status = GENERATE(400, 401, 404, 413, 422, 499);
  const LogCapture log;
  RawReceiver receiver([&](const Seen&, size_t before) {
    const std::string body = "out of order\r\nsample" + std::string(5000, 'x');
    return before < 5 ? WithStatus(status, "Retry-After: 100\r\n", body) : WithStatus(200);
  });
  SenderRun run;
  run.Start(receiver.Url());
  for (int i = 1; i <= 6; ++i) run.Offer(i);
  run.AwaitSettled(6);
  run.sender->Stop();
  CHECK(Numbers(receiver) == std::vector<int>{1, 2, 3, 4, 5, 6});
  const auto outcomes = run.outcomes();
  for (size_t i = 0; i < 6; ++i) {
    CHECK(outcomes[i].accepted == (i == 5));
    CHECK(outcomes[i].cursor == static_cast<int64_t>(i + 1));
  }
  CHECK(run.counters->refused.Value() == 5);
  CHECK(run.counters->sent.Value() == 1);
  CHECK(run.counters->retried.Value() == 0);
  INFO(log.text());
  CHECK(log.Count("HTTP " + std::to_string(status) + ": out of order??sample") == 1);
  CHECK(log.text().size() < 1000);
}

TEST_CASE("a receiver that does not answer, closes, or talks nonsense has not accepted") {
  const LogCapture log;
  const std::string how = GENERATE("silent", "closes", "half", "nonsense", "headers", "1xx");
  RawReceiver receiver([&](const Seen&, size_t before) -> RawReceiver::Reply {
    if (before >= 2) return WithStatus(204);
    if (how == "silent") return {""};
    if (how == "closes") return {"", true};
    if (how == "half") return {"HTTP/1.1 200 OK\r\nContent-", true};
    if (how == "nonsense") return {"220 smtp.example ESMTP\r\n\r\n", true};
    if (how == "1xx") return {"HTTP/1.1 103 Early\r\n\r\n", true};
    return {"HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\n"};
  });
  SenderRun run;
  run.options.timeout = 1s;
  run.Start(receiver.Url());
  run.Offer(1);
  run.AwaitSettled(1);
  run.sender->Stop();
  INFO(how << ": " << log.text());
  CHECK(run.outcomes()[0].accepted);
  CHECK(run.counters->retried.Value() == 2);
  CHECK(log.Count("no answer: ") >= 1);
}

TEST_CASE("headers without end are given up") {
  RawReceiver receiver([&](const Seen&, size_t before) -> RawReceiver::Reply {
    if (before >= 1) return WithStatus(204);
    return {"HTTP/1.1 200 OK\r\n", false, "X-Wide: " + std::string(5000, 'x') + "\r\n"};
  });
  const LogCapture log;
  SenderRun run;
  run.Start(receiver.Url());
  run.Offer(1);
  run.AwaitSettled(1);
  run.sender->Stop();
  CHECK(run.counters->retried.Value() == 1);
  INFO(log.text());
  CHECK(log.Count("headers do not end") == 1);
}

TEST_CASE("a status counts, whatever comes of the body after it") {
  const bool good = GENERATE(true, false);
  RawReceiver receiver([&](const Seen&, size_t) -> RawReceiver::Reply {
    return {std::string("HTTP/1.1 ") + (good ? "200" : "400") + " X\r\n\r\n", false,
            std::string(10000, 'b')};
  });
  const LogCapture log;
  SenderRun run;
  run.Start(receiver.Url());
  run.Offer(1);
  run.Offer(2);
  run.AwaitSettled(2);
  run.sender->Stop();
  CHECK(run.outcomes()[0].accepted == good);
  CHECK(receiver.requests() == 2);
  CHECK(log.text().size() < 1000);
}

TEST_CASE("nobody listens: everything waits, and the sender ends at once") {
  SenderRun run;
  run.Start("http://127.0.0.1:" + std::to_string(FreePort()) + "/w");
  run.Offer(1);
  SenderRun::Await([&] { return run.counters->retried.Value() >= 5; });
  CHECK(run.outcomes().empty());
  CHECK(run.counters->pending.Value() == 1);
  StopInTime(*run.sender);
}

TEST_CASE("the sender ends at once while it waits for an answer or for a time") {
  const bool silent = GENERATE(true, false);
  RawReceiver receiver([&](const Seen&, size_t) {
    return silent ? RawReceiver::Reply{""} : WithStatus(503, "Retry-After: 600\r\n");
  });
  SenderRun run;
  run.Start(receiver.Url());
  run.Offer(1);
  SenderRun::Await([&] { return receiver.requests() == 1; });
  StopInTime(*run.sender);
  CHECK(run.outcomes().empty());
}

TEST_CASE("the queue says when it is full, and nobody waits for it") {
  std::atomic<bool> open = false;
  RawReceiver receiver(
      [&](const Seen&, size_t) { return open ? WithStatus(204) : WithStatus(503); });
  SenderRun run;
  run.Start(receiver.Url());
  size_t offered = 0;
  const auto begun = Steady::now();
  while (run.sender->HasRoom()) run.Offer(static_cast<int64_t>(++offered));
  CHECK(offered == Sender::kMaxQueued);
  run.Offer(static_cast<int64_t>(++offered));  // the rest of a row
  CHECK(Steady::now() - begun < 1s);
  CHECK_FALSE(run.sender->HasRoom());
  open = true;
  run.AwaitSettled(offered);
  CHECK(run.sender->HasRoom());
  Request large;
  large.body.resize(Sender::kMaxQueuedBytes);
  open = false;
  run.sender->Offer(std::move(large));
  CHECK_FALSE(run.sender->HasRoom());
}

TEST_CASE("no redirection is followed, least of all with credentials") {
  const TempDir dir;
  WriteSecret(dir / "token", "s3cret-token");
  const LogCapture log;
  RawReceiver other([](const Seen&, size_t) { return WithStatus(204); });
  RawReceiver receiver([&](const Seen&, size_t before) {
    return before < 3 ? WithStatus(307, "Location: " + other.Url("/w?k=s3cret-key") + "\r\n")
                      : WithStatus(204);
  });
  SenderRun run;
  run.options.bearer_token_file = dir / "token";
  run.Start(receiver.Url());
  run.Offer(1);
  run.AwaitSettled(1);
  run.sender->Stop();
  CHECK(other.connections() == 0);
  CHECK(run.outcomes()[0].accepted);
  INFO(log.text());
  CHECK(log.Count("HTTP 307 to " + other.Url("/w") + ", which is not followed") == 1);
  CHECK(log.Count("s3cret") == 0);
}

TEST_CASE("passwords and tokens come from their files, and may change") {
  const TempDir dir;
  const LogCapture log;
  RawReceiver receiver([](const Seen&, size_t) { return WithStatus(204); });
  SenderRun run;
  const auto sent = [&](int number) {
    run.Offer(number);
    run.AwaitSettled(static_cast<size_t>(number));
    return receiver.seen().back();
  };
  SECTION("basic") {
    WriteSecret(dir / "password", "mở: cửa");
    run.options.user = "hai-dang";
    run.options.password_file = dir / "password";
    run.Start(receiver.Url());
    CHECK(HasLine(sent(1), "Authorization: Basic aGFpLWRhbmc6beG7nzogY+G7rWE="));
    WriteSecret(dir / "password", "x");
    CHECK(HasLine(sent(2), "Authorization: Basic aGFpLWRhbmc6eA=="));
  }
  SECTION("bearer") {
    WriteSecret(dir / "token", "one");
    run.options.bearer_token_file = dir / "token";
    run.Start(receiver.Url("/w?key=s3cret"));
    CHECK(HasLine(sent(1), "Authorization: Bearer one"));
    std::filesystem::remove(dir / "token");
    run.Offer(2);
    SenderRun::Await([&] { return run.counters->retried.Value() >= 3; });
    CHECK(receiver.requests() == 1);  // nothing goes without it
    WriteSecret(dir / "token", "two");
    run.AwaitSettled(2);
    CHECK(HasLine(receiver.seen().back(), "Authorization: Bearer two"));
    run.sender->Stop();
    INFO(log.text());
    CHECK(log.Count("cannot read the secret in " + (dir / "token")) == 1);
    CHECK(log.Count("s3cret") == 0);
    CHECK(log.Count("/w?***") >= 1);
  }
}
