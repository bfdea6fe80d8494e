#include "agent/sources/certificate.h"

#include <atomic>
#include <set>
#include <utility>

#include "agent/paced_items.h"
#include "agent/sources/certificate_chain.h"
#include "agent/sources/text.h"
#include "agent/sources/walk.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxCertificates = 64;  // [[certificate]]
constexpr size_t kMaxFilesEach = 64;
constexpr size_t kMaxFileBytes = 1U << 20;
constexpr size_t kMaxLabelBytes = 512;

// What one [[certificate]] found: the state of each file or port, or why it has none.
struct Found {
  std::vector<std::pair<std::string, Result<CertificateState>>> targets;
};

// Seconds since 1970, told to workers, which may outlive the clock.
using SharedTime = std::shared_ptr<std::atomic<int64_t>>;

Result<Found> LookAtFiles(const std::string& root, const CertificateOptions& options,
                          const ChainRules& rules) {
  Found found;
  bool too_many = false;
  const Status walked = WalkFiles(root, options.pattern, {}, [&](const FoundFile& file) {
    too_many = found.targets.size() == kMaxFilesEach;
    if (too_many) return;
    const auto text = ReadSmallFile(file.path, kMaxFileBytes);
    found.targets.emplace_back(
        file.path.substr(root.size() - 1),
        text ? ParseCertificate(*text, rules) : Result<CertificateState>(text.error()));
  });
  if (!walked) return walked.error();
  if (found.targets.empty()) return Error{"no such file"};
  if (too_many) {
    return Error{"more than " + std::to_string(kMaxFilesEach) +
                 " files match; name them more closely"};
  }
  return found;
}

Result<Found> Look(const std::string& root, const CertificateOptions& options, int64_t now_s) {
  const ChainRules rules{options.ca_file, options.server_name, now_s};
  if (!options.address) return LookAtFiles(root, options, rules);
  Found found;
  found.targets.emplace_back(ToString(*options.address),
                             FetchCertificate(*options.address, rules, options.timeout));
  return found;
}

class CertificateSource final : public Source {
 public:
  CertificateSource(const std::string& root, Loop& loop, const Clock& clock,
                    const std::vector<CertificateOptions>& certificates)
      : clock_(clock),
        now_s_(std::make_shared<std::atomic<int64_t>>(0)),
        looks_("certificate", loop, clock) {
    for (const CertificateOptions& one : certificates) {
      looks_.Add(one.name, one.interval,
                 [root, one, now_s = now_s_] { return Look(root, one, *now_s); });
    }
  }

  std::string_view name() const override { return "certificate"; }

  void Prepare() override {
    *now_s_ = clock_.WallMs() / 1000;
    looks_.Prepare();
  }

  bool Ready() const override { return looks_.Ready(); }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    for (auto& one : looks_.items()) Report(one, readings);
    return {};
  }

 private:
  static void Report(PacedItems<Found>::Item& one, std::vector<Reading>& readings) {
    const Result<Found> found = one.look.Latest();
    std::string failure = found ? "" : found.error().message;
    if (found) {
      for (const auto& [target, state] : found->targets) {
        if (state) {
          Report({{"name", one.name}, {"target", ToUtf8(target, kMaxLabelBytes)}}, *state,
                 readings);
        } else {
          failure = target + ": " + state.error().message;
        }
      }
    }
    Add(readings, "haidang_certificate_success", {{"name", one.name}}, failure.empty());
    if (failure.empty()) {
      one.trouble.Worked();
    } else {
      one.trouble.Failed(failure);
    }
  }

  static void Report(const Labels& labels, const CertificateState& state,
                     std::vector<Reading>& readings) {
    const auto seconds = [&](std::string_view metric, int64_t time_s) {
      Add(readings, metric, labels, static_cast<double>(time_s));
    };
    seconds("haidang_certificate_not_before_seconds", state.not_before_s);
    seconds("haidang_certificate_not_after_seconds", state.not_after_s);
    seconds("haidang_certificate_chain_not_after_seconds", state.chain_not_after_s);
    Add(readings, "haidang_certificate_valid", labels, state.problem.empty());
    Add(readings, "haidang_certificate_problem", labels, state.problem);
    Add(readings, "haidang_certificate_subject", labels, state.subject);
  }

  const Clock& clock_;
  const SharedTime now_s_;
  PacedItems<Found> looks_;
};

// One of `file` and `address`.
void ReadTarget(ConfigTable& table, CertificateOptions& one) {
  const std::string file = table.String("file", "");
  const std::string address = table.String("address", "");
  if (file.empty() && address.empty()) {
    return table.Fault("file",
                       "is missing; allowed: file = \"/etc/ssl/portal.pem\", or address = "
                       "\"portal.example:443\"");
  }
  if (!file.empty() && !address.empty()) {
    return table.Fault("address", "stands beside file; allowed: one of them");
  }
  if (!file.empty()) {
    auto pattern = ParsePattern(file);
    if (!pattern) return table.Fault("file", pattern.error().message);
    one.pattern = std::move(*pattern);
    return;
  }
  const auto parsed = ParseHostPort(address);
  if (!parsed || parsed->port == 0) {
    return table.Fault("address", (parsed ? "needs a port" : parsed.error().message) +
                                      "; allowed: \"portal.example:443\"");
  }
  one.address = *parsed;
  if (one.server_name.empty()) one.server_name = parsed->host;
}

}  // namespace

std::vector<CertificateOptions> ReadCertificateOptions(ConfigTable& root) {
  std::vector<CertificateOptions> all;
  std::set<std::string> names;
  for (ConfigTable& table : root.Tables("certificate", kMaxCertificates)) {
    CertificateOptions one;
    one.name = table.RequiredString("name", 64);
    if (!one.name.empty() && !names.insert(one.name).second) {
      table.Fault("name", "there are two [[certificate]] of this name; allowed: each name once");
    }
    one.server_name = table.String("server_name", "", 253);
    ReadTarget(table, one);
    one.ca_file = table.String("ca", "");
    one.interval = table.Duration("interval", one.interval, 1s, 24h);
    one.timeout = table.Duration("timeout", one.timeout, 100ms, 60s);
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

std::unique_ptr<Source> MakeCertificateSource(const std::string& root, Loop& loop,
                                              const Clock& clock,
                                              const std::vector<CertificateOptions>& certificates) {
  return std::make_unique<CertificateSource>(root, loop, clock, certificates);
}

}  // namespace haidang::agent
