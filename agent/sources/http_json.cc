#include "agent/sources/http_json.h"

#include <algorithm>
#include <utility>

#include "agent/cadence.h"
#include "core/http_token.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxDocuments = 32;
constexpr size_t kMaxHeaders = 16;

std::vector<std::string> ReadHeaders(ConfigTable& table) {
  std::vector<std::string> headers;
  for (const auto& [name, value] : table.Texts("headers", kMaxHeaders)) {
    if (!IsHttpToken(name) || value.empty()) {
      table.Fault("headers", "\"" + Printable(name, 64) +
                                 "\" is no header of HTTP, or its value is empty; "
                                 "allowed: { Authorization = \"Bearer …\" }");
    }
    headers.push_back(name + ": " + value);
  }
  return headers;
}

// A document and how it is asked for.
struct Asked {
  JsonItem item;
  std::unique_ptr<Probe> probe;
  Cadence cadence;
};

class HttpJsonSource final : public Source {
 public:
  HttpJsonSource(std::unique_ptr<const CurlApi> api, Loop& loop, const Clock& clock,
                 std::chrono::milliseconds interval, const std::vector<HttpJsonOptions>& documents,
                 Lookup lookup)
      : api_(std::move(api)), http_(*api_, loop, clock), resolver_(loop, std::move(lookup)) {
    asked_.reserve(documents.size());  // probes call back into them
    for (const HttpJsonOptions& one : documents) {
      asked_.push_back({{"http_json", one.json, clock},
                        std::make_unique<Probe>(one.request, loop, clock, http_, resolver_),
                        {clock, one.request.interval, interval}});
    }
  }

  std::string_view name() const override { return "http_json"; }

  void Prepare() override {
    for (Asked& one : asked_) {
      if (one.probe->running() || !one.cadence.IsDue()) continue;
      one.cadence.Begin();
      one.probe->Run([&one](const ProbeResult& result) {
        if (result.reason == ProbeReason::kNone) {
          one.item.Answered(result.body);
        } else {
          one.item.Failed(result.detail);
        }
      });
    }
  }

  bool Ready() const override {
    return std::none_of(asked_.begin(), asked_.end(),
                        [](const Asked& one) { return one.probe->running(); });
  }

  Status Read(int64_t, std::vector<Reading>& readings, std::vector<Event>&) override {
    for (const Asked& one : asked_) one.item.Report(readings);
    return {};
  }

 private:
  std::unique_ptr<const CurlApi> api_;
  Http http_;
  Resolver resolver_;
  std::vector<Asked> asked_;
};

}  // namespace

std::vector<HttpJsonOptions> ReadHttpJsonOptions(ConfigTable& root, JsonTaken& taken) {
  std::vector<HttpJsonOptions> all;
  for (ConfigTable& table : root.Tables("http_json", kMaxDocuments)) {
    HttpJsonOptions one;
    one.json = ReadJsonOptions(table, taken);
    ProbeOptions& request = one.request;
    request.url = table.RequiredString("url", 2048);
    if (!request.url.empty()) {
      if (const auto url = ParseUrl(request.url); !url) {
        table.Fault("url", url.error().message + "; allowed: \"https://host/path\"");
      }
    }
    request.interval = table.Duration("interval", 1min, 1s, 24h);
    request.timeout = table.Duration("timeout", request.timeout, 100ms, 5min);
    request.access.ca_file = table.String("ca", "");
    request.headers = ReadHeaders(table);
    request.max_body = JsonItem::kMaxBytes;
    request.max_redirects = 0;  // what the headers say is for this server alone
    request.keep_answer = true;
    table.Finish();
    all.push_back(std::move(one));
  }
  return all;
}

Result<std::unique_ptr<Source>> MakeHttpJsonSource(Loop& loop, const Clock& clock,
                                                   std::chrono::milliseconds interval,
                                                   const std::vector<HttpJsonOptions>& documents,
                                                   Lookup lookup) {
  auto api = CurlApi::Load();
  if (!api) return api.error();
  return std::unique_ptr<Source>(std::make_unique<HttpJsonSource>(
      std::move(*api), loop, clock, interval, documents, std::move(lookup)));
}

}  // namespace haidang::agent
