#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "collector/remote/remote_url.h"
#include "collector/remote/write_request.h"
#include "core/config.h"

namespace haidang::remote {

// One [[remote_write]] of collector.toml (packaging/sample/collector.toml explains each key).
struct RemoteOptions {
  RemoteUrl url;
  std::string user;           // of basic authentication; "" for none
  std::string password_file;  // looked at before each request, so that it may be changed
  std::string bearer_token_file;
  // Debian's own list of authorities.
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  std::string cert_file;    // "" for none
  std::string key_file;     // of cert_file
  std::string server_name;  // that its certificate must name; "" for the URL's host
  std::map<std::string, std::string, std::less<>> headers;
  std::chrono::milliseconds timeout{30000};  // of one request
  RequestOptions requests;
  // How much older than a series' newest sample the receiver takes samples; 0: not at all.
  std::chrono::milliseconds out_of_order{0};
  // How long, and how much, the store keeps for it that it does not take; then it is lost for it.
  std::chrono::milliseconds keep = std::chrono::hours(24);
  int64_t keep_bytes = int64_t{4} << 30;         // payloads of the journal
  std::chrono::milliseconds backoff_min{100};    // first bound of the wait between attempts
  std::chrono::milliseconds backoff_max{30000};  // last bound
};

inline constexpr size_t kMaxRemotes = 16;

// Reads every [[remote_write]]; faults are the tables'.
std::vector<RemoteOptions> ReadRemotes(ConfigTable& root);

// Faults of the files that `remotes`, which were read from `root` without fault, name.
void CheckRemotes(ConfigTable& root, const std::vector<RemoteOptions>& remotes);

}  // namespace haidang::remote
