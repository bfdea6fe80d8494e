#include "agent/probe/http.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <new>
#include <string_view>

#include "agent/probe/multi.h"
#include "agent/probe/text_finder.h"

namespace haidang::agent {
namespace {

constexpr size_t kMaxHeaderBytes = 64U << 10;  // of all headers of an answer

}  // namespace

int64_t ParseCertTime(const std::string& text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char month[4] = {};
  std::tm time{};
  if (std::sscanf(text.c_str(), "%3s %d %d:%d:%d %d GMT", month, &time.tm_mday, &time.tm_hour,
                  &time.tm_min, &time.tm_sec, &time.tm_year) != 6) {
    return 0;
  }
  const auto* found = std::find(kMonths.begin(), kMonths.end(), month);
  if (found == kMonths.end()) return 0;
  time.tm_mon = static_cast<int>(found - kMonths.begin());
  time.tm_year -= 1900;
  return timegm(&time);
}

struct Http::State {
  class Exchange;
  const CurlApi& api;
  const Clock& clock;
  CurlMulti multi;
};

class Http::State::Exchange final : public Http::Request, public CurlMulti::Transfer {
 public:
  Exchange(State& state, HttpRequest request, std::function<void(const HttpAnswer&)> done)
      : state_(state),
        api_(state.api),
        request_(std::move(request)),
        done_(std::move(done)),
        finders_(request_.contains.begin(), request_.contains.end()),
        handle_(api_.easy_init()) {
    if (handle_ == nullptr) throw std::bad_alloc();
    SetUp();
    if (state_.multi.Add(handle_) != CURLM_OK) throw std::bad_alloc();
    running_ = true;
    begun_ns_ = state_.clock.MonotonicNs();
  }

  ~Exchange() override {
    if (running_) state_.multi.Remove(handle_);
    api_.easy_cleanup(handle_);
    api_.slist_free_all(resolve_);
    api_.slist_free_all(headers_);
  }

  void Finished(CURLcode code) override {
    running_ = false;
    answer_.code = code;
    for (const TextFinder& finder : finders_) answer_.contains.push_back(finder.found());
    Collect();
    const auto done = std::move(done_);
    const HttpAnswer answer = std::move(answer_);
    done(answer);
  }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    api_.easy_setopt(handle_, option, value);
  }

  void SetUp() {
    Set(CURLOPT_PRIVATE, static_cast<CurlMulti::Transfer*>(this));
    Set(CURLOPT_URL, request_.url.c_str());
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(request_.timeout.count(), 1)));
    Set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::max<int64_t>(request_.timeout.count(), 1)));
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_USERAGENT, "haidang-agent/" HAIDANG_VERSION);
    Set(CURLOPT_FRESH_CONNECT, 1L);
    Set(CURLOPT_FORBID_REUSE, 1L);
    // Not the environment's proxies: they are not what citizens' requests pass.
    Set(CURLOPT_NOPROXY, "");
    Set(CURLOPT_PROXY, request_.access.proxy ? ("http://" + Endpoint()).c_str() : "");
    Set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(CURLOPT_CERTINFO, request_.parsed.tls ? 1L : 0L);
    Set(CURLOPT_SSL_CTX_FUNCTION, &Exchange::OnTls);
    Set(CURLOPT_SSL_CTX_DATA, this);
    Set(CURLOPT_ACCEPT_ENCODING, "");  // all that libcurl can unpack
    SetUpIdentity();
    Set(CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
    Set(CURLOPT_HEADERDATA, this);
    SetUpMessage();
    if (!request_.addresses.empty()) SetUpAddresses();
  }

  void SetUpIdentity() {
    const HttpAccess& access = request_.access;
    if (!access.ca_file.empty()) {
      Set(CURLOPT_CAINFO, access.ca_file.c_str());
      // With a file alone libcurl keeps what it has read for the next connection.
      Set(CURLOPT_CAPATH, nullptr);
    }
    if (!access.client_cert_file.empty()) {
      Set(CURLOPT_SSLCERT, access.client_cert_file.c_str());
      Set(CURLOPT_SSLKEY, access.client_key_file.c_str());
    }
    if (request_.cookies != nullptr) {
      Set(CURLOPT_SHARE, request_.cookies->share());
      Set(CURLOPT_COOKIEFILE, "");  // begins with none
    }
  }

  void SetUpMessage() {
    const auto add = [&](const std::string& header) {
      headers_ = api_.slist_append(headers_, header.c_str());
    };
    for (const std::string& header : request_.headers) add(header);
    if (request_.method == "HEAD") {
      Set(CURLOPT_NOBODY, 1L);
    } else if (request_.method == "POST" || !request_.body.empty()) {
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      Set(CURLOPT_POSTFIELDS, request_.body.c_str());
      if (!request_.content_type.empty()) add("Content-Type: " + request_.content_type);
      add("Expect:");  // the body goes at once, as a browser sends it
    }
    if (request_.method != "HEAD" && request_.method != "POST" && request_.method != "GET") {
      Set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
    Set(CURLOPT_HTTPHEADER, headers_);
  }

  // The addresses of the host that is connected to: libcurl looks up no name.
  void SetUpAddresses() {
    std::string entry = Endpoint() + ":";
    for (const std::string& address : request_.addresses) {
      if (entry.back() != ':') entry += ',';
      entry += address;
    }
    resolve_ = api_.slist_append(nullptr, entry.c_str());
    Set(CURLOPT_RESOLVE, resolve_);
  }

  // "host:port" of what is connected to.
  std::string Endpoint() const {
    const Url& peer = request_.access.PeerFor(request_.parsed);
    const bool v6 = peer.host.find(':') != std::string::npos;
    return (v6 ? "[" + peer.host + "]" : peer.host) + ":" + std::to_string(peer.port);
  }

  // TLS begins: libcurl itself says that it was connected only once TLS has succeeded too.
  static CURLcode OnTls(CURL*, void*, void* self) {
    auto* request = static_cast<Exchange*>(self);
    request->tls_begun_us_ = (request->state_.clock.MonotonicNs() - request->begun_ns_) / 1000;
    return CURLE_OK;
  }

  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    auto* request = static_cast<Exchange*>(self);
    request->answer_.body_bytes += size;
    if (request->answer_.body_bytes > request->request_.max_body) {
      request->answer_.too_large = true;
      return 0;
    }
    for (TextFinder& finder : request->finders_) finder.Feed({data, size});
    if (request->request_.keep_answer) request->answer_.body.append(data, size);
    return size;
  }

  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    auto* request = static_cast<Exchange*>(self);
    request->header_bytes_ += size;
    request->answer_.too_large |= request->header_bytes_ > kMaxHeaderBytes;
    if (request->answer_.too_large) return 0;
    if (request->request_.keep_answer) request->answer_.headers.append(data, size);
    return size;
  }

  int64_t Microseconds(CURLINFO info) const {
    curl_off_t us = 0;
    return api_.easy_getinfo(handle_, info, &us) == CURLE_OK ? us : 0;
  }

  void Collect() {
    api_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &answer_.status);
    api_.easy_getinfo(handle_, CURLINFO_HTTP_CONNECTCODE, &answer_.proxy_status);
    long os_error = 0;
    api_.easy_getinfo(handle_, CURLINFO_OS_ERRNO, &os_error);
    answer_.os_error = static_cast<int>(os_error);
    api_.easy_getinfo(handle_, CURLINFO_SSL_VERIFYRESULT, &answer_.verified);
    const char* redirect = nullptr;
    api_.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect != nullptr) answer_.redirect = redirect;
    answer_.marks.resolved = Microseconds(CURLINFO_NAMELOOKUP_TIME_T);
    answer_.marks.connected = Microseconds(CURLINFO_CONNECT_TIME_T);
    // What a proxy takes to connect belongs to connecting; libcurl counts it as TLS.
    const bool tunnel = request_.access.proxy && request_.parsed.tls;
    if (answer_.marks.connected == 0 || tunnel) answer_.marks.connected = tls_begun_us_;
    answer_.marks.tls_done = Microseconds(CURLINFO_APPCONNECT_TIME_T);
    answer_.marks.first_byte = Microseconds(CURLINFO_STARTTRANSFER_TIME_T);
    answer_.marks.total = Microseconds(CURLINFO_TOTAL_TIME_T);
    const char* address = nullptr;
    api_.easy_getinfo(handle_, CURLINFO_PRIMARY_IP, &address);
    if (address != nullptr) answer_.address = address;
    long version = CURL_HTTP_VERSION_NONE;
    api_.easy_getinfo(handle_, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_1_0) answer_.version = 1.0;
    if (version == CURL_HTTP_VERSION_1_1) answer_.version = 1.1;
    if (request_.parsed.tls) CollectExpiry();
    if (request_.cookies != nullptr && request_.keep_answer) CollectCookies();
  }

  void CollectCookies() {
    constexpr size_t kMaxCookies = 256;
    curl_slist* lines = nullptr;
    api_.easy_getinfo(handle_, CURLINFO_COOKIELIST, &lines);
    for (const curl_slist* line = lines; line != nullptr; line = line->next) {
      if (answer_.cookies.size() < kMaxCookies) answer_.cookies.emplace_back(line->data);
    }
    api_.slist_free_all(lines);
  }

  void CollectExpiry() {
    constexpr std::string_view kKey = "Expire date:";
    curl_certinfo* certificates = nullptr;
    api_.easy_getinfo(handle_, CURLINFO_CERTINFO, &certificates);
    if (certificates == nullptr) return;
    for (int i = 0; i < certificates->num_of_certs; ++i) {
      for (const curl_slist* line = certificates->certinfo[i]; line != nullptr; line = line->next) {
        if (!std::string_view(line->data).starts_with(kKey)) continue;
        const int64_t expiry = ParseCertTime(line->data + kKey.size());
        if (expiry != 0 && (answer_.cert_expiry == 0 || expiry < answer_.cert_expiry)) {
          answer_.cert_expiry = expiry;
        }
      }
    }
  }

  State& state_;
  const CurlApi& api_;
  HttpRequest request_;
  std::function<void(const HttpAnswer&)> done_;
  std::vector<TextFinder> finders_;
  CURL* handle_;
  curl_slist* resolve_ = nullptr;
  curl_slist* headers_ = nullptr;
  size_t header_bytes_ = 0;
  int64_t begun_ns_ = 0;
  int64_t tls_begun_us_ = 0;  // after begun_ns_; 0: not begun
  HttpAnswer answer_;
  bool running_ = false;
};

Http::Http(const CurlApi& api, Loop& loop, const Clock& clock)
    : state_(new State{api, clock, {api, loop}}) {}
Http::~Http() = default;

std::unique_ptr<Http::Request> Http::Send(HttpRequest request,
                                          std::function<void(const HttpAnswer&)> done) {
  return std::make_unique<State::Exchange>(*state_, std::move(request), std::move(done));
}

}  // namespace haidang::agent
