#include "collector/remote/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "core/http_token.h"
#include "core/io/host_port.h"
#include "core/io/secret.h"
#include "core/io/tls_files.h"

namespace haidang::remote {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What the request sets itself, and what would change how it is read.
constexpr std::array<std::string_view, 16> kOwnHeaders = {"accept-encoding",
                                                          "connection",
                                                          "content-encoding",
                                                          "content-length",
                                                          "content-type",
                                                          "cookie",
                                                          "expect",
                                                          "host",
                                                          "keep-alive",
                                                          "te",
                                                          "trailer",
                                                          "transfer-encoding",
                                                          "upgrade",
                                                          "user-agent",
                                                          "x-prometheus-remote-write-version",
                                                          "proxy-authorization"};

bool IsLabelName(std::string_view name) {
  const auto letter = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || std::isdigit(static_cast<unsigned char>(c));
         });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

void ReadHeaders(ConfigTable& table, RemoteOptions& remote) {
  remote.headers = table.Texts("headers");
  for (const auto& [name, value] : remote.headers) {
    const std::string lower = Lower(name);
    if (!IsHttpToken(name)) {
      table.Fault("headers", "has a name that is none; allowed: letters, digits and -");
    } else if (lower == "authorization") {
      table.Fault("headers",
                  "must not hold Authorization; allowed: basic_auth or bearer_token_file, whose "
                  "secrets stand in files");
    } else if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), lower) != kOwnHeaders.end()) {
      table.Fault("headers", "must not hold " + name +
                                 ", which the collector sets itself; allowed: other names");
    } else if (value.find_first_of("\n\t") != std::string::npos) {
      table.Fault("headers", "has more than a line for " + name + "; allowed: one line");
    }
  }
}

void ReadExternalLabels(ConfigTable& table, RemoteOptions& remote) {
  remote.requests.external_labels = table.Texts("external_labels");
  for (const auto& [name, value] : remote.requests.external_labels) {
    if (IsLabelName(name) && !name.starts_with("__") && name != "le") continue;
    table.Fault("external_labels",
                "has a name that is none; allowed: letters, digits and _, not a digit first, not "
                "__ first, not le");
  }
}

void ReadCredentials(ConfigTable& table, RemoteOptions& remote) {
  if (table.Has("basic_auth")) {
    ConfigTable basic = table.Table("basic_auth");
    remote.user = basic.RequiredString("user", 256);
    remote.password_file = basic.RequiredString("password_file");
    if (remote.user.find_first_of(":\n\t") != std::string::npos) {
      basic.Fault("user", "must not hold a colon; allowed: a name without one");
    }
    basic.Finish();
  } else {
    (void)table.Table("basic_auth");
  }
  remote.bearer_token_file = table.String("bearer_token_file", "");
  if (!remote.user.empty() && !remote.bearer_token_file.empty()) {
    table.Fault("bearer_token_file", "stands beside basic_auth; allowed: one of them");
  }
  const bool any = !remote.user.empty() || !remote.bearer_token_file.empty();
  if (any && !remote.url.host.empty() && !remote.url.tls && !IsLoopback(remote.url.host)) {
    table.Fault("url",
                "is not encrypted, and everybody on the way could read the password or token; "
                "allowed: https://, or http:// to this machine itself (127.0.0.1)");
  }
}

void ReadTls(ConfigTable tls, RemoteOptions& remote) {
  for (const char* key : {"insecure_skip_verify", "insecure"}) {
    if (!tls.Has(key)) continue;
    tls.Fault(key,
              "is not offered, because a receiver that is not verified may be anybody; allowed: "
              "ca for an authority of your own, server_name where the certificate names another "
              "host");
  }
  remote.ca_file = tls.String("ca", remote.ca_file);
  remote.cert_file = tls.String("cert", "");
  remote.key_file = tls.String("key", "");
  remote.server_name = tls.String("server_name", "", 253);
  if (remote.cert_file.empty() != remote.key_file.empty()) {
    tls.Fault(remote.cert_file.empty() ? "key" : "cert",
              "stands alone; allowed: cert and key, or neither");
  }
  const bool host_like =
      std::all_of(remote.server_name.begin(), remote.server_name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
      });
  if (!host_like) tls.Fault("server_name", "is no host name; allowed: letters, digits, . and -");
  tls.Finish();
}

RemoteOptions ReadRemote(ConfigTable& table) {
  RemoteOptions remote;
  const std::string url = table.RequiredString("url", 2048);
  if (!url.empty()) {
    auto parsed = ParseRemoteUrl(url);
    if (parsed) {
      remote.url = std::move(*parsed);
    } else {
      table.Fault("url", parsed.error().message);
    }
  }
  ReadCredentials(table, remote);
  ReadTls(table.Table("tls"), remote);
  ReadHeaders(table, remote);
  ReadExternalLabels(table, remote);
  remote.timeout = table.Duration("timeout", remote.timeout, seconds(1), hours(1));
  remote.requests.max_samples = static_cast<size_t>(table.Integer(
      "max_samples_per_send", static_cast<int64_t>(remote.requests.max_samples), 1, 100000));
  remote.requests.native_histograms =
      table.Bool("native_histograms", remote.requests.native_histograms);
  remote.out_of_order =
      table.Duration("out_of_order", remote.out_of_order, milliseconds(0), hours(24 * 3660));
  remote.keep = table.Duration("keep", remote.keep, std::chrono::minutes(1), hours(24 * 366));
  remote.keep_bytes =
      table.Integer("keep_bytes", remote.keep_bytes, int64_t{1} << 20, int64_t{1} << 42);
  remote.backoff_min =
      table.Duration("backoff_min", remote.backoff_min, milliseconds(10), hours(1));
  remote.backoff_max =
      table.Duration("backoff_max", remote.backoff_max, milliseconds(10), hours(24));
  if (remote.backoff_max < remote.backoff_min) {
    table.Fault(table.Has("backoff_max") ? "backoff_max" : "backoff_min",
                "makes backoff_max shorter than backoff_min; allowed: the same or longer");
  }
  table.Finish();
  return remote;
}

}  // namespace

std::vector<RemoteOptions> ReadRemotes(ConfigTable& root) {
  std::vector<RemoteOptions> remotes;
  std::set<std::string> urls;
  for (ConfigTable& table : root.Tables("remote_write", kMaxRemotes)) {
    remotes.push_back(ReadRemote(table));
    const std::string& shown = remotes.back().url.shown;
    if (!shown.empty() && !urls.insert(shown).second) {
      table.Fault("url",
                  "stands in two [[remote_write]] (what follows a ? does not count); "
                  "allowed: each receiver once");
    }
  }
  return remotes;
}

void CheckRemotes(ConfigTable& root, const std::vector<RemoteOptions>& remotes) {
  std::vector<ConfigTable> tables = root.Tables("remote_write", kMaxRemotes);
  for (size_t i = 0; i < tables.size() && i < remotes.size(); ++i) {
    const RemoteOptions& remote = remotes[i];
    if (!remote.user.empty()) {
      const auto password = ReadCredential(remote.password_file);
      if (!password) tables[i].Table("basic_auth").Fault("password_file", password.error().message);
    }
    if (!remote.bearer_token_file.empty()) {
      const auto token = ReadCredential(remote.bearer_token_file);
      if (!token) tables[i].Fault("bearer_token_file", token.error().message);
    }
    if (!remote.url.tls) continue;
    MqttOptions files;
    files.ca_file = remote.ca_file;
    files.cert_file = remote.cert_file;
    files.key_file = remote.key_file;
    if (const auto fault = FindTlsFault(files)) {
      ConfigTable tls = tables[i].Table("tls");
      if (tls.Has(fault->key)) {
        tls.Fault(fault->key, fault->what);
      } else {
        tables[i].Fault("url", fault->what);
      }
    }
  }
}

}  // namespace haidang::remote
