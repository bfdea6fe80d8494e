#include "core/io/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace haidang {
namespace {

std::string OpenSslWords() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown";
}

Status CheckReadable(const std::string& path, const char* what) {
  if (path.empty()) return Error{std::string("TLS needs ") + what + ": none is configured"};
  if (access(path.c_str(), R_OK) == 0) return {};
  return Error{path + ": cannot read " + what + ": " + std::strerror(errno)};
}

}  // namespace

Status CheckTlsFiles(const MqttOptions& options) {
  if (Status s = CheckReadable(options.ca_file, "the CA's certificate"); !s) return s;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  if (context == nullptr) return Error{"TLS cannot be set up: " + OpenSslWords()};
  SSL_CTX* ctx = context.get();
  if (SSL_CTX_load_verify_locations(ctx, options.ca_file.c_str(), nullptr) != 1) {
    return Error{options.ca_file + ": no CA certificate in PEM: " + OpenSslWords()};
  }
  if (options.cert_file.empty() && options.key_file.empty()) return {};
  if (Status s = CheckReadable(options.cert_file, "the client's certificate"); !s) return s;
  if (Status s = CheckReadable(options.key_file, "the client's key"); !s) return s;
  if (SSL_CTX_use_certificate_chain_file(ctx, options.cert_file.c_str()) != 1) {
    return Error{options.cert_file + ": no certificate in PEM: " + OpenSslWords()};
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Error{options.key_file + ": no key in PEM for " + options.cert_file + ": " +
                 OpenSslWords()};
  }
  return {};
}

}  // namespace haidang
