#include "server/collector_client.h"

#include <httplib.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/secret.h"

namespace haidang::server {
namespace {

constexpr size_t kMaxAnswerBytes = 64U << 20;
constexpr int kConnectSeconds = 1;
constexpr int kAnswerSeconds = 2;

std::string Encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      out.push_back(c);
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 0xF]};
    }
  }
  return out;
}

}  // namespace

struct CollectorClient::State {
  HostPort address;
  std::string secret_file;
  std::mutex mutex;
  std::set<httplib::ClientImpl*> asking;  // guarded by mutex
  bool stopped = false;                   // guarded by mutex

  Error Failure(const std::string& what) const {
    return Error{"collector at " + ToString(address) + ": " + what};
  }
};

namespace {

// Stands in `asking` while it lives, so that Stop() can end it.
template <typename State>
class Asking {
 public:
  Asking(State& state, httplib::ClientImpl& client) : state_(state), client_(client) {
    const std::lock_guard lock(state_.mutex);
    allowed_ = !state_.stopped;
    if (allowed_) state_.asking.insert(&client_);
  }
  ~Asking() {
    const std::lock_guard lock(state_.mutex);
    state_.asking.erase(&client_);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  bool allowed() const { return allowed_; }

 private:
  State& state_;
  httplib::ClientImpl& client_;
  bool allowed_ = false;
};

void SetPatience(httplib::ClientImpl& client) {
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kAnswerSeconds);
  client.set_write_timeout(kAnswerSeconds);
  client.set_url_encode(false);
}

// What happened in words, and what to do.
std::string WhyNoAnswer(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "no answer: nobody listens there; start haidang-collector, or check collector.url";
    case httplib::Error::ConnectionTimeout:
      return "no answer: no connection within " + std::to_string(kConnectSeconds) +
             " s; check collector.url and the way there";
    case httplib::Error::Read:
      return "no answer within " + std::to_string(kAnswerSeconds) +
             " s, or it broke off; the collector is busy, stands still or was just stopped: see "
             "its log";
    case httplib::Error::Write:
      return "no answer: it does not take the question; see the collector's log";
    case httplib::Error::Canceled:
      return "no answer: the server is stopping";
    default:
      return "no answer: what came is not HTTP as a collector speaks it (" +
             httplib::to_string(error) + "); check collector.url";
  }
}

// What an error's answer says; "" where it says nothing.
std::string WordsOf(const std::string& body) {
  constexpr size_t kMaxWords = 1024;  // bytes
  const auto told = nlohmann::json::parse(body, nullptr, false);
  const nlohmann::json::json_pointer message("/error/message");
  if (!told.contains(message) || !told[message].is_string()) return "";
  return told[message].get<std::string>().substr(0, kMaxWords);
}

Answer<std::string> Refusal(const std::string& body) {
  std::string words = WordsOf(body);
  if (words.empty()) words = "the collector refuses the question";
  Answer<std::string> refusal = Error{std::move(words)};
  refusal.refused = true;
  return refusal;
}

template <typename T>
Answer<T> Decoded(const Answer<std::string>& body, Result<T> (*decode)(std::string_view)) {
  Answer<T> answer = Error{};
  if (body) {
    static_cast<Result<T>&>(answer) = decode(*body);
  } else {
    static_cast<Result<T>&>(answer) = body.error();
    answer.refused = body.refused;
  }
  return answer;
}

}  // namespace

CollectorClient::CollectorClient(HostPort address, std::string secret_file)
    : state_(std::make_unique<State>()) {
  state_->address = std::move(address);
  state_->secret_file = std::move(secret_file);
}

CollectorClient::~CollectorClient() = default;

Answer<std::string> CollectorClient::Get(const std::string& path, const Params& params) {
  Result<std::string> secret = ReadSecret(state_->secret_file);
  if (!secret) return secret.error();
  std::string target = path;
  for (const auto& [name, value] : params) {
    target += (target == path ? '?' : '&') + Encode(name) + "=" + Encode(value);
  }
  httplib::ClientImpl client(state_->address.host, state_->address.port);
  SetPatience(client);
  const Asking asking(*state_, client);
  if (!asking.allowed()) return state_->Failure("the server is stopping");
  std::string body;
  bool too_long = false;
  const auto answer =
      client.Get(target, {{"Authorization", "Bearer " + *secret}, {"Accept-Encoding", "identity"}},
                 [&](const char* data, size_t length) {
                   too_long = body.size() + length > kMaxAnswerBytes;
                   if (!too_long) body.append(data, length);
                   return !too_long;
                 });
  if (too_long) return state_->Failure("the answer to " + path + " is above 64 MiB");
  if (!answer) return state_->Failure(WhyNoAnswer(answer.error()));
  if (answer->status == 401 || answer->status == 403) {
    return state_->Failure("refuses the secret of " + state_->secret_file);
  }
  if (answer->status == 400) return Refusal(body);
  if (answer->status != 200) {
    const std::string words = WordsOf(body);
    return state_->Failure(path + " answered with status " + std::to_string(answer->status) +
                           (words.empty() ? "" : ": " + words));
  }
  return body;
}

Result<query::Overview> CollectorClient::Overview() {
  Result<std::string> body = Get("/query/v1/overview", {});
  if (!body) return body.error();
  return query::DecodeOverview(*body);
}

Answer<std::vector<query::Column>> CollectorClient::Series(const Params& params) {
  return Decoded(Get("/query/v1/series", params), query::DecodeColumns);
}

Answer<std::vector<query::Finding>> CollectorClient::Findings(int64_t from_ms, int64_t to_ms) {
  const Params params{{"from", std::to_string(from_ms)}, {"to", std::to_string(to_ms)}};
  return Decoded(Get("/query/v1/findings", params), query::DecodeFindings);
}

Answer<std::vector<query::EventRow>> CollectorClient::Events(const Params& params) {
  return Decoded(Get("/query/v1/events", params), query::DecodeEvents);
}

Answer<std::vector<query::Gap>> CollectorClient::Gaps(const Params& params) {
  return Decoded(Get("/query/v1/gaps", params), query::DecodeGaps);
}

Result<query::JourneysNow> CollectorClient::Journeys() {
  Result<std::string> body = Get("/query/v1/journeys", {});
  if (!body) return body.error();
  return query::DecodeJourneys(*body);
}

Result<query::Snapshot> CollectorClient::Snapshot() {
  Result<std::string> body = Get("/query/v1/snapshot", {});
  if (!body) return body.error();
  return query::DecodeSnapshot(*body);
}

Status CollectorClient::PutSnapshot(const query::Snapshot& snapshot) {
  Result<std::string> secret = ReadSecret(state_->secret_file);
  if (!secret) return secret.error();
  httplib::ClientImpl client(state_->address.host, state_->address.port);
  SetPatience(client);
  const Asking asking(*state_, client);
  if (!asking.allowed()) return state_->Failure("the server is stopping");
  const auto answer = client.Put("/query/v1/snapshot", {{"Authorization", "Bearer " + *secret}},
                                 query::EncodeSnapshot(snapshot), "application/json");
  if (!answer) return state_->Failure(WhyNoAnswer(answer.error()));
  if (answer->status == 409) return state_->Failure("has a newer snapshot already");
  if (answer->status / 100 != 2) {
    return state_->Failure("refused the snapshot with status " + std::to_string(answer->status));
  }
  return {};
}

void CollectorClient::Stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  for (httplib::ClientImpl* client : state_->asking) client->stop();
}

}  // namespace haidang::server
