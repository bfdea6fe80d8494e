#include <catch2/catch.hpp>
#include <tuple>

#include "tests/agent/probe_bench.h"
#include "tests/agent/probe_run.h"
#include "tests/agent/test_certificate.h"
#include "tests/agent/tls_server.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::agent::testing::ProbeBench;
using haidang::testing::MakeCertificate;
using haidang::testing::TlsServer;
using haidang::testing::To;

TEST_CASE("TLS: certificates are checked, and their end is told") {
  const haidang::testing::TempDir dir;
  constexpr long kDays = 40 * 86400;
  MakeCertificate(dir / "own", 0, kDays);
  MakeCertificate(dir / "other", 0, kDays);
  const TlsServer server(dir / "own");
  const auto run = [&](const std::string& host, const std::string& ca) {
    ProbeOptions options = To(server.Url(host));
    options.access.ca_file = ca;
    return ProbeBench(options).Run();
  };
  const ProbeResult right = run("localhost", dir / "own.pem");
  const ProbeResult wrong_ca = run("localhost", dir / "other.pem");
  const ProbeResult wrong_name = run("mot-cua.example", dir / "own.pem");
  const ProbeResult no_ca = run("localhost", dir / "absent.pem");

  CHECK(right.reason == ProbeReason::kNone);
  CHECK(right.times.us[kTls] > 0);
  const int64_t now = SystemClock().WallMs() / 1000;
  CHECK(right.cert_expiry > now + 39 * 86400);
  CHECK(right.cert_expiry < now + 41 * 86400);
  CHECK(wrong_ca.reason == ProbeReason::kTlsUntrusted);
  CHECK(wrong_ca.detail == "TLS certificate not trusted: self-signed certificate");
  CHECK(wrong_name.reason == ProbeReason::kTlsName);
  CHECK(wrong_name.detail == "TLS certificate has another host's name");
  CHECK(no_ca.reason == ProbeReason::kInternal);
  CHECK(no_ca.detail == "the probe's CA file cannot be read");
}

TEST_CASE("TLS: a certificate whose time is over, or not begun") {
  const haidang::testing::TempDir dir;
  for (const auto& [from_s, to_s, detail] :
       {std::tuple(-7200, -3600, "TLS certificate expired"),
        std::tuple(3600, 7200, "TLS certificate not valid yet: check both clocks")}) {
    MakeCertificate(dir / "own", from_s, to_s);
    TlsServer server(dir / "own");
    ProbeOptions options = To(server.Url());
    options.access.ca_file = dir / "own.pem";
    const ProbeResult result = ProbeBench(options).Run();
    CHECK(ToString(result.reason) == "tls_expired");
    CHECK(result.detail == detail);
  }
}
