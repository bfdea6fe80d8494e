#include "collector/query_port.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "collector/http_port.h"

namespace haidang::collector {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kMaxBody = 32U << 20;
constexpr size_t kMaxName = 1024;
constexpr const char* kJson = "application/json";
constexpr std::string_view kLabel = "label.";

void Fail(httplib::Response& answer, int status, std::string_view why) {
  answer.status = status;
  answer.set_content(
      nlohmann::json{{"error", why}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      kJson);
}

// Does not tell by its duration how much of `given` is right.
bool SameSecret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]);
  }
  return difference == 0;
}

// Reads a question's parameters; the first fault stays.
class Parameters {
 public:
  explicit Parameters(const httplib::Request& request) : request_(request) {}

  std::string Text(const std::string& name, bool required) {
    taken_.push_back(name);
    const size_t count = request_.get_param_value_count(name);
    if (count > 1) Fault(name, "is given more than once");
    if (count == 0) {
      if (required) Fault(name, "is missing");
      return "";
    }
    std::string text = request_.get_param_value(name);
    if (text.size() > kMaxName) Fault(name, "is too long");
    if (required && text.empty()) Fault(name, "is empty");
    return text;
  }

  std::optional<int64_t> Integer(const std::string& name, bool required) {
    const std::string text = Text(name, required);
    if (text.empty()) return std::nullopt;
    int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault == std::errc() && end == text.data() + text.size()) return value;
    Fault(name, "is not an integer of milliseconds");
    return std::nullopt;
  }

  // [from, to] of at most 31 days.
  std::pair<int64_t, int64_t> Range() {
    const auto from = Integer("from", true), to = Integer("to", true);
    if (!from || !to) return {0, 0};
    if (*from < 0 || *to < *from) Fault("to", "is before from");
    if (*to > (int64_t{1} << 53)) Fault("to", "is beyond all time");
    if (fault_.empty() && *to - *from > query::kMaxRangeMs)
      Fault("from", "is more than 31 days before to");
    return {*from, *to};
  }

  Labels Wanted() {
    Labels labels;
    for (const auto& [name, value] : request_.params) {
      if (!name.starts_with(kLabel)) continue;
      taken_.push_back(name);
      if (!labels.emplace(name.substr(kLabel.size()), value).second) {
        Fault(name, "is given more than once");
      }
      if (labels.size() > 32) Fault(name, "is one label too many");
    }
    return labels;
  }

  // What is wrong; "" where nothing is.
  std::string Finish() {
    for (const auto& [name, value] : request_.params) {
      if (std::find(taken_.begin(), taken_.end(), name) == taken_.end()) {
        Fault(name.substr(0, 64), "is no parameter of this question");
      }
    }
    return fault_;
  }

 private:
  void Fault(const std::string& name, const char* what) {
    if (fault_.empty()) fault_ = name + " " + what;
  }
  const httplib::Request& request_;
  std::vector<std::string> taken_;
  std::string fault_;
};

class Port final : public QueryPort {
 public:
  Port(std::string secret, QueryBackend backend)
      : secret_(std::move(secret)), backend_(std::move(backend)), http_(kThreads, kMaxBody) {
    using httplib::Request;
    using httplib::Response;
    auto& server = http_.server();
    server.set_pre_routing_handler([this](const Request& request, Response& answer) {
      if (Allowed(request)) return httplib::Server::HandlerResponse::Unhandled;
      answer.set_header("WWW-Authenticate", "Bearer");
      Fail(answer, 401, "the shared secret is missing or wrong");
      return httplib::Server::HandlerResponse::Handled;
    });
    server.set_error_handler([](const Request&, Response& answer) {
      if (answer.body.empty()) Fail(answer, answer.status, "no such question");
    });
    server.Get("/query/v1/overview", [this](const Request&, Response& a) { Overview(a); });
    server.Get("/query/v1/series", [this](const Request& r, Response& a) { Series(r, a); });
    server.Get("/query/v1/findings", [this](const Request& r, Response& a) { Findings(r, a); });
    server.Get("/query/v1/events", [this](const Request& r, Response& a) { Events(r, a); });
    server.Get("/query/v1/snapshot", [this](const Request&, Response& a) { Snapshot(a); });
    server.Put("/query/v1/snapshot", [this](const Request& r, Response& a) { Put(r, a); });
  }

  Result<int> Bind(const Listen& listen) { return http_.Bind(listen); }
  int port() const override { return http_.port(); }
  void Start() override { http_.Start(); }
  void Stop() override { http_.Stop(); }

 private:
  bool Allowed(const httplib::Request& request) const {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string header = request.get_header_value("Authorization");
    if (!std::string_view(header).starts_with(kBearer)) return false;
    return SameSecret(std::string_view(header).substr(kBearer.size()), secret_);
  }

  void Overview(httplib::Response& answer) {
    auto overview = backend_.overview();
    if (!overview) return Fail(answer, 503, "the collector is busy");
    answer.set_content(query::EncodeOverview(*overview), kJson);
  }

  void Snapshot(httplib::Response& answer) {
    auto snapshot = backend_.snapshot();
    if (!snapshot) return Fail(answer, 503, "the collector is busy");
    answer.set_content(query::EncodeSnapshot(*snapshot), kJson);
  }

  void Put(const httplib::Request& request, httplib::Response& answer) {
    auto snapshot = query::DecodeSnapshot(request.body);
    if (!snapshot) return Fail(answer, 400, snapshot.error().message);
    const auto put = backend_.put_snapshot(std::move(*snapshot));
    if (!put) return Fail(answer, 503, "the collector is busy");
    if (*put == QueryBackend::Put::kOlder) {
      return Fail(answer, 409, "a newer snapshot, or another one of this version, is here");
    }
    if (*put == QueryBackend::Put::kFailed) {
      return Fail(answer, 503, "the snapshot cannot be stored");
    }
    answer.status = 204;
  }

  void Series(const httplib::Request& request, httplib::Response& answer) {
    Parameters parameters(request);
    store::SeriesQuestion question;
    question.machine = parameters.Text("machine", true);
    question.metric = parameters.Text("metric", true);
    std::tie(question.from_ms, question.to_ms) = parameters.Range();
    question.step_ms = parameters.Integer("step", false);
    question.labels = parameters.Wanted();
    std::string fault = parameters.Finish();
    if (fault.empty() && question.step_ms && *question.step_ms <= 0) {
      fault = "step must be above 0";
    }
    if (!fault.empty()) return Fail(answer, 400, fault);
    Read(answer, [&](store::Reader& reader) -> Status {
      auto series = reader.Series(question);
      if (!series) return series.error();
      if (!series->refused.empty()) {
        Fail(answer, 400, series->refused);
      } else {
        answer.set_content(query::EncodeColumns(series->columns), std::string(query::kColumnsType));
      }
      return {};
    });
  }

  void Findings(const httplib::Request& request, httplib::Response& answer) {
    Parameters parameters(request);
    const auto [from_ms, to_ms] = parameters.Range();
    if (const std::string fault = parameters.Finish(); !fault.empty()) {
      return Fail(answer, 400, fault);
    }
    Read(answer, [&answer, from = from_ms, to = to_ms](store::Reader& reader) -> Status {
      auto findings = reader.Findings(from, to);
      if (!findings) return findings.error();
      answer.set_content(query::EncodeFindings(*findings), kJson);
      return {};
    });
  }

  void Events(const httplib::Request& request, httplib::Response& answer) {
    Parameters parameters(request);
    const std::string machine = parameters.Text("machine", true);
    const auto [from_ms, to_ms] = parameters.Range();
    if (const std::string fault = parameters.Finish(); !fault.empty()) {
      return Fail(answer, 400, fault);
    }
    Read(answer, [&, from = from_ms, to = to_ms](store::Reader& reader) -> Status {
      auto events = reader.Events(machine, from, to);
      if (!events) return events.error();
      answer.set_content(query::EncodeEvents(*events), kJson);
      return {};
    });
  }

  // With a reader of the pool. A reader that failed is not used again.
  template <typename Ask>
  void Read(httplib::Response& answer, Ask&& ask) {
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
      if (!opened) return Fail(answer, 503, opened.error().message);
      reader = std::move(*opened);
    }
    if (const Status asked = ask(*reader); !asked) {
      return Fail(answer, 500, asked.error().message);
    }
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kThreads) idle_.push_back(std::move(reader));
  }

  std::string secret_;
  QueryBackend backend_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<store::Reader>> idle_;  // guarded by mutex_
  HttpPort http_;                                     // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<QueryPort>> QueryPort::Open(const Listen& listen, std::string secret,
                                                   QueryBackend backend) {
  auto port = std::make_unique<Port>(std::move(secret), std::move(backend));
  auto bound = port->Bind(listen);
  if (!bound) return bound.error();
  return std::unique_ptr<QueryPort>(std::move(port));
}

}  // namespace haidang::collector
