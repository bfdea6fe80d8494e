#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/io/host_port.h"
#include "core/result.h"

// X.509 certificates in files and on ports. All of it may block, so only on a worker.
namespace haidang::agent {

// What is to be known of a certificate and of the chain behind it.
struct CertificateState {
  std::string subject;       // RFC 2253, "CN=portal.example,O=…"
  int64_t not_before_s = 0;  // since 1970
  int64_t not_after_s = 0;
  int64_t chain_not_after_s = 0;  // the earliest of all that were shown, the certificate's own too
  std::string problem;            // why a client would refuse it; "" where it would not
};

struct ChainRules {
  std::string ca_file;      // PEM; "": the system's
  std::string server_name;  // the certificate must be made out to it; "": to any
  int64_t now_s = 0;        // since 1970
};

// The chain in PEM, or one certificate in DER; what else stands there (keys) is passed over. An
// Error where it holds no certificate.
Result<CertificateState> ParseCertificate(std::string_view text, const ChainRules& rules);

// The chain that is shown at `address` to a client that asks for rules.server_name.
Result<CertificateState> FetchCertificate(const HostPort& address, const ChainRules& rules,
                                          std::chrono::milliseconds timeout);

}  // namespace haidang::agent
