#include "agent/journey/secrets.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/journey/mask.h"
#include "core/io/secret.h"

namespace haidang::agent {
namespace {

constexpr std::string_view kMask = "•••";
constexpr size_t kMinBase64 = 6;  // characters; fewer stand in any text by chance
constexpr char kAllowedSource[] =
    "; allowed: \"file:/path\" or \"credential:NAME\", never the secret itself";
constexpr char kAllowedFile[] =
    "; allowed: a file for its owner and group alone that only its owner may write, with one line "
    "of 4 to 4096 bytes";

void Wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kDigits[bits >> (count - 6) & 63];
  }
  return out;  // without the digit that only part of the last byte is in
}

// What of `secret` is the same in any base64 text that holds it, for each of its three positions.
std::array<std::string, 3> Base64Forms(std::string_view secret) {
  std::array<std::string, 3> forms;
  for (size_t before = 0; before < forms.size(); ++before) {
    std::string shifted(before, '\0');
    shifted += secret;
    std::string all = Base64(shifted);
    // The first digits hold bits of what stands before it.
    forms[before] = all.substr(std::min(all.size(), (before * 8 + 5) / 6));
    Wipe(shifted);
    Wipe(all);
  }
  return forms;
}

}  // namespace

struct Secrets::Secret {
  std::string name;
  std::string value;
  std::vector<std::string> base64;  // what any base64 text that holds it has

  ~Secret() {
    Wipe(value);
    for (std::string& form : base64) Wipe(form);
  }

  void MakeBase64() {
    base64.reserve(6);  // a string that moves leaves its bytes behind
    for (std::string& form : Base64Forms(value)) {
      if (form.size() < kMinBase64) continue;
      std::string url = form;  // RFC 4648, 5
      std::replace(url.begin(), url.end(), '+', '-');
      std::replace(url.begin(), url.end(), '/', '_');
      base64.push_back(std::move(url));
      base64.push_back(std::move(form));
    }
  }

  // How many bytes of the beginning of `text` are this secret.
  size_t LengthIn(std::string_view text) const {
    size_t longest = WrittenLength(text, value);
    for (const std::string& form : base64) {
      if (text.substr(0, form.size()) == form) longest = std::max(longest, form.size());
    }
    return longest;
  }
};

Secrets::Secrets() = default;
Secrets::Secrets(Secrets&&) noexcept = default;
Secrets& Secrets::operator=(Secrets&&) noexcept = default;
Secrets::~Secrets() = default;

Result<SecretSource> ParseSecretSource(std::string_view text) {
  constexpr std::string_view kFile = "file:", kCredential = "credential:";
  const auto is_name_char = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-' || c == '.';
  };
  if (text.substr(0, kFile.size()) == kFile) {
    text.remove_prefix(kFile.size());
    if (text.empty() || text.front() != '/' || text.size() > 4000 || text.find('\0') != text.npos) {
      return Error{std::string("does not name a file from the root on") + kAllowedSource};
    }
    return SecretSource{false, std::string(text)};
  }
  if (text.substr(0, kCredential.size()) == kCredential) {
    text.remove_prefix(kCredential.size());
    const bool right = !text.empty() && text.size() <= 128 && text.front() != '.' &&
                       std::all_of(text.begin(), text.end(), is_name_char);
    if (!right) return Error{std::string("does not name a credential") + kAllowedSource};
    return SecretSource{true, std::string(text)};
  }
  return Error{std::string("does not say where the secret stands") + kAllowedSource};
}

Status Secrets::Add(const std::string& name, const SecretSource& source,
                    const std::string& credentials_directory) {
  if (source.credential && credentials_directory.empty()) {
    return Error{
        fmt::format("there is no credential {}: $CREDENTIALS_DIRECTORY is not set; allowed: "
                    "LoadCredential={}:/path in the service's unit, or file:/path",
                    source.where, source.where)};
  }
  const std::string path =
      source.credential ? credentials_directory + "/" + source.where : source.where;
  const auto fail = [&](const std::string& why) {
    return Error{"cannot use the secret in " + path + ": " + why + kAllowedFile};
  };
  auto secret = std::make_unique<Secret>();
  secret->name = name;
  secret->value.assign(kMaxBytes + 2, '\0');  // a line feed more, and a byte that is too many
  std::string& value = secret->value;
  const Status done = ReadSecretFile(path, SecretWriters::kOwner, value);
  if (!done) return fail(done.error().message);
  if (!value.empty() && value.back() == '\n') value.pop_back();
  if (value.size() > kMaxBytes) return fail("it is longer");
  if (value.empty()) return fail("it is empty");
  if (value.find_first_of(std::string_view("\0\r\n", 3)) != value.npos) {
    return fail("it has more than one line, or zero bytes");
  }
  if (value.size() < kMinBytes) return fail("it is shorter, so that hiding it would garble texts");
  secret->MakeBase64();
  secrets_.push_back(std::move(secret));
  return {};
}

std::optional<std::string_view> Secrets::Find(std::string_view name) const {
  for (const auto& secret : secrets_) {
    if (secret->name == name) return secret->value;
  }
  return std::nullopt;
}

bool Secrets::empty() const { return secrets_.empty(); }

std::string Secrets::Mask(std::string_view text) const {
  std::string masked;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    for (const auto& secret : secrets_) {
      length = std::max(length, secret->LengthIn(text.substr(at)));
    }
    masked += length > 0 ? kMask : text.substr(at, 1);
    at += std::max<size_t>(length, 1);
  }
  return masked;
}

}  // namespace haidang::agent
