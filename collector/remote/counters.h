#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

namespace haidang::remote {

// What /metrics tells of one receiver; Metrics::Remote makes it. Counting is thread-safe.
struct RemoteCounters {
  prometheus::Counter& sent;     // samples that the receiver accepted
  prometheus::Counter& refused;  // samples that it refused for good (4xx)
  prometheus::Counter& late;     // samples that it would not take any more, never sent
  prometheus::Counter& expired;  // samples that went from the store before it could take them
  prometheus::Counter& retried;  // samples of attempts that failed and are made again
  prometheus::Gauge& pending;    // samples in requests that are under way or wait
  // Seconds by which what the receiver has is behind what the store has. The Sender does not know
  // it: whoever feeds it does.
  prometheus::Gauge& lag;
  prometheus::Gauge& lag_rows;  // batches that the store has and the receiver has not
};

}  // namespace haidang::remote
