#include "server/api.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/crc64.h"
#include "core/io/http/parameters.h"
#include "core/query_json.h"
#include "server/assets.h"
#include "server/overview_json.h"
#include "server/places.h"

namespace haidang::server {
namespace {

using http::ErrorReply;
using http::NamesFault;
using http::Reply;
using http::Request;
using nlohmann::json;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kFullRangeMs = 6 * kHourMs;  // longer ranges get a step of their own
constexpr int64_t kPointsOfLongRange = 1500;
constexpr size_t kMaxMetrics = 4;
constexpr size_t kMaxName = 256;

Reply JsonReply(const json& body) {
  Reply reply;
  reply.body = query::DumpJson(body);
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

Reply Wrong(const std::string& message) { return ErrorReply(400, "bad_parameter", message); }

Reply Unreachable(const std::string& message) {
  Reply reply = ErrorReply(503, "collector_unreachable", message);
  reply.headers.emplace_back("Retry-After", "5");
  return reply;
}

// For an answer that did not come: the fault is the caller's where the question was refused.
template <typename T>
Reply Unanswered(const Answer<T>& answer) {
  const std::string& message = answer.error().message;
  return answer.refused ? Wrong(message) : Unreachable(message);
}

// A whole number in [min, max]; `fallback` where the parameter is absent; nothing where it is
// wrong.
std::optional<int64_t> IntParam(const Request& request, const std::string& name, int64_t fallback,
                                int64_t min, int64_t max) {
  if (!request.params.contains(name)) return fallback;
  const std::string text = request.Param(name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return std::nullopt;
  }
  return value;
}

struct TimeRange {
  int64_t from_ms = 0;
  int64_t to_ms = 0;
};

// `from` and `to` in milliseconds; `to` is now and `from` is `length_ms` before it where absent.
Result<TimeRange> RangeParam(const Request& request, int64_t now_ms, int64_t length_ms) {
  constexpr int64_t kLatest = 253'402'300'799'000;  // the end of the year 9999
  const auto to = IntParam(request, "to", now_ms, 0, kLatest);
  if (!to) return Error{"to must be milliseconds since 1970"};
  const auto from = IntParam(request, "from", std::max<int64_t>(*to - length_ms, 0), 0, kLatest);
  if (!from) return Error{"from must be milliseconds since 1970"};
  if (*from >= *to) return Error{"from must be before to"};
  if (*to - *from > query::kMaxRangeMs) return Error{"from and to are more than 31 days apart"};
  return TimeRange{*from, *to};
}

Result<std::string> MachineParam(const Request& request) {
  const std::string machine = request.Param("machine");
  if (machine.empty()) return Error{"machine is missing"};
  if (machine.size() > kMaxName) return Error{"machine is too long"};
  return machine;
}

http::Router::Handler WithoutParameters(http::Router::Handler handler) {
  return [handler = std::move(handler)](const Request& request) {
    const std::string fault = NamesFault(request, {});
    return fault.empty() ? handler(request) : Wrong(fault);
  };
}

Reply AnswerOverview(const ApiParts& parts) {
  Reply reply;
  reply.body = parts.feed.Text(parts.feed.Current());
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

Reply AnswerStream(const ApiParts& parts, const Request& request) {
  if (request.method != "HEAD") return parts.feed.OpenStream();
  Reply reply;
  reply.type = "text/event-stream";
  return reply;
}

Reply AnswerSites(const ApiParts& parts) {
  const auto snapshot = parts.live.Now().snapshot;
  return JsonReply({{"sites", SitesJson(ValidAt(snapshot->sites, parts.clock.WallMs()))}});
}

Reply AnswerMachine(const ApiParts& parts, const Request& request) {
  const LiveView view = parts.live.Now();
  json found;
  for (json& machine : MachinesJson(view)) {
    if (machine["machine"] == request.captured) found = std::move(machine);
  }
  if (found.is_null()) return ErrorReply(404, "unknown_machine", "no such machine is known");
  std::vector<query::Finding> findings;
  for (const query::Finding& finding : view.overview->open_findings) {
    if (finding.machine == request.captured && view.reachable) findings.push_back(finding);
  }
  return JsonReply({{"machine", std::move(found)}, {"findings", FindingsJson(findings)}});
}

Reply AnswerFindings(const ApiParts& parts, const Request& request) {
  if (const std::string fault = NamesFault(request, {"from", "to"}); !fault.empty()) {
    return Wrong(fault);
  }
  const bool open_only = !request.params.contains("from") && !request.params.contains("to");
  const Result<TimeRange> range = RangeParam(request, parts.clock.WallMs(), kDayMs);
  if (!range) return Wrong(range.error().message);
  const LiveView view = parts.live.Now();
  if (!view.reachable) return Unreachable(view.reason);
  if (open_only) {
    return JsonReply({{"findings", FindingsJson(view.overview->open_findings)}});
  }
  auto findings = parts.collector.Findings(range->from_ms, range->to_ms);
  if (!findings) return Unanswered(findings);
  return JsonReply({{"findings", FindingsJson(*findings)}});
}

Reply AnswerJourneys(const ApiParts& parts) {
  const auto text = parts.journeys.Text();
  if (!text) return Unreachable(text.error().message);
  Reply reply;
  reply.body = **text;
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

// The question about one machine and a range, the last `length_ms` where none is given; or what is
// wrong with it.
Result<CollectorClient::Params> MachineQuestion(const ApiParts& parts, const Request& request,
                                                int64_t length_ms) {
  const std::string fault = NamesFault(request, {"machine", "from", "to"});
  if (!fault.empty()) return Error{fault};
  Result<std::string> machine = MachineParam(request);
  if (!machine) return machine.error();
  const Result<TimeRange> range = RangeParam(request, parts.clock.WallMs(), length_ms);
  if (!range) return range.error();
  return CollectorClient::Params{{"machine", std::move(*machine)},
                                 {"from", std::to_string(range->from_ms)},
                                 {"to", std::to_string(range->to_ms)}};
}

Reply AnswerEvents(const ApiParts& parts, const Request& request) {
  const auto question = MachineQuestion(parts, request, kDayMs);
  if (!question) return Wrong(question.error().message);
  auto events = parts.collector.Events(*question);
  if (!events) return Unanswered(events);
  return JsonReply({{"events", EventsJson(*events)}});
}

Reply AnswerGaps(const ApiParts& parts, const Request& request) {
  const auto question = MachineQuestion(parts, request, 7 * kDayMs);
  if (!question) return Wrong(question.error().message);
  auto gaps = parts.collector.Gaps(*question);
  if (!gaps) return Unanswered(gaps);
  return JsonReply({{"gaps", GapsJson(*gaps)}});
}

Reply AnswerSeries(const ApiParts& parts, const Request& request) {
  const std::string fault =
      NamesFault(request, {"machine", "from", "to", "step"}, {"metric", "label."});
  if (!fault.empty()) return Wrong(fault);
  Result<std::string> machine = MachineParam(request);
  if (!machine) return Wrong(machine.error().message);
  Result<TimeRange> range = RangeParam(request, parts.clock.WallMs(), kHourMs);
  if (!range) return Wrong(range.error().message);
  const int64_t length = range->to_ms - range->from_ms;
  const int64_t own_step = length > kFullRangeMs ? length / kPointsOfLongRange : 0;
  const auto step = IntParam(request, "step", own_step, 0, query::kMaxRangeMs);
  if (!step) return Wrong("step must be milliseconds");
  const auto [first, last] = request.params.equal_range("metric");
  if (first == last) return Wrong("metric is missing");
  if (static_cast<size_t>(std::distance(first, last)) > kMaxMetrics) {
    return Wrong("more than 4 metrics");
  }
  std::vector<query::Column> columns;
  for (auto metric = first; metric != last; ++metric) {
    if (metric->second.empty() || metric->second.size() > kMaxName) {
      return Wrong("metric must be a name");
    }
    CollectorClient::Params question{{"machine", *machine},
                                     {"metric", metric->second},
                                     {"from", std::to_string(range->from_ms)},
                                     {"to", std::to_string(range->to_ms)}};
    if (*step > 0) question.emplace_back("step", std::to_string(*step));
    for (const auto& [name, value] : request.params) {
      if (name.starts_with("label.")) question.emplace_back(name, value);
    }
    auto part = parts.collector.Series(question);
    if (!part) return Unanswered(part);
    std::move(part->begin(), part->end(), std::back_inserter(columns));
  }
  return JsonReply({{"series", SeriesJson(columns)}});
}

Reply AnswerDiscovery(const ApiParts& parts) {
  const auto group = [](const json& targets, const char* path, const char* job) {
    return json{{"targets", targets}, {"labels", {{"__metrics_path__", path}, {"job", job}}}};
  };
  json groups = json::array();
  if (!parts.options.fleet_targets.empty()) {
    groups.push_back(group(parts.options.fleet_targets, "/metrics/fleet", "haidang-fleet"));
    groups.push_back(group(parts.options.fleet_targets, "/metrics", "haidang-collector"));
  }
  if (!parts.options.own_target.empty()) {
    groups.push_back(group({parts.options.own_target}, "/metrics", "haidang-server"));
  }
  return JsonReply(groups);
}

Reply AnswerReady(const ApiParts& parts) {
  const LiveView view = parts.live.Now();
  if (view.reachable) {
    const auto or_null = [](const std::optional<int64_t>& ms) { return ms ? json(*ms) : json(); };
    return JsonReply({{"status", "ready"},
                      {"broker_down_since_ms", or_null(view.overview->broker_down_since_ms)},
                      {"not_stored_since_ms", or_null(view.overview->not_stored_since_ms)}});
  }
  return ErrorReply(503, "not_ready", view.reason);
}

Reply AnswerAsset(const Asset& asset, const std::string& etag, const Request& request) {
  Reply reply;
  reply.type = asset.type;
  reply.headers.emplace_back("Cache-Control", "no-cache");
  reply.headers.emplace_back("ETag", etag);
  if (request.if_none_match == etag) {
    reply.status = 304;
  } else {
    reply.body = asset.body;
  }
  return reply;
}

void AddAssets(http::Router& router) {
  for (const Asset& asset : Assets()) {
    char etag[32];
    std::snprintf(etag, sizeof(etag), "\"%016llx\"",
                  static_cast<unsigned long long>(Crc64Of(asset.body)));
    router.Add(std::string(asset.path), [asset, tag = std::string(etag)](const Request& request) {
      return AnswerAsset(asset, tag, request);
    });
  }
}

}  // namespace

http::ServerHooks MakeHooks(Metrics& metrics) {
  http::ServerHooks hooks;
  hooks.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
       "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Vary", "Accept-Encoding"},
  };
  hooks.answered = [&metrics](std::string_view route, int status, double seconds) {
    metrics.Answered(route.empty() ? "none" : std::string(route), status, seconds);
  };
  hooks.connections = [&metrics](size_t count) { metrics.ConnectionsAre(count); };
  return hooks;
}

Reply MetricsReply(const Metrics& metrics) {
  Reply reply;
  reply.type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = metrics.Text();
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

http::Router MakeRouter(const ApiParts& parts) {
  http::Router router;
  AddAssets(router);
  router.Add(
      "/api/v1/overview",
      {WithoutParameters([parts](const Request&) { return AnswerOverview(parts); }), {}, true});
  router.Add("/api/v1/stream", WithoutParameters([parts](const Request& request) {
               return AnswerStream(parts, request);
             }));
  router.Add("/api/v1/machines", WithoutParameters([parts](const Request&) {
               return JsonReply({{"machines", MachinesJson(parts.live.Now())}});
             }));
  router.Add("/api/v1/machines/{machine}", WithoutParameters([parts](const Request& request) {
               return AnswerMachine(parts, request);
             }));
  router.Add("/api/v1/sites",
             WithoutParameters([parts](const Request&) { return AnswerSites(parts); }));
  router.Add("/api/v1/journeys",
             WithoutParameters([parts](const Request&) { return AnswerJourneys(parts); }));
  router.Add("/api/v1/findings",
             [parts](const Request& request) { return AnswerFindings(parts, request); });
  router.Add("/api/v1/series",
             [parts](const Request& request) { return AnswerSeries(parts, request); });
  router.Add("/api/v1/events",
             [parts](const Request& request) { return AnswerEvents(parts, request); });
  router.Add("/api/v1/gaps",
             [parts](const Request& request) { return AnswerGaps(parts, request); });
  router.Add("/metrics",
             {[parts](const Request&) { return MetricsReply(parts.metrics); }, {}, true});
  router.Add("/sd", [parts](const Request&) { return AnswerDiscovery(parts); });
  router.Add("/healthz", {[](const Request&) {
                            return JsonReply({{"status", "alive"}});
                          },
                          {},
                          true});
  router.Add("/readyz", {[parts](const Request&) { return AnswerReady(parts); }, {}, true});
  return router;
}

}  // namespace haidang::server
