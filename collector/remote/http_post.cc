#include "collector/remote/http_post.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "core/io/secret.h"
#include "core/utf8.h"

namespace haidang::remote {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{10000};
constexpr size_t kMaxBody = 64 << 10;     // bytes of an answer that are read
constexpr size_t kMaxHeaders = 64 << 10;  // bytes
constexpr size_t kShownBody = 256;        // bytes

class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void Add(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  // libcurl's way to write a header without a value.
  void Add(const std::string& name, const std::string& value) {
    Add(value.empty() ? name + ";" : name + ": " + value);
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool Same(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char one, char other) {
    return std::tolower(static_cast<unsigned char>(one)) == other;
  });
}

// What comes back, taken in as libcurl hands it over.
class Intake {
 public:
  void Header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // also after a 1xx
      answer = Answer();
      complete = false;
      answer.closing = line.starts_with("HTTP/1.0");
      const size_t blank = line.find(' ');
      if (blank != std::string_view::npos) answer.status = std::atoi(line.data() + blank + 1);
      return;
    }
    const std::string_view trimmed = Trimmed(line);
    if (trimmed.empty()) {
      complete = answer.status >= 200;
      return;
    }
    const size_t colon = trimmed.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = trimmed.substr(0, colon);
    const std::string_view value = Trimmed(trimmed.substr(colon + 1));
    if (Same(name, "retry-after")) answer.retry_after = value;
    if (Same(name, "connection") && Same(value, "close")) answer.closing = true;
    if (Same(name, "location")) answer.location = Printable(value.substr(0, value.find('?')));
  }

  Answer answer;
  bool complete = false;  // status and headers of the answer itself are here
  size_t header_bytes = 0;
  size_t body_bytes = 0;
};

size_t OnHeader(char* data, size_t, size_t size, void* to) {
  auto* intake = static_cast<Intake*>(to);
  intake->header_bytes += size;
  if (intake->header_bytes > kMaxHeaders) return 0;
  intake->Header(std::string(data, size));
  return size;
}

size_t OnBody(char* data, size_t, size_t size, void* to) {
  auto* intake = static_cast<Intake*>(to);
  intake->body_bytes += size;
  std::string& body = intake->answer.body;
  body.append(data, std::min(size, kShownBody - std::min(kShownBody, body.size())));
  return intake->body_bytes > kMaxBody ? 0 : size;
}

class CurlPost final : public HttpPost {
 public:
  explicit CurlPost(const RemoteOptions& options)
      : options_(options), multi_(curl_multi_init()), easy_(curl_easy_init()) {}

  ~CurlPost() override {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }

  Status Prepare() {
    if (multi_ == nullptr || easy_ == nullptr) return Error{"libcurl cannot be set up"};
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_QUICK_EXIT, 1L);  // a name server that hangs holds up nobody's end
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    Set(CURLOPT_PROXY, "");
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_USERAGENT, "haidang-collector/" HAIDANG_VERSION);
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
    Set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(options_.timeout, kConnectTimeout).count()));
    Set(CURLOPT_ERRORBUFFER, error_.data());
    Set(CURLOPT_HEADERFUNCTION, OnHeader);
    Set(CURLOPT_WRITEFUNCTION, OnBody);
    headers_.Add("Content-Type", "application/x-protobuf");
    headers_.Add("Content-Encoding", "snappy");
    headers_.Add("X-Prometheus-Remote-Write-Version", "0.1.0");
    headers_.Add("Expect:");  // none
    for (const auto& [name, value] : options_.headers) headers_.Add(name, value);
    SetAddress();
    if (options_.url.tls) SetTls();
    Set(CURLOPT_HTTPHEADER, headers_.get());
    return refused_ == CURLE_OK
               ? Status()
               : Error{std::string("libcurl refused an option: ") + curl_easy_strerror(refused_)};
  }

  std::optional<Answer> Send(const std::string& body, const std::atomic<bool>& stopping) override {
    if (const Status set = SetCredentials(); !set) return Failed(set.error().message);
    Intake intake;
    error_[0] = '\0';
    Set(CURLOPT_HEADERDATA, &intake);
    Set(CURLOPT_WRITEDATA, &intake);
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    Set(CURLOPT_POSTFIELDS, body.data());
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return Failed("libcurl cannot begin");
    const std::optional<CURLcode> code = Drive(stopping);
    std::optional<Answer> answer;
    if (code) answer = AnswerOf(*code, intake);
    curl_multi_remove_handle(multi_, easy_);
    return answer;
  }

  void Wait(milliseconds longest) override {
    const auto ms = std::clamp<int64_t>(longest.count(), 0, 60000);
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(ms), nullptr);
  }

  void Wake() override { curl_multi_wakeup(multi_); }

 private:
  static Answer Failed(std::string why) {
    Answer answer;
    answer.why = std::move(why);
    return answer;
  }

  template <typename T>
  void Set(CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(easy_, option, value);
    if (code != CURLE_OK) refused_ = code;
  }

  // Where the certificate names another host than the URL, that one is asked for, at the URL's
  // address.
  void SetAddress() {
    const RemoteUrl& url = options_.url;
    if (!url.tls || options_.server_name.empty()) return Set(CURLOPT_URL, url.text.c_str());
    const std::string text = "https://" + options_.server_name + ":" + url.port + url.rest;
    Set(CURLOPT_URL, text.c_str());
    const bool v6 = url.host.find(':') != std::string::npos;
    connect_to_.Add("::" + (v6 ? "[" + url.host + "]" : url.host) + ":" + url.port);
    Set(CURLOPT_CONNECT_TO, connect_to_.get());
    headers_.Add("Host", url.authority);
  }

  void SetTls() {
    Set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    Set(CURLOPT_SSL_VERIFYPEER, 1L);
    Set(CURLOPT_SSL_VERIFYHOST, 2L);
    Set(CURLOPT_CAINFO, options_.ca_file.c_str());
    Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // no other authorities
    if (options_.cert_file.empty()) return;
    Set(CURLOPT_SSLCERT, options_.cert_file.c_str());
    Set(CURLOPT_SSLKEY, options_.key_file.c_str());
  }

  Status SetCredentials() {
    const bool basic = !options_.user.empty();
    if (!basic && options_.bearer_token_file.empty()) return {};
    const auto secret = ReadCredential(basic ? options_.password_file : options_.bearer_token_file);
    if (!secret) return secret.error();
    Set(CURLOPT_HTTPAUTH, basic ? CURLAUTH_BASIC : CURLAUTH_BEARER);
    if (basic) {
      Set(CURLOPT_USERNAME, options_.user.c_str());
      Set(CURLOPT_PASSWORD, secret->c_str());
    } else {
      Set(CURLOPT_XOAUTH2_BEARER, secret->c_str());
    }
    return {};
  }

  // Nothing where it was stopped.
  std::optional<CURLcode> Drive(const std::atomic<bool>& stopping) {
    for (int running = 1; running > 0;) {
      if (stopping) return std::nullopt;
      if (curl_multi_perform(multi_, &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running > 0) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    CURLcode code = CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    }
    return code;
  }

  // Once status and headers are here the answer is given, whatever comes of its body.
  Answer AnswerOf(CURLcode code, Intake& intake) {
    Answer answer = std::move(intake.answer);
    if (!intake.complete) {
      answer = Failed(error_[0] != '\0' ? error_.data() : curl_easy_strerror(code));
      if (intake.header_bytes > kMaxHeaders) answer.why = "its answer's headers do not end";
    }
    answer.body = Printable(answer.body, kShownBody);
    answer.closing |= code != CURLE_OK;
    long connects = 0;
    curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
    answer.fresh = connects > 0;
    curl_off_t connected_us = 0;
    curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    answer.slow = code == CURLE_OPERATION_TIMEDOUT && connected_us > 0;
    return answer;
  }

  const RemoteOptions options_;
  CURLM* const multi_;
  CURL* const easy_;
  CURLcode refused_ = CURLE_OK;
  HeaderList headers_, connect_to_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace

Result<std::unique_ptr<HttpPost>> HttpPost::Make(const RemoteOptions& options) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error{"libcurl cannot be set up"};
  auto post = std::make_unique<CurlPost>(options);
  if (const Status prepared = post->Prepare(); !prepared) return prepared.error();
  return std::unique_ptr<HttpPost>(std::move(post));
}

}  // namespace haidang::remote
