#include "agent/identity.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <charconv>
#include <memory>

#include "agent/sources/text.h"

namespace haidang::agent {

Result<std::string> CommonNameOf(const std::string& cert_file) {
  const auto text = ReadSmallFile(cert_file);
  if (!text) return text.error();
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
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

Result<uint64_t> ParseBootId(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-' && c != '\n') digits += c;
  }
  uint64_t halves[2] = {};
  if (digits.size() != 32) return Error{"is not a UUID"};
  for (size_t half = 0; half < 2; ++half) {
    const char* begin = digits.data() + half * 16;
    const auto [end, error] = std::from_chars(begin, begin + 16, halves[half], 16);
    if (error != std::errc() || end != begin + 16) return Error{"is not a UUID"};
  }
  return halves[0] ^ halves[1];
}

Result<uint64_t> ReadBootId(const std::string& root) {
  const std::string path = root + "proc/sys/kernel/random/boot_id";
  const auto text = ReadSmallFile(path);
  if (!text) return text.error();
  const auto boot_id = ParseBootId(*text);
  if (!boot_id) return Error{path + ": " + boot_id.error().message};
  return *boot_id;
}

}  // namespace haidang::agent
