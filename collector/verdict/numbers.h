#pragma once

#include <cstdint>

#include "core/query_journeys.h"

// How each language writes numbers. Pure.
namespace haidang::verdict::say {

// "4 ms", "0.8 s", "12 s"; "4 ms", "0,8 giây", "12 giây".
query::Sentence Seconds(double seconds);
// "4 ms" to "50 s" as above, then "12 minutes", "3 hours", "365 days".
query::Sentence Span(double seconds);
// "98 %"
query::Sentence Percent(double ratio);
// "09:12" of Viet Nam's clock, with the day where that was not today.
query::Sentence Time(int64_t wall_ms, int64_t now_ms);

}  // namespace haidang::verdict::say
