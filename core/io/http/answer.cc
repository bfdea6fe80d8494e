#include "core/io/http/answer.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "core/io/http/gzip.h"

namespace haidang::http {
namespace {

constexpr size_t kWorthPacking = 1024;      // bytes of a body
constexpr size_t kGatherBytes = 64U << 10;  // of packed stream before it is written

bool MayHaveBody(const Head& head, int status) {
  return head.method != "HEAD" && status != 204 && status != 304;
}

// Text packs well; events must not wait in a packer.
bool Packs(const std::string& type) {
  return (type.starts_with("text/") && !type.starts_with("text/event-stream")) ||
         type.starts_with("application/json") || type.starts_with("image/svg+xml");
}

std::string HeadText(const Reply& reply, const Headers& fixed, bool keep_alive) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  text.append(ReasonOf(reply.status)).append("\r\n");
  for (const Headers* headers : {&fixed, &reply.headers}) {
    for (const auto& [name, value] : *headers) {
      text.append(name).append(": ").append(value).append("\r\n");
    }
  }
  if (!keep_alive) text += "Connection: close\r\n";
  return text;
}

// Frames a stream's bytes: packs them where asked, and puts them in chunks where the client knows
// those.
class StreamWriter {
 public:
  StreamWriter(Outlet& outlet, bool chunked, bool packed) : outlet_(outlet), chunked_(chunked) {
    if (packed) gzip_.emplace();
  }

  bool Write(std::string_view bytes) {
    if (!gzip_) return WriteChunk(bytes);
    gzip_->Add(bytes, gathered_);
    return gathered_.size() < kGatherBytes || WriteGathered();
  }

  bool Finish() {
    if (gzip_) {
      gzip_->Finish(gathered_);
      if (!WriteGathered()) return false;
    }
    return !chunked_ || outlet_.Write("0\r\n\r\n");
  }

 private:
  bool WriteGathered() {
    const bool taken = WriteChunk(gathered_);
    gathered_.clear();
    return taken;
  }

  bool WriteChunk(std::string_view bytes) {
    if (bytes.empty()) return !outlet_.failed();  // an empty chunk would be the end
    if (!chunked_) return outlet_.Write(bytes);
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return outlet_.Write({size, static_cast<size_t>(length)}) && outlet_.Write(bytes) &&
           outlet_.Write("\r\n");
  }

  Outlet& outlet_;
  const bool chunked_;
  std::optional<Gzip> gzip_;
  std::string gathered_;
};

bool WriteStream(Outlet& outlet, const Head& head, const Reply& reply, std::string text) {
  const bool packed = head.gzip && Packs(reply.type);
  if (packed) text += "Content-Encoding: gzip\r\n";
  if (!head.old) text += "Transfer-Encoding: chunked\r\n";
  if (!outlet.Write(text + "\r\n")) return false;
  if (head.method == "HEAD") return true;
  if (reply.endless) outlet.NeverEnds();
  StreamWriter writer(outlet, !head.old, packed);
  const WriteBytes write = [&writer](std::string_view bytes) { return writer.Write(bytes); };
  const std::function<bool()> gone = [&outlet] { return outlet.Gone(); };
  while (reply.stream(write, gone)) {
  }
  return !outlet.failed() && writer.Finish();
}

}  // namespace

bool WriteAnswer(Outlet& outlet, const Head& head, Reply reply, const Headers& fixed,
                 bool keep_alive) {
  if (reply.stream && head.old) keep_alive = false;  // its end is the connection's
  const bool has_body = reply.status != 204 && reply.status != 304;
  if (has_body) reply.headers.emplace_back("Content-Type", reply.type);
  if (reply.stream) {
    return WriteStream(outlet, head, reply, HeadText(reply, fixed, keep_alive)) && keep_alive;
  }
  if (head.gzip && has_body && reply.body.size() >= kWorthPacking && Packs(reply.type)) {
    std::string packed;
    Gzip gzip;
    gzip.Add(reply.body, packed);
    gzip.Finish(packed);
    reply.body = std::move(packed);
    reply.headers.emplace_back("Content-Encoding", "gzip");
  }
  if (has_body) reply.headers.emplace_back("Content-Length", std::to_string(reply.body.size()));
  const std::string text = HeadText(reply, fixed, keep_alive) + "\r\n";
  if (!outlet.Write(text)) return false;
  if (MayHaveBody(head, reply.status) && !outlet.Write(reply.body)) return false;
  return keep_alive;
}

}  // namespace haidang::http
