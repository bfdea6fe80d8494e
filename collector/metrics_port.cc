#include "collector/metrics_port.h"

#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

#include "collector/process_metrics.h"
#include "core/io/http/http_server.h"

namespace haidang::collector {
namespace {

using http::Reply;
using http::Request;

constexpr const char* kType = "text/plain; version=0.0.4; charset=utf-8";
constexpr size_t kWriteBytes = 256U << 10;

std::string Serialise(const std::vector<prometheus::MetricFamily>& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

Reply TextReply(const std::vector<prometheus::MetricFamily>& families) {
  Reply reply;
  reply.type = kType;
  reply.body = Serialise(families);
  return reply;
}

Reply StatusReply(const char* status) {
  Reply reply;
  reply.body = std::string("{\"status\":\"") + status + "\"}";
  return reply;
}

// One text after another, none kept: the fleet's is too large to be held as a whole.
bool WriteFleet(FleetNow now, const http::WriteBytes& write) {
  std::string text;
  bool taken = true;
  ForEachPart(std::move(now), [&](prometheus::MetricFamily&& part, bool continued) {
    if (!taken) return;
    text += PartText(std::move(part), continued);
    if (text.size() < kWriteBytes) return;
    taken = write(text);
    text.clear();
  });
  return taken && (text.empty() || write(text));
}

http::FrontOptions MakeFrontOptions(const HostPort& listen) {
  http::FrontOptions front;
  front.listen = listen;
  front.max_connections = MetricsPort::kMaxConnections;
  front.max_connections_of_peer = MetricsPort::kMaxConnections / 2;
  // Each of the fleet's readers holds a copy of its values: some 20 MB for 10 000 machines.
  front.max_threads = 8;
  front.reserved_threads = 2;  // for /metrics
  front.answer_patience = {.piece = std::chrono::milliseconds(5000),
                           .answer = std::chrono::milliseconds(30000)};
  return front;
}

class Port final : public MetricsPort {
 public:
  Port(std::shared_ptr<prometheus::Registry> own, AskFleet fleet, AskReady ready)
      : own_(std::move(own)), fleet_(std::move(fleet)), ready_(std::move(ready)) {
    router_.Add("/healthz", {[](const Request&) { return StatusReply("alive"); }, {}, true});
    router_.Add("/readyz", {[this](const Request&) { return Ready(); }, {}, true});
    router_.Add("/metrics", {[this](const Request&) { return Own(); }, {}, true});
    router_.Add("/metrics/fleet", [this](const Request&) { return Fleet(); });
  }

  Status Listen(const HostPort& listen) {
    auto server = http::HttpServer::Listen(MakeFrontOptions(listen), router_, {});
    if (!server) return server.error();
    server_ = std::move(*server);
    return {};
  }

  uint16_t port() const override { return server_->port(); }
  void Start() override { server_->Start(); }
  void Stop() override { server_->Stop(); }

 private:
  Reply Own() const {
    auto families = own_->Collect();
    for (auto& family : process_.Collect()) families.push_back(std::move(family));
    return TextReply(families);
  }

  Reply Ready() const {
    const auto why = ready_();
    if (!why) return http::ErrorReply(503, "busy", "the collector is busy; ask again");
    return why->empty() ? StatusReply("ready") : http::ErrorReply(503, "not_ready", *why);
  }

  Reply Fleet() const {
    auto now = fleet_();
    if (!now) return http::ErrorReply(503, "busy", "the collector is busy; ask again");
    Reply reply;
    reply.type = kType;
    reply.stream = [held = std::make_shared<FleetNow>(std::move(*now))](
                       const http::WriteBytes& write, const std::function<bool()>&) {
      WriteFleet(std::move(*held), write);
      return false;  // there is nothing more
    };
    return reply;
  }

  std::shared_ptr<prometheus::Registry> own_;
  ProcessMetrics process_;
  AskFleet fleet_;
  AskReady ready_;
  http::Router router_;
  std::unique_ptr<http::HttpServer> server_;  // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<MetricsPort>> MetricsPort::Open(const HostPort& listen,
                                                       std::shared_ptr<prometheus::Registry> own,
                                                       AskFleet fleet, AskReady ready) {
  auto port = std::make_unique<Port>(std::move(own), std::move(fleet), std::move(ready));
  if (const Status listening = port->Listen(listen); !listening) return listening.error();
  return std::unique_ptr<MetricsPort>(std::move(port));
}

Result<std::unique_ptr<http::WaitingPort>> MetricsPort::Wait(const HostPort& listen) {
  return http::WaitingPort::Open(MakeFrontOptions(listen), [](const Request&) {
    return TextReply(ProcessMetrics().Collect());
  });
}

}  // namespace haidang::collector
