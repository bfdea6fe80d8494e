#include "agent/path/path_source.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "agent/cadence.h"
#include "agent/path/dns_question.h"
#include "agent/path/icmp_prober.h"
#include "agent/path/resolv_conf.h"
#include "agent/path/routes.h"
#include "agent/path/target.h"
#include "agent/path/tcp_prober.h"
#include "agent/sources/text.h"
#include "core/log.h"

namespace haidang::agent {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxRoutes = 1U << 20;  // bytes of a table of routes that is read
constexpr uint16_t kDnsPort = 53;

struct Name {
  std::string name;
  std::unique_ptr<DnsQuestion> question = {};
  std::optional<DnsResult> result = {};  // of the last question that ended
};

Round::Plan PlanOf(const PathOptions& options) {
  const auto trials = static_cast<int64_t>(options.echoes);
  return {options.echoes,
          std::clamp(options.interval / (2 * trials), milliseconds(20), milliseconds(200))};
}

class PathSource final : public Source {
 public:
  PathSource(const std::string& root, Loop& loop, const Clock& clock, milliseconds interval,
             const PathOptions& options, Lookup lookup)
      : root_(root),
        loop_(loop),
        clock_(clock),
        options_(options),
        cadence_(clock, options.interval, interval),
        icmp_(loop, clock),
        tcp_(loop, clock),
        resolver_(loop, std::move(lookup)) {
    if (!options.hub.empty()) Add("hub", options.hub, options.hub, 0);
    for (const PathHost& host : options.hosts) Add("host", host.name, host.address, host.port);
    for (const std::string& name : options.names) names_.push_back({name});
    if (options.method == PathMethod::kIcmp && !icmp_.CanTry(AF_INET)) {
      spdlog::warn("path: this user may not send ICMP echoes: see net.ipv4.ping_group_range");
    }
  }

  std::string_view name() const override { return "path"; }

  void Prepare() override {
    if (!cadence_.IsDue()) return;
    cadence_.Begin();
    FindGateway();
    if (gateway_ != nullptr) gateway_->Begin();
    for (const auto& target : targets_) target->Begin();
    Ask();
  }

  bool Ready() const override {
    if (gateway_ != nullptr && gateway_->under_way()) return false;
    const auto measured = [](const auto& target) {
      return !target->under_way() && !target->looking();
    };
    const auto answered = [](const Name& name) { return name.question == nullptr; };
    return std::all_of(targets_.begin(), targets_.end(), measured) &&
           std::all_of(names_.begin(), names_.end(), answered);
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    if (gateway_ != nullptr) gateway_->Report(readings);
    for (const auto& target : targets_) target->Report(readings);
    for (const Name& name : names_) {
      if (!name.result) continue;
      const Labels labels = {{"name", name.name}};
      agent::Add(readings, "haidang_dns_success", labels, name.result->success);
      if (name.result->ns) {
        agent::Add(readings, "haidang_dns_seconds", labels, RoundedSeconds(*name.result->ns));
      }
    }
    return {};
  }

 private:
  std::unique_ptr<Target> Make(TargetOptions target) {
    target.method = options_.method;
    target.plan = PlanOf(options_);
    return std::make_unique<Target>(std::move(target),
                                    TargetTools{loop_, clock_, icmp_, tcp_, resolver_});
  }

  void Add(std::string role, std::string name, std::string address, uint16_t port) {
    targets_.push_back(Make({std::move(role), std::move(name), std::move(address), port, true}));
  }

  // IPv4's; IPv6's where it has none. Another one is another target, which counts anew. The last
  // one stays while there is no default route at all: then nothing is reached, as with a cable that
  // was pulled out.
  void FindGateway() {
    if (!options_.gateway) return;
    const auto v4 = FindGateway4(ReadTable("proc/net/route"));
    const auto v6 = FindGateway6(ReadTable("proc/net/ipv6_route"));
    if (!v4 && !v6) return;
    const std::string found = v4.value_or("").empty() ? v6.value_or("") : *v4;
    if (found.empty()) {
      gateway_.reset();
    } else if (gateway_ == nullptr || gateway_->address() != found) {
      gateway_ = Make({.role = "gateway", .name = found, .address = found});
    }
  }

  // "" where there is none; a router's table of that size is not read.
  std::string ReadTable(const std::string& path) const {
    auto text = ReadOptionalFile(root_ + path, kMaxRoutes);
    return text ? std::move(*text) : "";
  }

  void Ask() {
    if (names_.empty()) return;
    const DnsPlan plan = ReadDnsPlan();
    for (Name& name : names_) {
      if (name.question != nullptr) continue;  // still under way
      name.question = std::make_unique<DnsQuestion>(loop_, clock_, name.name, plan,
                                                    [&name](const DnsResult& result) {
                                                      name.result = result;
                                                      name.question.reset();
                                                    });
    }
  }

  DnsPlan ReadDnsPlan() const {
    const auto text = ReadOptionalFile(root_ + "etc/resolv.conf", 65536);
    const ResolvConf conf = ParseResolvConf(text ? *text : "");
    DnsPlan plan{.servers = {}, .timeout = conf.timeout, .attempts = conf.attempts};
    for (const std::string& server : conf.servers) {
      if (const auto address = Address::Parse(server, kDnsPort)) plan.servers.push_back(*address);
    }
    return plan;
  }

  std::string root_;
  Loop& loop_;
  const Clock& clock_;
  PathOptions options_;
  Cadence cadence_;
  IcmpProber icmp_;
  TcpProber tcp_;
  Resolver resolver_;
  std::unique_ptr<Target> gateway_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<Name> names_;  // does not grow once made: questions point to them
};

}  // namespace

std::unique_ptr<Source> MakePathSource(const std::string& root, Loop& loop, const Clock& clock,
                                       milliseconds interval, const PathOptions& options,
                                       Lookup lookup) {
  return std::make_unique<PathSource>(root, loop, clock, interval, options, std::move(lookup));
}

milliseconds LongestRound(const PathOptions& options) {
  const auto round = PlanOf(options).apart * static_cast<int64_t>(options.echoes) + kTrialTimeout;
  // By ICMP and again by TCP, then a search for an MTU of which every packet is lost.
  constexpr auto kSearch = static_cast<int64_t>(LargePackets::kMost) * kTrialTimeout;
  return std::max<milliseconds>(2 * round + kSearch, DnsQuestion::kLongest);
}

}  // namespace haidang::agent
