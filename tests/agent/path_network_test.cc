// Over the loopback: what the kernel says of connections and of name servers that misbehave.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "agent/path/dns_question.h"
#include "agent/path/path_source.h"
#include "agent/path/tcp_prober.h"
#include "tests/agent/source_reading.h"
#include "tests/support/loop_runner.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::Read;
using haidang::testing::RunFor;
using haidang::testing::RunUntil;

namespace {

using Fate = TrialResult::Fate;

// A socket on a free port of the loopback.
class Local {
 public:
  explicit Local(int type) : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    address_ = *Address::Parse("127.0.0.1", 0);
    REQUIRE(bind(fd_.get(), address_.data(), address_.size()) == 0);
    socklen_t size = Address::capacity();
    REQUIRE(getsockname(fd_.get(), address_.data(), &size) == 0);
  }
  int fd() const { return fd_.get(); }
  const Address& address() const { return address_; }

 private:
  Fd fd_;
  Address address_;
};

// A name server that answers each question as it is told; nothing: with silence.
class Server {
 public:
  using Says = std::function<std::vector<std::string>(const std::string& query)>;
  explicit Server(Says says) : says_(std::move(says)), thread_([this] { Serve(); }) {}
  ~Server() {
    over_ = true;
    // Wakes it.
    sendto(local_.fd(), "", 0, 0, local_.address().data(), local_.address().size());
    thread_.join();
  }
  const Address& address() const { return local_.address(); }
  int questions() const { return questions_; }

 private:
  void Serve() {
    char buffer[512];
    while (!over_) {
      Address from;
      socklen_t size = Address::capacity();
      const ssize_t count = recvfrom(local_.fd(), buffer, sizeof buffer, 0, from.data(), &size);
      if (count <= 0) continue;
      ++questions_;
      for (const std::string& answer : says_({buffer, static_cast<size_t>(count)})) {
        sendto(local_.fd(), answer.data(), answer.size(), 0, from.data(), size);
      }
    }
  }

  Local local_{SOCK_DGRAM};
  std::atomic<bool> over_ = false;
  std::atomic<int> questions_ = 0;
  Says says_;
  std::thread thread_;
};

bool IsForV4(const std::string& query) { return query[query.size() - 3] == 1; }

// `query` answered with a code, and an address where `address`.
std::string Answered(std::string query, char code, bool address) {
  query[2] = '\x81';
  query[3] = static_cast<char>('\x80' | code);
  if (!address) return query;
  query[7] = 1;
  return query + std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1", 16);
}

std::vector<std::string> Rightly(const std::string& query) {
  return {Answered(query, 0, IsForV4(query))};
}
std::vector<std::string> Silently(const std::string&) { return {}; }

struct Bench {
  DnsResult Ask(DnsPlan plan) {
    std::optional<DnsResult> result;
    DnsQuestion question(*loop, clock, "motcua.example", std::move(plan),
                         [&](const DnsResult& told) { result = told; });
    REQUIRE(RunUntil(*loop, [&] { return result.has_value(); }));
    return *result;
  }

  TrialResult Connect(const Address& to) {
    TcpProber prober(*loop, clock);
    std::optional<TrialResult> result;
    const auto trial = prober.Try(to, 0, [&](const TrialResult& told) { result = told; });
    CHECK_FALSE(result.has_value());
    REQUIRE(RunUntil(*loop, [&] { return result.has_value(); }));
    return *result;
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop = MakeLoop();
};

double Ms(const DnsResult& result) { return static_cast<double>(result.ns.value()) / 1e6; }

}  // namespace

TEST_CASE("a connection, and one that is refused, are answers") {
  Bench bench;
  const Local server(SOCK_STREAM);
  const TrialResult refused = bench.Connect(server.address());
  CHECK(refused.fate == Fate::kAnswered);
  CHECK((refused.rtt_ns > 0 && refused.rtt_ns < 1'000'000'000));
  REQUIRE(listen(server.fd(), 8) == 0);
  const TrialResult connected = bench.Connect(server.address());
  CHECK(connected.fate == Fate::kAnswered);
  CHECK((connected.rtt_ns > 0 && connected.rtt_ns < 1'000'000'000));
}

TEST_CASE("what cannot be reached is lost at once") {
  Bench bench;
  CHECK(bench.Connect(*Address::Parse("255.255.255.255", 80)).fate == Fate::kLost);
}

TEST_CASE("a trial that is given up calls nobody") {
  Bench bench;
  const Local server(SOCK_STREAM);
  REQUIRE(listen(server.fd(), 8) == 0);
  TcpProber prober(*bench.loop, bench.clock);
  bool called = false;
  {
    const auto trial = prober.Try(server.address(), 0, [&](const auto&) { called = true; });
  }
  RunFor(*bench.loop, 20ms);
  CHECK_FALSE(called);
}

TEST_CASE("a name server that answers") {
  Bench bench;
  Server server(Rightly);
  const DnsResult result = bench.Ask({.servers = {server.address()}});
  CHECK(result.success);
  CHECK(Ms(result) > 0);
}

TEST_CASE("a loop that is busy neither adds to an answer's time nor misses it") {
  Bench bench;
  Server server(Rightly);
  std::optional<DnsResult> result;
  DnsQuestion question(*bench.loop, bench.clock, "motcua.example",
                       {.servers = {server.address()}, .timeout = 100ms, .attempts = 1},
                       [&](const DnsResult& told) { result = told; });
  std::this_thread::sleep_for(1500ms);
  REQUIRE(RunUntil(*bench.loop, [&] { return result.has_value(); }));
  CHECK(result->success);
  CHECK(Ms(*result) < 1000);

  const Local listener(SOCK_STREAM);
  REQUIRE(listen(listener.fd(), 8) == 0);
  TcpProber prober(*bench.loop, bench.clock);
  std::optional<TrialResult> connected;
  const auto trial =
      prober.Try(listener.address(), 0, [&](const TrialResult& told) { connected = told; });
  std::this_thread::sleep_for(1500ms);
  REQUIRE(RunUntil(*bench.loop, [&] { return connected.has_value(); }));
  CHECK(connected->fate == Fate::kAnswered);
  CHECK(connected->rtt_ns < 1'000'000'000);
}

TEST_CASE("names that are not there, or have no address") {
  Bench bench;
  Server no_name([](const std::string& query) { return std::vector{Answered(query, 3, false)}; });
  const DnsResult unknown = bench.Ask({.servers = {no_name.address()}});
  CHECK_FALSE(unknown.success);
  CHECK(unknown.ns.has_value());
  Server no_address(
      [](const std::string& query) { return std::vector{Answered(query, 0, false)}; });
  const DnsResult empty = bench.Ask({.servers = {no_address.address()}});
  CHECK_FALSE(empty.success);
  CHECK(empty.ns.has_value());
}

TEST_CASE("the next server is asked after the time-out of one that is silent") {
  Bench bench;
  Server silent(Silently), good(Rightly);
  const DnsResult result =
      bench.Ask({.servers = {silent.address(), good.address()}, .timeout = 200ms});
  CHECK(result.success);
  CHECK(Ms(result) >= 199);
  CHECK(silent.questions() == 2);
}

TEST_CASE("the next server is asked at once where one fails, refuses or is not there") {
  Bench bench;
  Server fails([](const std::string& query) { return std::vector{Answered(query, 2, false)}; });
  Server good(Rightly);
  const Local nobody(SOCK_STREAM);  // no datagram is taken at its port
  const Address no_way = *Address::Parse("255.255.255.255", 53);
  const DnsResult result = bench.Ask(
      {.servers = {fails.address(), nobody.address(), no_way, good.address()}, .timeout = 30s});
  CHECK(result.success);
  CHECK(Ms(result) < 5000);
}

TEST_CASE("nobody answers") {
  Bench bench;
  Server silent(Silently);
  const DnsResult result = bench.Ask({.servers = {silent.address()}, .timeout = 50ms});
  CHECK_FALSE(result.success);
  CHECK_FALSE(result.ns.has_value());
  CHECK(silent.questions() == 4);  // two kinds, two attempts
  // A refusal is an answer.
  Server refuses([](const std::string& query) { return std::vector{Answered(query, 5, false)}; });
  const DnsResult refused = bench.Ask({.servers = {refuses.address()}, .timeout = 50ms});
  CHECK_FALSE(refused.success);
  CHECK(refused.ns.has_value());
  CHECK_FALSE(bench.Ask({}).success);
}

TEST_CASE("answers that nobody asked for are passed over") {
  Bench bench;
  Server liar([](const std::string& query) {
    std::string other = Answered(query, 3, false);
    other[0] = static_cast<char>(other[0] ^ 1);
    std::string name = Answered(query, 3, false);
    name[14] = 'x';
    return std::vector<std::string>{"x",
                                    std::string(4000, '\xff'),
                                    query,
                                    other,
                                    name,
                                    Answered(query, 0, IsForV4(query)),
                                    Answered(query, 3, false)};
  });
  const DnsResult result = bench.Ask({.servers = {liar.address()}, .timeout = 2s});
  CHECK(result.success);
}

TEST_CASE("a question that is given up is gone") {
  Bench bench;
  Server server(Rightly);
  bool called = false;
  {
    const DnsQuestion question(*bench.loop, bench.clock, "a", {.servers = {server.address()}},
                               [&](const auto&) { called = true; });
  }
  RunFor(*bench.loop, 20ms);
  CHECK_FALSE(called);
}

TEST_CASE("the source: gateway, hub and hosts by TCP") {
  Bench bench;
  const haidang::testing::TempDir root;
  REQUIRE(std::system(("mkdir -p " + root.path() + "/proc/net").c_str()) == 0);
  std::ofstream(root / "proc/net/route") << "eth0 00000000 0100007F 0003 0 0 0 00000000 0 0 0\n";
  PathOptions options{.hub = "localhost",
                      .hosts = {{.name = "mot-cua", .address = "127.0.0.1"}},
                      .interval = 1ms,
                      .echoes = 2,
                      .method = PathMethod::kTcp};
  const auto source =
      MakePathSource(root.path() + "/", *bench.loop, bench.clock, 1ms, options,
                     [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; });
  CHECK(Read(*source).values.empty());
  source->Prepare();
  CHECK_FALSE(source->Ready());
  REQUIRE(RunUntil(*bench.loop, [&] { return source->Ready(); }));
  const auto values = Read(*source).values;
  CHECK(values.at("haidang_path_success{role=\"gateway\",target=\"127.0.0.1\"}") == 1);
  CHECK(values.at("haidang_path_sent_total{role=\"hub\",target=\"localhost\"}") == 2);
  CHECK(values.at("haidang_path_lost_total{role=\"host\",target=\"mot-cua\"}") == 0);

  // No default route: the gateway is still looked for. One that needs none: there is none.
  const auto round = [&](const std::string& routes) {
    std::ofstream(root / "proc/net/route") << routes;
    source->Prepare();
    REQUIRE(RunUntil(*bench.loop, [&] { return source->Ready(); }));
    return Read(*source).values;
  };
  CHECK(round("").at("haidang_path_sent_total{role=\"gateway\",target=\"127.0.0.1\"}") == 4);
  CHECK_FALSE(round("ppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0\n")
                  .contains("haidang_path_sent_total{role=\"gateway\",target=\"127.0.0.1\"}"));
  source->Prepare();  // a round that is under way ends with the source
}
