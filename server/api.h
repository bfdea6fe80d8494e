#pragma once

#include "core/clock.h"
#include "server/collector_client.h"
#include "server/feed.h"
#include "server/http/router.h"
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
  Metrics& metrics;
  const Options& options;
};

// Every route of server/openapi.json: the pages, /api/v1, /metrics, /sd, /healthz, /readyz.
Router MakeRouter(const ApiParts& parts);

}  // namespace haidang::server
