#include "server/feed.h"

#include <algorithm>

#include "core/query_json.h"
#include "server/overview_json.h"

namespace haidang::server {
namespace {

constexpr std::chrono::milliseconds kLook{500};  // how late staleness or a gone client is noticed
constexpr int64_t kBytesPerSecond = 512 << 10;   // a large province's overview comes less often

std::string EventText(std::string_view name, uint64_t id, std::string_view data) {
  std::string text = "id: " + std::to_string(id) + "\nevent: ";
  text.append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

}  // namespace

// One of the places for streams, given back when the stream ends.
class Feed::Slot {
 public:
  explicit Slot(Feed& feed) : feed_(feed) {
    taken_ = feed_.streams_.fetch_add(1) < feed_.max_streams_;
    feed_.metrics_.StreamsAre(feed_.streams_);
  }
  ~Slot() {
    --feed_.streams_;
    feed_.metrics_.StreamsAre(feed_.streams_);
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  bool taken() const { return taken_; }

 private:
  Feed& feed_;
  bool taken_ = false;
};

struct Feed::Stream {
  explicit Stream(Feed& feed) : slot(feed) {}
  Slot slot;
  bool begun = false;
  uint64_t sequence = 0;  // of the overview sent last
  bool reachable = true;  // as the client believes
  int64_t next_overview_ns = 0;
  int64_t next_heartbeat_ns = 0;
};

Feed::Feed(const Clock& clock, Live& live, Metrics& metrics, int max_streams)
    : clock_(clock), live_(live), metrics_(metrics), max_streams_(max_streams) {
  published_.sequence = static_cast<uint64_t>(std::max<int64_t>(clock.WallMs(), 0));
}

Feed::Published Feed::Current() {
  const uint64_t version =
      live_.version();  // before the look: what comes between is seen next time
  const LiveView view = live_.Now();
  const std::lock_guard lock(mutex_);
  if (published_.content && version == seen_version_) return published_;
  seen_version_ = version;
  std::string content = query::DumpJson(OverviewJson(view, clock_.WallMs()));
  if (published_.content && content == *published_.content) return published_;
  ++published_.sequence;
  published_.reachable = view.reachable;
  published_.since_ms = view.since_ms;
  published_.content = std::make_shared<const std::string>(std::move(content));
  return published_;
}

std::string Feed::Text(const Published& published) const {
  return "{\"now_ms\":" + std::to_string(clock_.WallMs()) +
         ",\"sequence\":" + std::to_string(published.sequence) + "," + published.content->substr(1);
}

http::Reply Feed::OpenStream() {
  auto stream = std::make_shared<Stream>(*this);
  if (!stream->slot.taken()) {
    metrics_.StreamRefused();
    http::Reply reply = http::ErrorReply(
        503, "too_many_streams", "too many browsers watch at once; ask /api/v1/overview instead");
    reply.headers.emplace_back("Retry-After", "30");
    return reply;
  }
  http::Reply reply;
  reply.type = "text/event-stream";
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.headers.emplace_back("X-Accel-Buffering", "no");  // proxies must not hold events back
  reply.endless = true;
  reply.stream = [this, stream](const http::WriteBytes& write, const std::function<bool()>& gone) {
    return NextEvents(*stream, write, gone);
  };
  return reply;
}

bool Feed::NextEvents(Stream& stream, const http::WriteBytes& write,
                      const std::function<bool()>& gone) {
  const uint64_t version = live_.version();
  const Published now = Current();
  const int64_t now_ns = clock_.MonotonicNs();
  std::string text;
  if (!stream.begun) text += "retry: 3000\n\n";
  if (stream.reachable != now.reachable) {
    text += EventText("collector", now.sequence,
                      query::DumpJson({{"reachable", now.reachable}, {"since_ms", now.since_ms}}));
    stream.next_overview_ns = now_ns;
  }
  if (stream.sequence != now.sequence && now_ns >= stream.next_overview_ns) {
    text += EventText("overview", now.sequence, Text(now));
    stream.sequence = now.sequence;
    const auto size = static_cast<int64_t>(now.content->size());
    stream.next_overview_ns = now_ns + size * 1'000'000'000 / kBytesPerSecond;
  }
  if (now_ns >= stream.next_heartbeat_ns) {
    text += EventText("heartbeat", now.sequence, query::DumpJson({{"now_ms", clock_.WallMs()}}));
    stream.next_heartbeat_ns = now_ns + std::chrono::nanoseconds(kHeartbeat).count();
  }
  stream.begun = true;
  stream.reachable = now.reachable;
  if (!text.empty() && !write(text)) return false;
  return live_.WaitForChange(version, kLook) && !gone();
}

}  // namespace haidang::server
