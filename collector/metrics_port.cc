#include "collector/metrics_port.h"

#include <prometheus/text_serializer.h>

#include <sstream>
#include <thread>
#include <utility>

#include "collector/http_port.h"
#include "collector/process_metrics.h"

namespace haidang::collector {
namespace {

constexpr const char* kType = "text/plain; version=0.0.4; charset=utf-8";
constexpr size_t kThreads = 4;
constexpr size_t kWriteBytes = 256U << 10;

std::string Serialise(std::vector<prometheus::MetricFamily> families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

class Port final : public MetricsPort {
 public:
  Port(std::shared_ptr<prometheus::Registry> own, AskFleet fleet)
      : own_(std::move(own)), fleet_(std::move(fleet)), http_(kThreads, 4096) {
    http_.server().Get("/metrics", [this](const auto&, auto& answer) {
      auto families = own_->Collect();
      for (auto& family : process_.Collect()) families.push_back(std::move(family));
      answer.set_content(Serialise(std::move(families)), kType);
    });
    http_.server().Get("/metrics/fleet", [this](const auto&, auto& answer) { Fleet(answer); });
  }

  Result<int> Bind(const Listen& listen) { return http_.Bind(listen); }
  int port() const override { return http_.port(); }
  void Start() override { http_.Start(); }
  void Stop() override { http_.Stop(); }

 private:
  void Fleet(httplib::Response& answer) {
    auto now = fleet_();
    if (!now) {
      answer.status = 503;
      answer.set_content("the collector is busy\n", "text/plain");
      return;
    }
    auto held = std::make_shared<FleetNow>(std::move(*now));
    answer.set_chunked_content_provider(kType, [held](size_t, httplib::DataSink& sink) {
      std::string text;
      bool taken = true;
      ForEachPart(std::move(*held), [&](prometheus::MetricFamily&& part, bool continued) {
        if (!taken) return;
        text += PartText(std::move(part), continued);
        if (text.size() < kWriteBytes) return;
        taken = sink.write(text.data(), text.size());
        text.clear();
      });
      if (taken && !text.empty()) taken = sink.write(text.data(), text.size());
      if (taken) sink.done();
      return taken;
    });
  }

  std::shared_ptr<prometheus::Registry> own_;
  ProcessMetrics process_;
  AskFleet fleet_;
  HttpPort http_;  // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<MetricsPort>> MetricsPort::Open(const Listen& listen,
                                                       std::shared_ptr<prometheus::Registry> own,
                                                       AskFleet fleet) {
  auto port = std::make_unique<Port>(std::move(own), std::move(fleet));
  auto bound = port->Bind(listen);
  if (!bound) return bound.error();
  return std::unique_ptr<MetricsPort>(std::move(port));
}

}  // namespace haidang::collector
