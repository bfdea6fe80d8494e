#include "agent/sources/certificate_chain.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "core/utf8.h"

namespace haidang::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* it) const {
    kFree(it);
  }
};
void FreeAll(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }

using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Chain = std::unique_ptr<STACK_OF(X509), Freer<FreeAll>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using Check = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freer<SSL_free>>;

constexpr int kMaxChain = 16;
constexpr size_t kMaxSubject = 256;

std::string OpenSslWords() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown";
}

int64_t SecondsOf(const ASN1_TIME* time) {
  tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? int64_t{timegm(&parts)} : 0;
}

std::string SubjectOf(const X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  // UTF-8 as it is, not as \xx.
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!out || X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, kFlags) < 0) {
    return {};
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return ToUtf8(std::string_view(text, static_cast<size_t>(std::max(size, 0L))), kMaxSubject);
}

// False where its file cannot be used.
bool Trust(const std::string& ca_file, X509_STORE* store) {
  return ca_file.empty() ? X509_STORE_set_default_paths(store) == 1
                         : X509_STORE_load_file(store, ca_file.c_str()) == 1;
}

// Why a client would refuse it; "" where it would not.
std::string ProblemOf(STACK_OF(X509) * chain, const ChainRules& rules) {
  const Store store(X509_STORE_new());
  if (!store || !Trust(rules.ca_file, store.get())) {
    return "the trusted certificates cannot be read: " + OpenSslWords();
  }
  const Check check(X509_STORE_CTX_new());
  X509* leaf = sk_X509_value(chain, 0);
  if (!check || X509_STORE_CTX_init(check.get(), store.get(), leaf, chain) != 1) {
    return OpenSslWords();
  }
  X509_VERIFY_PARAM* wanted = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_time(wanted, rules.now_s);
  const std::string& host = rules.server_name;
  if (!host.empty() && X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
  }
  const bool good = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  if (good) return {};
  std::string problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
  const X509* culprit = X509_STORE_CTX_get_current_cert(check.get());
  if (culprit != nullptr && X509_cmp(culprit, leaf) != 0) problem += ": " + SubjectOf(culprit);
  return problem;
}

// Required: the chain is not empty.
CertificateState Describe(STACK_OF(X509) * chain, const ChainRules& rules) {
  const X509* leaf = sk_X509_value(chain, 0);
  CertificateState state;
  state.subject = SubjectOf(leaf);
  state.not_before_s = SecondsOf(X509_get0_notBefore(leaf));
  state.not_after_s = SecondsOf(X509_get0_notAfter(leaf));
  state.chain_not_after_s = state.not_after_s;
  for (int i = 1; i < sk_X509_num(chain); ++i) {
    state.chain_not_after_s =
        std::min(state.chain_not_after_s, SecondsOf(X509_get0_notAfter(sk_X509_value(chain, i))));
  }
  state.problem = ProblemOf(chain, rules);
  return state;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// False once `deadline` has passed.
bool WaitFor(int fd, short events, steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd one{fd, events, 0};
    const int ready = poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Nothing where it could not be reached; `failure` is its errno.
std::optional<Socket> ConnectOne(const addrinfo& to, steady_clock::time_point deadline,
                                 int& failure) {
  Socket socket(
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol));
  failure = errno;
  if (socket.fd() < 0) return std::nullopt;
  if (connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0) return socket;
  failure = errno;
  if (failure != EINPROGRESS) return std::nullopt;
  if (!WaitFor(socket.fd(), POLLOUT, deadline)) {
    failure = ETIMEDOUT;
    return std::nullopt;
  }
  socklen_t size = sizeof failure;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) return std::nullopt;
  return socket;
}

Result<Socket> Connect(const HostPort& address, steady_clock::time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* all = nullptr;
  const std::string port = std::to_string(address.port);
  const int found = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &all);
  if (found != 0) return Error{"cannot find " + address.host + ": " + gai_strerror(found)};
  const std::unique_ptr<addrinfo, Freer<freeaddrinfo>> owned(all);
  int failure = 0;
  for (const addrinfo* one = all; one != nullptr; one = one->ai_next) {
    if (auto socket = ConnectOne(*one, deadline, failure)) return std::move(*socket);
  }
  return Error{"cannot connect to " + ToString(address) + ": " + std::strerror(failure)};
}

Status ShakeHands(SSL* connection, int fd, steady_clock::time_point deadline) {
  for (;;) {
    const int done = SSL_connect(connection);
    if (done == 1) return {};
    const int why = SSL_get_error(connection, done);
    const short events = why == SSL_ERROR_WANT_READ    ? short{POLLIN}
                         : why == SSL_ERROR_WANT_WRITE ? short{POLLOUT}
                                                       : short{0};
    if (events == 0) {
      return Error{"no TLS: " +
                   (why == SSL_ERROR_SSL ? OpenSslWords() : "the connection was closed")};
    }
    if (!WaitFor(fd, events, deadline)) return Error{"TLS did not come about in time"};
  }
}

}  // namespace

Result<CertificateState> ParseCertificate(std::string_view text, const ChainRules& rules) {
  ERR_clear_error();
  const Chain chain(sk_X509_new_null());
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!chain || !in) return Error{"no memory for a certificate"};
  while (sk_X509_num(chain.get()) < kMaxChain) {
    Certificate one(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (!one || sk_X509_push(chain.get(), one.get()) == 0) break;
    static_cast<void>(one.release());
  }
  if (sk_X509_num(chain.get()) == 0) {
    const auto* der = reinterpret_cast<const unsigned char*>(text.data());
    Certificate one(d2i_X509(nullptr, &der, static_cast<long>(text.size())));
    if (one && sk_X509_push(chain.get(), one.get()) != 0) static_cast<void>(one.release());
  }
  ERR_clear_error();
  if (sk_X509_num(chain.get()) == 0) return Error{"holds no certificate (PEM or DER)"};
  return Describe(chain.get(), rules);
}

Result<CertificateState> FetchCertificate(const HostPort& address, const ChainRules& rules,
                                          milliseconds timeout) {
  ERR_clear_error();
  const auto deadline = steady_clock::now() + timeout;
  const auto socket = Connect(address, deadline);
  if (!socket) return socket.error();
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Error{"TLS cannot be set up: " + OpenSslWords()};
  // Whatever is shown is looked at.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_security_level(context.get(), 0);
  const Connection connection(SSL_new(context.get()));
  if (!connection || SSL_set_fd(connection.get(), socket->fd()) != 1) {
    return Error{"TLS cannot be set up: " + OpenSslWords()};
  }
  if (!rules.server_name.empty()) {
    SSL_set_tlsext_host_name(connection.get(), rules.server_name.c_str());
  }
  if (const Status shaken = ShakeHands(connection.get(), socket->fd(), deadline); !shaken) {
    return Error{ToString(address) + ": " + shaken.error().message};
  }
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(connection.get());
  if (chain == nullptr || sk_X509_num(chain) == 0) {
    return Error{ToString(address) + ": shows no certificate"};
  }
  return Describe(chain, rules);
}

}  // namespace haidang::agent
