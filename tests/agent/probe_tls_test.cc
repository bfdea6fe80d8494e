#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <thread>
#include <tuple>

#include "tests/agent/probe_bench.h"
#include "tests/agent/probe_run.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using haidang::agent::testing::ProbeBench;
using haidang::testing::To;

namespace {

// A certificate for localhost, signed by itself, valid between now + from_s and now + to_s:
// NAME.pem and NAME.key.
void MakeCertificate(const std::string& name, long from_s, long to_s) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_set_pubkey(certificate, key);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
  FILE* file = std::fopen((name + ".pem").c_str(), "w");
  REQUIRE(PEM_write_X509(file, certificate) == 1);
  std::fclose(file);
  file = std::fopen((name + ".key").c_str(), "w");
  REQUIRE(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

// Says "hello" over TLS with NAME.pem while it lives.
class TlsServer {
 public:
  explicit TlsServer(const std::string& name)
      : server_((name + ".pem").c_str(), (name + ".key").c_str()) {
    server_.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("hello", "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~TlsServer() {
    server_.stop();
    thread_.join();
  }
  std::string Url(const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(port_) + "/";
  }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

TEST_CASE("TLS: certificates are checked, and their end is told") {
  const haidang::testing::TempDir dir;
  constexpr long kDays = 40 * 86400;
  MakeCertificate(dir / "own", 0, kDays);
  MakeCertificate(dir / "other", 0, kDays);
  const TlsServer server(dir / "own");
  const auto run = [&](const std::string& host, const std::string& ca) {
    ProbeOptions options = To(server.Url(host));
    options.ca_file = ca;
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
    options.ca_file = dir / "own.pem";
    const ProbeResult result = ProbeBench(options).Run();
    CHECK(ToString(result.reason) == "tls_expired");
    CHECK(result.detail == detail);
  }
}
