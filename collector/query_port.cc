#include "collector/query_port.h"

#include <atomic>
#include <mutex>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "collector/query_parameters.h"
#include "collector/query_questions.h"
#include "core/io/http/http_server.h"
#include "core/io/http/parameters.h"
#include "core/io/secret.h"

namespace haidang::collector {
namespace {

using http::ErrorReply;
using http::Reply;
using http::Request;

constexpr size_t kReadersAtOnce = 4;
constexpr size_t kMaxNow = 100000;      // series of all machines now
constexpr size_t kMaxOfMachine = 100;   // series of one machine, as the pages ask
constexpr size_t kMaxBody = 32U << 20;  // of a snapshot

Reply Busy() { return ErrorReply(503, "busy", "the collector is busy; ask again"); }

Reply Wrong(const std::string& why) { return ErrorReply(400, "bad_parameter", why); }

Reply JsonReply(std::string body) {
  Reply reply;
  reply.body = std::move(body);
  return reply;
}

http::FrontOptions MakeFrontOptions(const HostPort& listen) {
  http::FrontOptions front;
  front.listen = listen;
  front.max_connections = QueryPort::kMaxConnections;
  front.max_connections_of_peer = QueryPort::kMaxConnections;  // everybody is on loopback
  front.max_threads = kReadersAtOnce + 2;
  front.reserved_threads = 2;  // for the overview and the snapshot, which are not read from disk
  front.max_body_bytes = kMaxBody;
  return front;
}

class Port final : public QueryPort {
 public:
  Port(std::string secret, QueryBackend backend)
      : secret_(std::move(secret)), backend_(std::move(backend)) {
    AddInMemory("/query/v1/overview", [this](const Request&) { return Overview(); });
    AddInMemory("/query/v1/journeys", [this](const Request&) { return Journeys(); });
    AddInMemory(
        "/query/v1/snapshot", [this](const Request&) { return Snapshot(); },
        [this](const Request& request) { return PutSnapshot(request.body); });
    router_.Add("/query/v1/backup",
                {[this](const Request& request) { return Backup(request); },
                 {},
                 true,
                 [this](const Request& request) { return StartBackup(request); }});
    router_.Add("/query/v1/series", [this](const Request& request) { return Series(request); });
    router_.Add("/query/v1/range", [this](const Request& request) {
      return OfStore(request, ParseRangeQuestion(request), &store::Reader::Range);
    });
    router_.Add("/query/v1/last", [this](const Request& request) {
      return OfStore(request, ParseLastQuestion(request), &store::Reader::Last);
    });
    router_.Add("/query/v1/now", [this](const Request& request) { return Now(request); });
    router_.Add("/query/v1/findings", [this](const Request& request) { return Findings(request); });
    router_.Add("/query/v1/events", [this](const Request& request) {
      return OfMachine(request, [](store::Reader& reader, const OneMachine& asked) {
        return Encoded(reader.Events(asked.machine, asked.from_ms, asked.to_ms),
                       query::EncodeEvents);
      });
    });
    router_.Add("/query/v1/gaps", [this](const Request& request) {
      return OfMachine(request, [](store::Reader& reader, const OneMachine& asked) {
        return Encoded(reader.Gaps(asked.machine, asked.from_ms, asked.to_ms), query::EncodeGaps);
      });
    });
  }

  Status Listen(const HostPort& listen) {
    http::ServerHooks hooks;
    hooks.guard = [this](const http::Head& head) { return Refusal(head); };
    hooks.answered = [this](std::string_view route, int, double seconds) {
      if (backend_.answered && !route.empty()) {
        backend_.answered(route.substr(route.rfind('/') + 1), seconds);
      }
    };
    auto server = http::HttpServer::Listen(MakeFrontOptions(listen), router_, std::move(hooks));
    if (!server) return server.error();
    server_ = std::move(*server);
    return {};
  }

  uint16_t port() const override { return server_->port(); }
  void Start() override { server_->Start(); }
  void Stop() override {
    stopping_ = true;
    server_->Stop();
  }

 private:
  // Questions without parameters that the loop answers, and that wait for no other question.
  void AddInMemory(const char* path, http::Router::Handler get, http::Router::Handler put = {}) {
    const auto without_parameters = [](http::Router::Handler handler) -> http::Router::Handler {
      if (!handler) return {};
      return [handler = std::move(handler)](const Request& request) {
        const std::string fault = http::NamesFault(request, {});
        return fault.empty() ? handler(request) : Wrong(fault);
      };
    };
    router_.Add(path,
                {without_parameters(std::move(get)), without_parameters(std::move(put)), true});
  }

  std::optional<Reply> Refusal(const http::Head& head) const {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string_view given = head.authorization;
    if (given.starts_with(kBearer) && SameSecret(given.substr(kBearer.size()), secret_)) {
      return std::nullopt;
    }
    Reply reply = ErrorReply(401, "unauthorized", "the shared secret is missing or wrong");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
  }

  Reply Overview() const {
    const auto overview = backend_.overview();
    return overview ? JsonReply(query::EncodeOverview(*overview)) : Busy();
  }

  Reply Journeys() const {
    const auto journeys = backend_.journeys();
    return journeys ? JsonReply(query::EncodeJourneys(*journeys)) : Busy();
  }

  Reply Snapshot() const {
    const auto snapshot = backend_.snapshot();
    return snapshot ? JsonReply(query::EncodeSnapshot(*snapshot)) : Busy();
  }

  Reply PutSnapshot(const std::string& body) const {
    auto snapshot = query::DecodeSnapshot(body);
    if (!snapshot) return ErrorReply(400, "bad_snapshot", snapshot.error().message);
    const auto put = backend_.put_snapshot(std::move(*snapshot));
    if (!put) return Busy();
    if (*put == QueryBackend::Put::kOlder) {
      return ErrorReply(409, "older", "a newer snapshot, or another one of this version, is here");
    }
    if (*put == QueryBackend::Put::kFailed) {
      return ErrorReply(503, "not_stored", "the snapshot cannot be stored");
    }
    Reply reply;
    reply.status = 204;
    return reply;
  }

  Reply Backup(const Request& request) const {
    const std::string fault = http::NamesFault(request, {});
    return fault.empty() ? JsonReply(EncodeBackup(backend_.backup())) : Wrong(fault);
  }

  Reply StartBackup(const Request& request) const {
    const std::string fault = http::NamesFault(request, {"file", "replace", "directory"});
    if (!fault.empty()) return Wrong(fault);
    QueryParameters parameters(request);
    const std::string file = parameters.Text("file");
    const auto replace = parameters.Integer("replace", false);
    if (!parameters.fault().empty()) return Wrong(parameters.fault());
    const Backups::Answer answer =
        backend_.start_backup(file, replace.value_or(0) != 0, request.Param("directory"));
    if (answer.kind == Backups::Answer::Kind::kRefused) {
      return ErrorReply(422, "refused", answer.why);
    }
    if (answer.kind == Backups::Answer::Kind::kBusy) {
      return ErrorReply(409, "under_way", "a backup is being made already: " + answer.state.file);
    }
    Reply reply = JsonReply(EncodeBackup(answer.state));
    reply.status = 202;
    return reply;
  }

  Reply Series(const Request& request) {
    std::string fault =
        http::NamesFault(request, {"machine", "metric", "from", "to", "step"}, {"label."});
    if (!fault.empty()) return Wrong(fault);
    QueryParameters parameters(request);
    store::SeriesQuestion question;
    question.machine = parameters.Text("machine");
    question.metric = parameters.Text("metric");
    std::tie(question.from_ms, question.to_ms) = parameters.Range();
    question.step_ms = parameters.Integer("step", false);
    if (question.step_ms && *question.step_ms <= 0) parameters.Fault("step", "must be above 0");
    question.labels = parameters.Wanted();
    if (!parameters.fault().empty()) return Wrong(parameters.fault());
    store::QueryControl control = Control(request);
    control.bounds.columns = kMaxOfMachine;
    return Read([&](store::Reader& reader) {
      return Columns(reader.Range(store::AsRange(question), control));
    });
  }

  // Ends with the question's asker, and with the port.
  store::QueryControl Control(const Request& request) const {
    store::QueryControl control;
    control.cancelled = [this, gone = request.gone] { return stopping_ || (gone && gone()); };
    return control;
  }

  static Result<Reply> Columns(Result<store::SeriesAnswer> series) {
    if (!series) return series.error();
    if (!series->refused.empty()) return Wrong(series->refused);
    Reply reply = ColumnsReply(series->columns);
    std::string levels;
    for (const store::Source source : series->sources) {
      levels.append(levels.empty() ? "" : ", ").append(store::ToString(source));
    }
    if (!levels.empty()) reply.headers.emplace_back("Haidang-Levels", std::move(levels));
    return reply;
  }

  static Reply ColumnsReply(const std::vector<query::Column>& columns) {
    Reply reply = JsonReply(query::EncodeColumns(columns));
    reply.type = query::kColumnsType;
    return reply;
  }

  template <typename Question>
  Reply OfStore(const Request& request, const Result<Question>& question,
                Result<store::SeriesAnswer> (store::Reader::*ask)(const Question&,
                                                                  const store::QueryControl&)) {
    if (!question) return Wrong(question.error().message);
    return Read(
        [&](store::Reader& reader) { return Columns((reader.*ask)(*question, Control(request))); });
  }

  Reply Now(const Request& request) {
    const auto question = ParseInstantQuestion(request);
    if (!question) return Wrong(question.error().message);
    // The loop may still look at its own copy of the question when nobody waits any more.
    const auto fleet = backend_.fleet(
        [asked = *question](const SeriesDef& def) { return IsAskedFor(asked, def); });
    if (!fleet) return Busy();
    const auto columns = AnswerInstant(*fleet, *question, kMaxNow);
    return columns ? ColumnsReply(*columns) : Wrong(columns.error().message);
  }

  Reply Findings(const Request& request) {
    const std::string fault = http::NamesFault(request, {"from", "to"});
    if (!fault.empty()) return Wrong(fault);
    QueryParameters parameters(request);
    const std::pair<int64_t, int64_t> range = parameters.Range();
    if (!parameters.fault().empty()) return Wrong(parameters.fault());
    return Read([&](store::Reader& reader) -> Result<Reply> {
      auto findings = reader.Findings(range.first, range.second);
      if (!findings) return findings.error();
      return JsonReply(query::EncodeFindings(*findings));
    });
  }

  struct OneMachine {
    std::string machine;
    int64_t from_ms = 0;
    int64_t to_ms = 0;
  };

  template <typename Rows, typename Encode>
  static Result<Reply> Encoded(Result<Rows> rows, Encode encode) {
    if (!rows) return rows.error();
    return JsonReply(encode(*rows));
  }

  template <typename Ask>
  Reply OfMachine(const Request& request, Ask&& ask) {
    const std::string fault = http::NamesFault(request, {"machine", "from", "to"});
    if (!fault.empty()) return Wrong(fault);
    QueryParameters parameters(request);
    OneMachine asked;
    asked.machine = parameters.Text("machine");
    std::tie(asked.from_ms, asked.to_ms) = parameters.Range();
    if (!parameters.fault().empty()) return Wrong(parameters.fault());
    return Read([&](store::Reader& reader) { return ask(reader, asked); });
  }

  // With a reader of the pool. A reader that failed is not used again.
  template <typename Ask>
  Reply Read(Ask&& ask) {
    std::unique_ptr<store::Reader> reader;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        reader = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (reader == nullptr) {
      auto opened = backend_.open_reader();
      if (!opened) return ErrorReply(503, "no_store", opened.error().message);
      reader = std::move(*opened);
    }
    Result<Reply> reply = ask(*reader);
    if (!reply) return ErrorReply(500, "store_failed", reply.error().message);
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kReadersAtOnce) idle_.push_back(std::move(reader));
    return std::move(*reply);
  }

  const std::string secret_;
  const QueryBackend backend_;
  std::atomic<bool> stopping_{false};
  http::Router router_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<store::Reader>> idle_;  // guarded by mutex_
  std::unique_ptr<http::HttpServer> server_;          // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<QueryPort>> QueryPort::Open(const HostPort& listen, std::string secret,
                                                   QueryBackend backend) {
  auto port = std::make_unique<Port>(std::move(secret), std::move(backend));
  if (const Status listening = port->Listen(listen); !listening) return listening.error();
  return std::unique_ptr<QueryPort>(std::move(port));
}

Result<std::unique_ptr<http::WaitingPort>> QueryPort::Wait(const HostPort& listen) {
  return http::WaitingPort::Open(MakeFrontOptions(listen), {});
}

}  // namespace haidang::collector
