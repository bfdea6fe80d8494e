#include "server/http/http_server.h"

#include <httplib.h>

#include <utility>

#include "server/http/connection.h"

namespace haidang::server {
namespace {

constexpr std::chrono::milliseconds kWritePatience{10000};  // for a client to take a piece

constexpr time_t kIdleSeconds = 25;
constexpr size_t kRequestsOfOneConnection = 1000;

const httplib::Headers kHeaders{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Vary", "Accept-Encoding"},
};

// Lets `next` write the stream's parts in chunks.
void SetStream(httplib::Response& response, const std::string& type, NextPart next) {
  response.set_chunked_content_provider(type, [next = std::move(next)](size_t,
                                                                       httplib::DataSink& sink) {
    return next([&sink](std::string_view bytes) { return sink.write(bytes.data(), bytes.size()); },
                [&sink] { return !sink.is_writable(); });
  });
}

}  // namespace

// cpp-httplib's server without its sockets: it never listens and owns no thread.
class HttpServer::Parser final : private httplib::Server {
 public:
  Parser(const Router& router, Metrics& metrics, const Clock& clock, int listener)
      : router_(router), metrics_(metrics), clock_(clock) {
    svr_sock_ = listener;  // while it is valid, cpp-httplib lets streams run
    set_default_headers(kHeaders);
    set_keep_alive_timeout(kIdleSeconds);  // what clients are told; the front keeps to its own
    set_keep_alive_max_count(kRequestsOfOneConnection);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Route(request, response);
      return HandlerResponse::Handled;
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      const Reply reply = ErrorReply(response.status, "bad_request", "the request is malformed");
      response.set_content(reply.body, reply.type);
    });
  }
  ~Parser() override { EndStreams(); }

  void EndStreams() { svr_sock_ = INVALID_SOCKET; }

  bool Answer(std::string_view head, int fd, bool keep_alive) {
    HeadStream stream(head, fd, kWritePatience);
    bool closed = false;
    return process_request(stream, !keep_alive, closed, nullptr) && !closed;
  }

 private:
  void Route(const httplib::Request& from, httplib::Response& to) {
    const int64_t began_ns = clock_.MonotonicNs();
    Request request;
    request.method = from.method;
    request.path = from.path;
    request.params = {from.params.begin(), from.params.end()};
    request.if_none_match = from.get_header_value("If-None-Match");
    std::string pattern;
    Reply reply = router_.Answer(std::move(request), &pattern);
    to.status = reply.status;
    for (auto& [name, value] : reply.headers) to.set_header(name, value);
    if (reply.stream) {
      SetStream(to, reply.type, std::move(reply.stream));
    } else if (reply.status != 304) {
      to.set_content(reply.body, reply.type);
    }
    metrics_.Answered(pattern.empty() ? "none" : pattern, reply.status,
                      static_cast<double>(clock_.MonotonicNs() - began_ns) / 1e9);
  }

  const Router& router_;
  Metrics& metrics_;
  const Clock& clock_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(const FrontOptions& options,
                                                       const Router& router, Metrics& metrics,
                                                       const Clock& clock) {
  Result<std::unique_ptr<Front>> front = Front::Listen(options);
  if (!front) return front.error();
  auto parser = std::make_unique<Parser>(router, metrics, clock, (*front)->listener());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(*front), std::move(parser), metrics));
}

HttpServer::HttpServer(std::unique_ptr<Front> front, std::unique_ptr<Parser> parser,
                       Metrics& metrics)
    : parser_(std::move(parser)), front_(std::move(front)), metrics_(metrics) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Start() {
  front_->Start([this](std::string_view head, int fd,
                       bool keep_alive) { return parser_->Answer(head, fd, keep_alive); },
                [this](size_t connections) { metrics_.ConnectionsAre(connections); });
}

void HttpServer::Stop() {
  parser_->EndStreams();
  front_->Stop();
}

uint16_t HttpServer::port() const { return front_->port(); }

}  // namespace haidang::server
