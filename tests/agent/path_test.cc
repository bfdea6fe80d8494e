#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/path/target.h"
#include "core/catalogue.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_loop.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;

namespace {

using Fate = TrialResult::Fate;
using std::chrono::milliseconds;

// Answers as `way` says, after what it says; without an answer a trial is lost after its time.
class FakeProber final : public Prober {
 public:
  using Way = std::function<std::optional<milliseconds>(const Address& to, size_t bytes)>;

  explicit FakeProber(FakeLoop& loop) : loop_(loop) {}

  bool CanTry(int) override { return allowed; }
  std::unique_ptr<Trial> Try(const Address& to, size_t bytes, Done done) override {
    tried.push_back({to, bytes});
    auto trial = std::make_unique<FakeTrial>();
    if (bytes > kDevice) {
      trial->timer = loop_.After(0ms, [done = std::move(done)] {
        done({.fate = Fate::kTooBig, .told_mtu = kDevice, .local = true});
      });
      return trial;
    }
    const auto answer = way(to, bytes);
    TrialResult result;
    if (answer)
      result = {.fate = Fate::kAnswered, .rtt_ns = std::chrono::nanoseconds(*answer).count()};
    trial->timer = loop_.After(answer.value_or(kTrialTimeout),
                               [done = std::move(done), result] { done(result); });
    return trial;
  }

  static constexpr size_t kDevice = 1500;
  bool allowed = true;
  Way way = [](const Address&, size_t) { return 3ms; };
  std::vector<std::pair<Address, size_t>> tried;

  size_t Large() const {
    size_t count = 0;
    for (const auto& [to, bytes] : tried) count += bytes > kSmallTrial && bytes <= kDevice ? 1 : 0;
    return count;
  }

 private:
  struct FakeTrial final : Trial {
    std::unique_ptr<Timer> timer;
  };
  FakeLoop& loop_;
};

struct Bench {
  explicit Bench(TargetOptions options) : labels(Labels{{"role", options.role}, {"target", "t"}}) {
    options.name = "t";
    Resolver::Answer* said = &answer;
    int* count = &lookups;
    resolver = std::make_unique<Resolver>(loop, [said, count](const std::string&) {
      ++*count;
      return *said;
    });
    target = std::make_unique<Target>(std::move(options),
                                      TargetTools{loop, clock, icmp, tcp, *resolver});
  }

  // A round begins every 15 s.
  void Round(int rounds = 1) {
    for (int i = 0; i < rounds; ++i) {
      target->Begin();
      loop.Advance(15s);
    }
    Read();
  }

  void Read() {
    values.clear();
    std::vector<Reading> readings;
    target->Report(readings);
    for (const Reading& reading : readings) {
      const MetricInfo* info = FindMetric(reading.series.metric);
      REQUIRE(info != nullptr);
      CHECK(info->source == "path");
      CHECK(reading.series.labels == labels);
      values[reading.series.metric] = reading.value;
    }
  }

  bool Has(const std::string& what) const { return values.contains("haidang_path_" + what); }
  double Number(const std::string& what) const {
    return AsNumber(values.at("haidang_path_" + what));
  }
  std::string Method() const { return std::get<std::string>(values.at("haidang_path_method")); }

  FakeClock clock;
  FakeLoop loop{clock};
  FakeProber icmp{loop};
  FakeProber tcp{loop};
  Resolver::Answer answer{std::vector<std::string>{"10.0.0.1"}};
  int lookups = 0;
  Labels labels;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<Target> target;
  std::map<std::string, Value> values;
};

TargetOptions Host(uint16_t port = 0) {
  return {.role = "host", .name = "t", .address = "10.0.0.1", .port = port};
}

const FakeProber::Way kSilent = [](const Address&, size_t) { return std::nullopt; };

}  // namespace

TEST_CASE("a round: the median of what was answered, and what was lost") {
  Bench bench(Host());
  bench.Read();
  CHECK(bench.values.empty());

  int trial = 0;
  bench.icmp.way = [&](const Address&, size_t) -> std::optional<milliseconds> {
    const milliseconds times[] = {9ms, 2ms, 5ms};
    return trial < 3 ? std::optional(times[trial++]) : std::nullopt;
  };
  bench.Round();
  CHECK(bench.Number("success") == 1);
  CHECK(bench.Number("rtt_seconds") == Approx(0.005));
  CHECK(bench.Number("sent_total") == 5);
  CHECK(bench.Number("lost_total") == 2);
  CHECK(bench.Method() == "icmp");
  CHECK_FALSE(bench.Has("mtu_bytes"));
  CHECK(bench.icmp.tried.size() == 5);

  bench.icmp.way = kSilent;
  bench.Round();
  CHECK(bench.Number("success") == 0);
  CHECK_FALSE(bench.Has("rtt_seconds"));
  CHECK(bench.Number("sent_total") == 10);
  CHECK(bench.Number("lost_total") == 7);
}

TEST_CASE("trials are apart, and one round is under way at a time") {
  Bench bench(Host());
  bench.icmp.way = kSilent;
  bench.target->Begin();
  CHECK(bench.icmp.tried.size() == 1);
  bench.loop.Advance(200ms);
  CHECK(bench.icmp.tried.size() == 2);
  bench.target->Begin();
  CHECK(bench.icmp.tried.size() == 2);
  CHECK(bench.target->under_way());
  bench.loop.Advance(1600ms);
  CHECK_FALSE(bench.target->under_way());
  CHECK(bench.icmp.tried.size() == 5);
}

TEST_CASE("TCP where echoes may not be sent") {
  Bench bench(Host(443));
  bench.icmp.allowed = false;
  bench.Round();
  CHECK(bench.Method() == "tcp");
  CHECK(bench.Number("success") == 1);
  CHECK(bench.icmp.tried.empty());
  CHECK(bench.tcp.tried.size() == 5);

  auto only = Host(443);
  only.method = PathMethod::kIcmp;
  Bench none(std::move(only));
  none.icmp.allowed = false;
  none.Round(3);
  CHECK(none.values.empty());
  CHECK(none.tcp.tried.empty());
}

TEST_CASE("TCP counts where echoes are not answered and connections are") {
  Bench bench(Host(443));
  bench.icmp.way = kSilent;
  bench.Round();
  CHECK(bench.Method() == "tcp");
  CHECK(bench.Number("success") == 1);
  CHECK(bench.Number("sent_total") == 5);
  CHECK(bench.Number("lost_total") == 0);
  // ICMP is left alone for ten minutes.
  bench.Round(20);
  CHECK(bench.icmp.tried.size() == 5);
  bench.Round(21);
  CHECK(bench.icmp.tried.size() == 10);
  CHECK(bench.Method() == "tcp");
  CHECK(bench.Number("lost_total") == 0);
  // Once it is answered it counts again.
  bench.icmp.way = [](const Address&, size_t) { return 1ms; };
  bench.Round(41);
  CHECK(bench.Method() == "icmp");
}

TEST_CASE("what answers neither is lost by ICMP") {
  Bench bench(Host(443));
  bench.icmp.way = kSilent;
  bench.tcp.way = kSilent;
  bench.Round(2);
  CHECK(bench.Method() == "icmp");
  CHECK(bench.Number("success") == 0);
  CHECK(bench.Number("sent_total") == 10);
  CHECK(bench.Number("lost_total") == 10);

  // A host without a port has no other way.
  Bench portless(Host());
  portless.icmp.way = kSilent;
  portless.Round();
  CHECK(portless.tcp.tried.empty());
  CHECK(portless.Number("success") == 0);
}

TEST_CASE("a port that nobody named: the usual ones, and no word until one answers") {
  Bench bench(Host());
  bench.icmp.allowed = false;
  bench.tcp.way = [](const Address& to, size_t) -> std::optional<milliseconds> {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(to.data());
    return ntohs(v4->sin_port) == 53 ? std::optional(2ms) : std::nullopt;
  };
  bench.Round(2);
  CHECK(bench.values.empty());
  bench.Round();
  CHECK(bench.Number("success") == 1);
  CHECK(bench.Number("sent_total") == 5);
  bench.tcp.way = kSilent;  // from now on silence is news
  bench.Round();
  CHECK(bench.Number("success") == 0);
  CHECK(bench.Number("lost_total") == 5);
}

TEST_CASE("names are kept for five minutes and looked up again after a failure") {
  auto options = Host();
  options.address = "t.example";
  Bench bench(std::move(options));
  bench.Round(2);
  CHECK(bench.lookups == 1);
  CHECK(bench.Number("success") == 1);
  bench.Round(20);
  CHECK(bench.lookups == 2);
  bench.icmp.way = kSilent;
  bench.Round(2);
  CHECK(bench.lookups == 3);
  // While nobody can tell, the old address stays in use.
  bench.answer = Error{"no name server"};
  bench.icmp.way = [](const Address&, size_t) { return 3ms; };
  bench.Round(30);
  CHECK(bench.Number("success") == 1);
}

TEST_CASE("a name without an address fails and is not lost") {
  auto options = Host();
  options.address = "t.example";
  Bench bench(std::move(options));
  bench.answer = Error{"no such name"};
  bench.Round(2);
  CHECK(bench.Number("success") == 0);
  CHECK(bench.values.size() == 1);
  CHECK(bench.lookups == 2);
  bench.answer = std::vector<std::string>{"[fd00::1]", "10.0.0.2"};
  bench.Round();
  CHECK(bench.Number("success") == 1);
  CHECK(bench.icmp.tried.back().first.text() == "fd00::1");
}

TEST_CASE("another address has its turn after a round without an answer") {
  auto options = Host();
  options.address = "t.example";
  Bench bench(std::move(options));
  bench.answer = std::vector<std::string>{"10.0.0.1", "10.0.0.2"};
  bench.icmp.way = [](const Address& to, size_t) -> std::optional<milliseconds> {
    return to.text() == "10.0.0.2" ? std::optional(1ms) : std::nullopt;
  };
  bench.Round();
  CHECK(bench.Number("success") == 0);
  bench.Round(5);
  CHECK(bench.Number("success") == 1);
  CHECK(bench.Number("lost_total") == 5);
}

TEST_CASE("the path MTU: at the start, every ten minutes, and after a failure began") {
  auto options = Host();
  options.mtu = true;
  Bench bench(std::move(options));
  bench.Round();
  CHECK(bench.Number("mtu_bytes") == 1500);
  CHECK(bench.Number("mtu_problem") == 0);
  CHECK(bench.icmp.Large() == 1);
  bench.Round(39);
  CHECK(bench.icmp.Large() == 1);
  bench.Round();
  CHECK(bench.icmp.Large() == 2);

  bench.icmp.way = kSilent;
  bench.Round(2);
  CHECK(bench.icmp.Large() == 2);  // there is nothing to learn
  CHECK(bench.Number("mtu_bytes") == 1500);
  bench.icmp.way = [](const Address&, size_t bytes) -> std::optional<milliseconds> {
    return bytes <= 1400 ? std::optional(3ms) : std::nullopt;
  };
  bench.Round(5);
  CHECK(bench.Number("mtu_bytes") == 1400);
  CHECK(bench.Number("mtu_problem") == 1);
  CHECK(bench.Number("success") == 1);

  // It is over within two minutes of its end.
  bench.icmp.way = [](const Address&, size_t) { return 3ms; };
  bench.Round(8);
  CHECK(bench.Number("mtu_bytes") == 1500);
  CHECK(bench.Number("mtu_problem") == 0);
}

TEST_CASE("at most ten large packets a minute") {
  auto options = Host();
  options.mtu = true;
  Bench bench(std::move(options));
  bench.icmp.way = [](const Address&, size_t bytes) -> std::optional<milliseconds> {
    return bytes <= 576 ? std::optional(3ms) : std::nullopt;
  };
  size_t before = 0;
  for (int minute = 0; minute < 30; ++minute) {
    bench.Round(4);
    CHECK(bench.icmp.Large() - before <= 10);
    before = bench.icmp.Large();
  }
  CHECK(bench.Number("mtu_problem") == 1);
}

TEST_CASE("everything is gone with the target") {
  auto options = Host(443);
  options.mtu = true;
  Bench bench(std::move(options));
  bench.icmp.way = kSilent;
  bench.target->Begin();
  bench.loop.Advance(300ms);
  CHECK(bench.loop.timers() > 0);
  bench.target.reset();
  CHECK(bench.loop.timers() == 0);
}
