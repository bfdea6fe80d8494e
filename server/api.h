#pragma once

#include "core/clock.h"
#include "core/io/http/http_server.h"
#include "core/io/http/router.h"
#include "server/collector_client.h"
#include "server/feed.h"
#include "server/journeys.h"
#include "server/live.h"
#include "server/metrics.h"
#include "server/options.h"

namespace haidang::server {

// What the routes need. All must outlive the router.
struct ApiParts {
  const Clock& clock;
  Live& live;
  Feed& feed;
  CollectorClient& collector;
  Journeys& journeys;
  Metrics& metrics;
  const Options& options;
};

// What every answer tells browsers to keep to, and `metrics`' view of the answers; it must outlive
// them.
http::ServerHooks MakeHooks(Metrics& metrics);

// The answer of /metrics.
http::Reply MetricsReply(const Metrics& metrics);

// Every route of server/openapi.json: the pages, /api/v1, /metrics, /sd, /healthz, /readyz.
http::Router MakeRouter(const ApiParts& parts);

}  // namespace haidang::server
