#include <catch2/catch.hpp>

#include "collector/detect/detector.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::detect;
using query::State;

namespace {

constexpr int64_t kNow = 1767573000000;

struct Bench {
  FindingBook book{{}, 0};
  Detector detector{{}, book, [](std::string_view, int64_t) {
                      return Whereabouts{"06652", "Phường Hồng Gai", "workstation"};
                    }};
  Subject subject{1, "ward-1", 15000};
  query::Objective objective{"mot-cua", "tra-cuu", 3, 5};

  void Machine(State state, int64_t since_s, int64_t now_s) {
    detector.SeeMachine(subject, state, kNow + since_s * 1000, kNow + now_s * 1000);
  }
  void Probe(std::optional<bool> success, std::optional<double> seconds, int64_t now_s,
             const char* reason = "") {
    detector.SeeProbe(subject, {"mot-cua", "tra-cuu", success, seconds, reason, &objective, {}},
                      kNow + now_s * 1000);
  }
  // The result of run `run`, as a batch tells it.
  void Run(double run, bool success, double seconds, int64_t now_s) {
    detector.SeeProbe(subject, {"mot-cua", "tra-cuu", success, seconds, "", &objective, run},
                      kNow + now_s * 1000);
  }
  bool Open(const char* kind) const {
    const bool probe = std::string(kind) != "machine_vanished";
    return book.IsOpen({kind, "ward-1", probe ? "mot-cua" : "", probe ? "tra-cuu" : ""});
  }
};

}  // namespace

TEST_CASE("a vanished machine is a finding after its patience, closed when it is back") {
  Bench b;
  b.Machine(State::kVanished, 0, 29);
  CHECK_FALSE(b.Open("machine_vanished"));
  b.Machine(State::kVanished, 0, 30);
  REQUIRE(b.Open("machine_vanished"));
  const query::Finding& finding = b.book.open().begin()->second;
  CHECK(finding.site == "06652");
  CHECK(finding.site_name == "Phường Hồng Gai");
  CHECK(finding.words.at("class") == "workstation");
  CHECK(finding.words.at("state") == "vanished");
  CHECK(finding.numbers.at("for_seconds") == 30);
  CHECK(finding.opened_ms == kNow + 30000);
  b.Machine(State::kVanished, 0, 31);
  CHECK(b.book.open().size() == 1);
  b.Machine(State::kOnline, 40, 40);
  CHECK_FALSE(b.Open("machine_vanished"));
}

TEST_CASE("silence counts from the last word, and vanishing later does not begin anew") {
  Bench b;
  b.Machine(State::kSilent, -45, 0);
  CHECK(b.Open("machine_vanished"));
  Bench c;
  c.Machine(State::kSilent, 0, 10);
  c.Machine(State::kVanished, 20, 30);
  CHECK(c.Open("machine_vanished"));
}

TEST_CASE("a clock that steps back puts a finding off by its patience, no longer") {
  Bench b;
  b.Machine(State::kVanished, 0, 10);
  b.Machine(State::kVanished, 0, -3600);
  CHECK_FALSE(b.Open("machine_vanished"));
  b.Machine(State::kVanished, 0, -3570);
  CHECK(b.Open("machine_vanished"));
}

TEST_CASE("who said goodbye is no finding") {
  Bench b;
  b.Machine(State::kStopped, 0, 4000);
  b.Machine(State::kSuspended, 0, 4000);
  CHECK(b.book.open().empty());
}

TEST_CASE("one failed probe is none, two in a row are; the reason is kept; success closes") {
  Bench b;
  b.Probe(false, 4.0, 0, "timeout");
  CHECK_FALSE(b.Open("probe_failed"));
  b.Probe(false, 4.0, 15, "timeout");
  REQUIRE(b.Open("probe_failed"));
  const query::Finding& finding = b.book.open().begin()->second;
  CHECK(finding.words.at("reason") == "timeout");
  CHECK(finding.numbers.at("failures") == 2);
  b.Probe(std::nullopt, std::nullopt, 30);
  CHECK(b.Open("probe_failed"));
  b.Probe(true, 0.2, 45);
  CHECK_FALSE(b.Open("probe_failed"));
}

TEST_CASE("an unknown reading breaks the row of failures") {
  Bench b;
  b.Probe(false, 1.0, 0);
  b.Probe(std::nullopt, std::nullopt, 15);
  b.Probe(false, 1.0, 30);
  CHECK_FALSE(b.Open("probe_failed"));
  b.Probe(false, 1.0, 45);
  CHECK(b.Open("probe_failed"));
}

TEST_CASE("a response over its objective is a finding after five minutes of nothing else") {
  Bench b;
  for (int64_t s = 0; s < 300; s += 15) {
    b.Probe(true, 3.5, s);
    REQUIRE_FALSE(b.Open("response_slow"));
  }
  b.Probe(true, 4.5, 300);
  REQUIRE(b.Open("response_slow"));
  const query::Finding& finding = b.book.open().begin()->second;
  CHECK(finding.numbers.at("seconds") == 4.5);
  CHECK(finding.numbers.at("objective_seconds") == 3);
  CHECK(finding.numbers.at("for_seconds") == 300);
  b.Probe(true, 3.0, 315);  // at the objective is within it
  CHECK_FALSE(b.Open("response_slow"));
}

TEST_CASE("one quick probe within the window starts it anew") {
  Bench b;
  for (int64_t s = 0; s <= 600; s += 15) b.Probe(true, s % 240 == 0 ? 0.5 : 9.0, s);
  CHECK_FALSE(b.Open("response_slow"));
}

TEST_CASE("unknown readings and failures say nothing about slowness, a long gap starts anew") {
  Bench b;
  for (int64_t s = 0; s <= 285; s += 15) {
    const bool known = s % 45 == 0;
    b.Probe(known ? std::optional<bool>(true) : std::nullopt,
            known ? std::optional<double>(5) : std::nullopt, s);
  }
  b.Probe(true, 5, 300);
  CHECK(b.Open("response_slow"));
  Bench c;
  c.Probe(true, 5, 0);
  c.Probe(true, 5, 300);  // nothing known for five minutes in between
  CHECK_FALSE(c.Open("response_slow"));
  Bench d;
  for (int64_t s = 0; s <= 600; s += 15) d.Probe(false, 9, s);
  CHECK_FALSE(d.Open("response_slow"));
}

TEST_CASE("one run of a probe counts once, however many batches tell its result") {
  Bench failing;
  for (int64_t s = 0; s < 300; s += 15) failing.Run(1, false, 1, s);
  CHECK_FALSE(failing.Open("probe_failed"));
  failing.Run(2, false, 1, 300);
  CHECK(failing.Open("probe_failed"));
  failing.Run(3, true, 1, 600);
  CHECK_FALSE(failing.Open("probe_failed"));
  Bench slow;
  for (int64_t s = 0; s < 600; s += 15) slow.Run(1, true, 5, s);
  CHECK_FALSE(slow.Open("response_slow"));
  slow.Run(2, true, 5, 600);
  CHECK(slow.Open("response_slow"));
  Bench once;
  for (int64_t s = 0; s < 600; s += 15) once.Run(1, true, 5, s);
  once.Run(2, true, 1, 600);
  CHECK_FALSE(once.Open("response_slow"));
}

TEST_CASE("without an objective nothing is slow, and what was open closes") {
  Bench b;
  for (int64_t s = 0; s <= 300; s += 15) b.Probe(true, 5, s);
  REQUIRE(b.Open("response_slow"));
  b.detector.SeeProbe(b.subject, {"mot-cua", "tra-cuu", true, 5, "", nullptr, {}}, kNow + 315000);
  CHECK_FALSE(b.Open("response_slow"));
}

TEST_CASE("findings about probes close when the machine leaves on purpose, not when it vanishes") {
  Bench b;
  b.Probe(false, 1, 0);
  b.Probe(false, 1, 15);
  b.Machine(State::kVanished, 20, 30);
  CHECK(b.Open("probe_failed"));
  b.Machine(State::kStopped, 40, 40);
  CHECK_FALSE(b.Open("probe_failed"));
}

TEST_CASE("a probe of which nothing is known for a quarter of an hour is probed no more") {
  Bench b;
  b.Probe(false, 1, 0);
  b.Probe(false, 1, 15);
  for (int64_t s = 30; s <= 15 + 899; s += 15) b.Probe(std::nullopt, std::nullopt, s);
  CHECK(b.Open("probe_failed"));
  b.Probe(std::nullopt, std::nullopt, 15 + 900);
  CHECK_FALSE(b.Open("probe_failed"));
}

TEST_CASE("a finding that was open before a restart is not opened twice, and closes") {
  query::Finding old;
  old.id = 41;
  old.kind = "machine_vanished";
  old.machine = "ward-1";
  old.opened_ms = kNow;
  FindingBook book({old}, 41);
  Detector detector({}, book, [](std::string_view, int64_t) { return Whereabouts{}; });
  detector.SeeMachine({1, "ward-1", 15000}, State::kVanished, kNow - 60000, kNow + 60000);
  CHECK(book.open().size() == 1);
  CHECK_FALSE(book.unsaved());
  detector.SeeMachine({1, "ward-1", 15000}, State::kOnline, kNow + 61000, kNow + 61000);
  CHECK(book.open().empty());
  CHECK(book.unsaved());
}

TEST_CASE("while a probe goes on to fail the finding says why it failed last, and how often") {
  Bench b;
  b.Probe(false, 4.0, 0, "timeout");
  b.Probe(false, 4.0, 15, "timeout");
  REQUIRE(b.Open("probe_failed"));
  const query::Finding& finding = b.book.open().begin()->second;
  b.Probe(false, 0.1, 30, "refused");
  CHECK(finding.words.at("reason") == "refused");
  CHECK(finding.numbers.at("failures") == 3);
  CHECK(finding.numbers.at("seconds") == 0.1);
  CHECK(finding.words.at("class") == "workstation");
  CHECK(finding.opened_ms == kNow + 15000);
  b.Probe(std::nullopt, std::nullopt, 45);
  CHECK(finding.words.at("reason") == "refused");
  b.Probe(false, 0.2, 60, "dns");
  CHECK(finding.words.at("reason") == "dns");
  CHECK(finding.numbers.at("failures") == 4);
}

TEST_CASE("one failed run that many batches tell amends its finding once") {
  Bench b;
  b.Run(1, false, 1, 0);
  b.Run(2, false, 1, 15);
  for (int64_t s = 30; s < 300; s += 15) b.Run(3, false, 1, s);
  CHECK(b.book.open().begin()->second.numbers.at("failures") == 3);
}

TEST_CASE("an open finding of slowness tells the latest response time") {
  Bench b;
  for (int64_t s = 0; s <= 300; s += 15) b.Probe(true, 4, s);
  REQUIRE(b.Open("response_slow"));
  const query::Finding& finding = b.book.open().begin()->second;
  b.Probe(true, 9, 315);
  CHECK(finding.numbers.at("seconds") == 9);
  CHECK(finding.numbers.at("for_seconds") == 300);
  b.objective.seconds = 5;
  b.Probe(true, 8, 330);
  CHECK(finding.numbers.at("objective_seconds") == 5);
}

TEST_CASE("a silent machine of which the broker then tells the death is told as vanished") {
  Bench b;
  b.Machine(State::kSilent, -45, 0);
  REQUIRE(b.Open("machine_vanished"));
  b.Machine(State::kVanished, 10, 10);
  CHECK(b.book.open().begin()->second.words.at("state") == "vanished");
}

TEST_CASE("what changes of open findings is saved once a minute for each, some at once") {
  haidang::testing::TempDir dir;
  auto store = store::Store::Open({.path = dir / "telemetry.db"}, [] { return uint64_t{7}; });
  REQUIRE(store);
  Bench b;
  const auto save = [&](int64_t now_s) {
    b.book.Tick(kNow + now_s * 1000);
    const bool unsaved = b.book.unsaved();
    REQUIRE(b.book.Flush(**store));
    if (unsaved) REQUIRE((*store)->Commit());
    b.book.Saved();
    return unsaved;
  };
  b.Probe(false, 1, 0, "timeout");
  b.Probe(false, 1, 1, "timeout");
  CHECK(save(1));
  int saved = 0;
  for (int64_t s = 2; s < 302; ++s) {
    b.Probe(false, 1, s, s % 2 == 0 ? "refused" : "dns");
    saved += save(s);
  }
  CHECK(saved == 4);
  b.Probe(false, 1, 302, "tls");
  CHECK(save(400));
  CHECK_FALSE(save(500));
  const auto contents = (*store)->Load();
  REQUIRE(contents);
  REQUIRE(contents->open_findings.size() == 1);
  CHECK(contents->open_findings[0].words.at("reason") == "tls");
  CHECK(contents->open_findings[0].numbers.at("failures") == 303);
  b.Probe(false, 1, 600, "dns");
  CHECK(save(-3600));  // the clock stepped back
}

namespace {

// Of a check "backup" on machine "ward-1".
struct Checked : Bench {
  void Check(std::optional<double> state, std::optional<double> run, int64_t now_s,
             std::string_view output = "3 ngày chưa sao lưu") {
    detector.SeeCheck(subject, {"backup", state, output, run}, kNow + now_s * 1000);
  }
  const query::Finding* Found() const {
    return book.Find({"check_failed", "ward-1", "", "backup"});
  }
};

}  // namespace

TEST_CASE(
    "a check that fails twice in a row is a finding, with its state and output as they are now") {
  Checked b;
  b.Check(2, 1, 0);
  b.Check(2, 1, 15);  // the same run
  b.Check(2, 1, 30);
  CHECK(b.Found() == nullptr);
  b.Check(2, 2, 60);
  REQUIRE(b.Found() != nullptr);
  CHECK(b.Found()->words.at("state") == "critical");
  CHECK(b.Found()->words.at("output") == "3 ngày chưa sao lưu");
  CHECK(b.Found()->step == "backup");
  CHECK(b.Found()->site == "06652");
  b.Check(1, 3, 120, "1 ngày");
  CHECK(b.Found()->words.at("state") == "warning");
  CHECK(b.Found()->words.at("output") == "1 ngày");
  b.Check(3, 4, 180);
  CHECK(b.Found()->words.at("state") == "unknown");
  b.Check(std::nullopt, 4, 195);
  CHECK(b.Found() != nullptr);
  b.Check(0, 5, 240);
  CHECK(b.Found() == nullptr);
}

TEST_CASE(
    "one failed run among good ones is no finding; without a count of runs each batch is one") {
  Checked b;
  for (int run = 0; run < 10; ++run) b.Check(run % 2 == 0 ? 2 : 0, run, 60 * run);
  CHECK(b.Found() == nullptr);
  b.Check(1, std::nullopt, 700);
  b.Check(1, std::nullopt, 715);
  CHECK(b.Found() != nullptr);
}

TEST_CASE("a check that is made no more, or whose machine has left, is closed") {
  Checked b;
  b.Check(2, 1, 0);
  b.Check(2, 2, 60);
  REQUIRE(b.Found() != nullptr);
  SECTION("its state is not known any more") {
    b.Check(std::nullopt, std::nullopt, 60 + 14 * 60);
    CHECK(b.Found() != nullptr);
    b.Check(std::nullopt, std::nullopt, 60 + 15 * 60);
    CHECK(b.Found() == nullptr);
  }
  SECTION("its machine was stopped") {
    b.Machine(State::kStopped, 70, 70);
    CHECK(b.Found() == nullptr);
    b.Machine(State::kOnline, 80, 80);
    b.Check(2, 3, 90);
    CHECK(b.Found() == nullptr);  // it begins anew
    b.Check(2, 4, 150);
    CHECK(b.Found() != nullptr);
  }
}
