#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/source.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/io/host_port.h"
#include "core/io/loop.h"

namespace haidang::agent {

// Certificates that must not run out: in files, or as a port shows them. [[certificate]] in the
// configuration.
struct CertificateOptions {
  std::string name;
  std::vector<std::string> pattern;  // files (ParsePattern); empty: `address`
  std::optional<HostPort> address;
  std::string server_name;  // that it must be made out to; "" for files: any
  std::string ca_file;      // who must have made it out; "": the system's CAs
  std::chrono::milliseconds interval{900'000};
  std::chrono::milliseconds timeout{10'000};
};

std::vector<CertificateOptions> ReadCertificateOptions(ConfigTable& root);

// Looks on a worker. What cannot be read has haidang_certificate_success 0, and its other series no
// value.
std::unique_ptr<Source> MakeCertificateSource(const std::string& root, Loop& loop,
                                              const Clock& clock,
                                              const std::vector<CertificateOptions>& certificates);

}  // namespace haidang::agent
