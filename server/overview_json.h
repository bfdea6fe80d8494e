#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/query.h"
#include "server/live.h"

// What the API says of the collector's answers (server/openapi.json). Unknown is null, never
// absent. While the collector does not answer, values are withheld: only `as_of` keeps what was
// last known.
namespace haidang::server {

// Everything of /api/v1/overview but now_ms and sequence, at `now_ms`.
nlohmann::json OverviewJson(const LiveView& view, int64_t now_ms);

nlohmann::json MachinesJson(const LiveView& view);
nlohmann::json SitesJson(const std::vector<query::Site>& sites);
nlohmann::json FindingsJson(const std::vector<query::Finding>& findings);
nlohmann::json EventsJson(const std::vector<query::EventRow>& events);
nlohmann::json GapsJson(const std::vector<query::Gap>& gaps);
nlohmann::json SeriesJson(const std::vector<query::Column>& columns);

}  // namespace haidang::server
