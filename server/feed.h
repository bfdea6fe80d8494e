#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "core/clock.h"
#include "core/io/http/reply.h"
#include "server/live.h"
#include "server/metrics.h"

namespace haidang::server {

// The overview as text, made once for all who ask, and as a stream of server-sent events.
// Thread-safe.
class Feed {
 public:
  static constexpr std::chrono::milliseconds kHeartbeat{5000};

  // All must outlive the feed and its streams. At most `max_streams` streams run at once.
  Feed(const Clock& clock, Live& live, Metrics& metrics, int max_streams);

  struct Published {
    uint64_t sequence = 0;  // higher where the content is another
    bool reachable = false;
    int64_t since_ms = 0;
    std::shared_ptr<const std::string> content;  // /api/v1/overview but for now_ms and sequence
  };
  Published Current();
  // What /api/v1/overview answers now.
  std::string Text(const Published& published) const;

  // event: overview     the same JSON as /api/v1/overview, when something changed
  // event: collector    {"reachable","since_ms"}, when that changed
  // event: heartbeat    {"now_ms"}, each kHeartbeat
  // 503 with Retry-After where there are too many streams already.
  http::Reply OpenStream();

 private:
  struct Stream;
  class Slot;
  bool NextEvents(Stream& stream, const http::WriteBytes& write, const std::function<bool()>& gone);

  const Clock& clock_;
  Live& live_;
  Metrics& metrics_;
  const int max_streams_;
  std::atomic<int> streams_{0};

  std::mutex mutex_;
  Published published_;  // guarded by mutex_, as is what follows
  uint64_t seen_version_ = 0;
};

}  // namespace haidang::server
