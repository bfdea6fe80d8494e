#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang::agent {

// Where a secret stands: "file:/etc/haidang/secrets/canbo", or "credential:canbo", which is the
// file canbo in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=).
struct SecretSource {
  bool credential = false;
  std::string where;  // an absolute path, or the credential's name
};

// The Error never holds `text`: who writes a password in its place does not find it in a log.
Result<SecretSource> ParseSecretSource(std::string_view text);

// The secrets of a journey. They are in memory only, overwritten when it goes, and nothing prints
// them: neither << nor fmt know this class. Any one thread at a time.
class Secrets {
 public:
  static constexpr size_t kMinBytes = 4;  // masking shorter ones would garble texts
  static constexpr size_t kMaxBytes = 4096;

  Secrets();
  Secrets(Secrets&&) noexcept;
  Secrets& operator=(Secrets&&) noexcept;
  ~Secrets();

  // Reads one: a regular file that only its owner and group may read and only its owner may write,
  // with one line of 4 to 4096 bytes. `credentials_directory`: empty where systemd gave none. Never
  // blocks, whatever stands there. The Error names the file, what is wrong and what helps.
  Status Add(const std::string& name, const SecretSource& source,
             const std::string& credentials_directory);

  // Valid until *this goes or the next Add.
  std::optional<std::string_view> Find(std::string_view name) const;
  bool empty() const;

  // `text` with "•••" in place of each secret, also where it stands percent-encoded, as a form,
  // JSON or HTML writes it, or in base64. Mask first, cut afterwards: a piece of a secret is not
  // known.
  std::string Mask(std::string_view text) const;

 private:
  struct Secret;
  std::vector<std::unique_ptr<Secret>> secrets_;
};

}  // namespace haidang::agent
