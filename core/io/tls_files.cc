#include "core/io/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/io/broker_uri.h"
#include "core/utf8.h"

namespace haidang {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

std::string OpenSslWords() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown";
}

// Nobody is there to type one.
int NoPassphrase(char*, int, int, void*) { return -1; }

std::optional<TlsFault> Unreadable(std::string_view key, const std::string& path) {
  const char* why = nullptr;
  struct stat info {};
  if (path.empty()) {
    return TlsFault{key, "is missing; allowed: a PEM file, which ssl:// needs"};
  }
  if (access(path.c_str(), R_OK) != 0 || stat(path.c_str(), &info) != 0) {
    why = std::strerror(errno);
  } else if (!S_ISREG(info.st_mode)) {
    why = "not a regular file";
  }
  if (why == nullptr) return std::nullopt;
  return TlsFault{
      key, "cannot read " + path + ": " + why + "; allowed: a PEM file that this user may read"};
}

std::optional<TlsFault> FaultOfOwn(SSL_CTX* context, const MqttOptions& options) {
  if (auto fault = Unreadable("cert", options.cert_file)) return fault;
  if (auto fault = Unreadable("key", options.key_file)) return fault;
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return TlsFault{"cert", options.cert_file + " holds no usable certificate (" + OpenSslWords() +
                                "); allowed: a certificate in PEM form"};
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return TlsFault{"key", options.key_file + " holds no usable key (" + OpenSslWords() +
                               "); allowed: the key of the certificate in " + options.cert_file +
                               ", in PEM form without a passphrase"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<TlsFault> FindTlsFault(const MqttOptions& options) {
  if (auto fault = Unreadable("ca", options.ca_file)) return fault;
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (context == nullptr) return TlsFault{"ca", "TLS cannot be set up: " + OpenSslWords()};
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassphrase);
  if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
    return TlsFault{"ca", options.ca_file + " holds no usable certificate (" + OpenSslWords() +
                              "); allowed: the CA's certificate in PEM form"};
  }
  if (options.cert_file.empty() && options.key_file.empty()) return std::nullopt;
  return FaultOfOwn(context.get(), options);
}

std::optional<TlsFault> FindOwnTlsFault(const MqttOptions& options) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (context == nullptr) return TlsFault{"cert", "TLS cannot be set up: " + OpenSslWords()};
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassphrase);
  return FaultOfOwn(context.get(), options);
}

Result<std::string> CommonNameOf(const std::string& cert_file) {
  if (auto fault = Unreadable("cert", cert_file)) return Error{fault->what};
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(cert_file.c_str(), "r"),
                                                       &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      file == nullptr ? nullptr : PEM_read_bio_X509(file.get(), nullptr, NoPassphrase, nullptr),
      &X509_free);
  ERR_clear_error();
  if (certificate == nullptr) return Error{cert_file + " holds no certificate in PEM form"};
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return Error{"the certificate in " + cert_file + " has no common name"};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  if (size < 0) return Error{"the common name in " + cert_file + " cannot be read"};
  std::string common_name(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return common_name;
}

void CheckBroker(ConfigTable& table, const MqttOptions& options) {
  if (const Status uri = CheckBrokerUri(options.uri); !uri) {
    return table.Fault("uri", uri.error().message);
  }
  if (!UsesTls(options.uri)) return;
  if (const auto fault = FindTlsFault(options)) table.Fault(fault->key, fault->what);
}

void CheckId(ConfigTable& table, const std::string& id, const MqttOptions& options) {
  if (!UsesTls(options.uri) || options.cert_file.empty()) return;
  const auto common_name = CommonNameOf(options.cert_file);
  if (!common_name) return table.Fault("id", common_name.error().message);
  if (*common_name == id) return;
  table.Fault("id", "is \"" + id + "\", but broker.cert is made out to \"" +
                        Printable(*common_name) + "\"; allowed: the certificate's name");
}

}  // namespace haidang
