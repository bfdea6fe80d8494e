#include "agent/sources/certificate.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/sources/certificate_chain.h"
#include "agent/sources/text.h"
#include "tests/agent/raw_server.h"
#include "tests/agent/source_reading.h"
#include "tests/agent/test_certificate.h"
#include "tests/agent/tls_server.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::FakeLoop;
using haidang::testing::MakeCertificate;
using haidang::testing::RawServer;
using haidang::testing::Read;
using haidang::testing::TempDir;
using haidang::testing::TlsServer;

namespace {

constexpr long kDay = 86400;

int64_t NowSeconds() { return SystemClock().WallMs() / 1000; }

CertificateState StateOf(const std::string& path, const ChainRules& rules) {
  return ParseCertificate(ReadSmallFile(path).value(), rules).value();
}

}  // namespace

TEST_CASE("certificates: expiry, subject and what is wrong with the chain") {
  const TempDir dir;
  MakeCertificate(dir / "own", 0, 40 * kDay);
  MakeCertificate(dir / "over", -20 * kDay, -kDay);
  MakeCertificate(dir / "early", kDay, 20 * kDay);
  const int64_t now = NowSeconds();

  const CertificateState trusted =
      StateOf(dir / "own.pem", {.ca_file = dir / "own.pem", .server_name = "", .now_s = now});
  CHECK(trusted.problem.empty());
  CHECK(trusted.subject == "CN=localhost");
  CHECK(std::abs(trusted.not_after_s - (now + 40 * kDay)) < 60);
  CHECK(std::abs(trusted.not_before_s - now) < 60);
  CHECK(trusted.chain_not_after_s == trusted.not_after_s);

  const auto problem = [&](const std::string& name, const ChainRules& rules) {
    return StateOf(dir / (name + ".pem"), rules).problem;
  };
  CHECK(problem("own", {"", "", now}) == "self-signed certificate");
  CHECK(problem("over", {dir / "over.pem", "", now}) == "certificate has expired");
  CHECK(problem("early", {dir / "early.pem", "", now}) == "certificate is not yet valid");
  CHECK(problem("own", {dir / "own.pem", "localhost", now}).empty());
  CHECK(problem("own", {dir / "own.pem", "portal.example", now}) == "hostname mismatch");
  CHECK(problem("own", {dir / "own.pem", "127.0.0.1", now}) == "IP address mismatch");
  CHECK_THAT(problem("own", {dir / "absent.pem", "", now}), Catch::Contains("cannot be read"));
  // As time passes.
  CHECK(problem("own", {dir / "own.pem", "", now + 41 * kDay}) == "certificate has expired");
}

TEST_CASE("certificates: a chain is as good as its shortest part; keys and words are passed over") {
  const TempDir dir;
  MakeCertificate(dir / "leaf", 0, 40 * kDay);
  MakeCertificate(dir / "middle", 0, 10 * kDay);
  const std::string text = "# written by hand\n" + ReadSmallFile(dir / "leaf.key").value() +
                           ReadSmallFile(dir / "leaf.pem").value() +
                           ReadSmallFile(dir / "middle.pem").value();
  const auto state = ParseCertificate(text, {dir / "leaf.pem", "", NowSeconds()});
  REQUIRE(state.ok());
  CHECK(std::abs(state->not_after_s - state->chain_not_after_s - 30 * kDay) < 60);

  for (const std::string& bad :
       {std::string(), std::string("hello"), std::string(5000, '\xff'),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ReadSmallFile(dir / "leaf.key").value(), std::string("\x30\x82\x7f\xff", 4)}) {
    CHECK_FALSE(ParseCertificate(bad, {}).ok());
  }
}

TEST_CASE("certificates: on a port, as it is shown there") {
  const TempDir dir;
  MakeCertificate(dir / "own", 0, 40 * kDay);
  const TlsServer server(dir / "own");
  const auto fetch = [&](const std::string& name) {
    return FetchCertificate({"127.0.0.1", server.port()}, {dir / "own.pem", name, NowSeconds()},
                            5s);
  };
  REQUIRE(fetch("localhost").ok());
  CHECK(fetch("localhost")->problem.empty());
  CHECK(fetch("localhost")->subject == "CN=localhost");
  CHECK(fetch("other.example")->problem == "hostname mismatch");
}

TEST_CASE("certificates: ports that say nothing, refuse, or are not there") {
  const RawServer silent([](int, const std::string&) {});  // waits for a request in HTTP
  const auto begin = std::chrono::steady_clock::now();
  const auto hung =
      FetchCertificate({"127.0.0.1", static_cast<uint16_t>(silent.port())}, {}, 300ms);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  REQUIRE_FALSE(hung.ok());
  CHECK_THAT(hung.error().message, Catch::Contains("did not come about in time"));
  const auto refused = FetchCertificate({"127.0.0.1", 1}, {}, 5s);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("127.0.0.1:1: Connection refused"));
  const auto nowhere = FetchCertificate({"no-such-host.invalid", 443}, {}, 5s);
  REQUIRE_FALSE(nowhere.ok());
  CHECK_THAT(nowhere.error().message, Catch::Contains("cannot find no-such-host.invalid"));
}

TEST_CASE("certificate: files by pattern, a bad one beside good ones") {
  const TempDir dir;
  FakeClock clock(SystemClock().WallMs());
  FakeLoop loop(clock);
  std::filesystem::create_directories(dir / "ssl");
  MakeCertificate(dir / "ssl/a", 0, 40 * kDay);
  MakeCertificate(dir / "ssl/b", -9 * kDay, -kDay);
  CertificateOptions portal;
  portal.name = "portal";
  portal.pattern = {"ssl", "*.pem"};
  portal.ca_file = dir / "ssl/a.pem";
  CertificateOptions absent;
  absent.name = "absent";
  absent.pattern = {"ssl", "none"};
  const auto source = MakeCertificateSource(dir.path() + "/", loop, clock, {portal, absent});
  const auto read = [&] {
    source->Prepare();
    loop.RunPosted();
    return Read(*source);
  };
  const auto first = read();
  CHECK(first.values.at(R"(haidang_certificate_success{name="portal"})") == 1);
  CHECK(first.values.at(R"(haidang_certificate_valid{name="portal",target="/ssl/a.pem"})") == 1);
  CHECK(first.values.at(R"(haidang_certificate_valid{name="portal",target="/ssl/b.pem"})") == 0);
  CHECK(first.values.at(R"(haidang_certificate_success{name="absent"})") == 0);

  std::ofstream(dir / "ssl/b.pem") << "spoilt";
  clock.Advance(15min);
  const auto second = read();
  CHECK(second.values.at(R"(haidang_certificate_success{name="portal"})") == 0);
  CHECK(second.values.at(R"(haidang_certificate_valid{name="portal",target="/ssl/a.pem"})") == 1);
  CHECK_FALSE(
      second.values.contains(R"(haidang_certificate_valid{name="portal",target="/ssl/b.pem"})"));
}
