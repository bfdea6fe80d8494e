#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"
#include "core/io/mqtt_session.h"
#include "core/result.h"

namespace haidang {

// A file that TLS cannot work with.
struct TlsFault {
  std::string_view key;  // "ca", "cert" or "key": whose file it is
  std::string what;      // names the file, says what is wrong and what is allowed
};

// Reads `options`' CA, certificate and key as a TLS client will; a client without a certificate has
// neither of the last two. The first file that is missing, no regular file, no PEM, or a key that
// belongs to another certificate or needs a passphrase.
std::optional<TlsFault> FindTlsFault(const MqttOptions& options);

// The same of the certificate and its key alone, which `options` have; the system's CAs are used.
std::optional<TlsFault> FindOwnTlsFault(const MqttOptions& options);

// The common name of the first certificate in a PEM file. An Error names the file.
Result<std::string> CommonNameOf(const std::string& cert_file);

// What MakeMqttSession would refuse, told as a fault at `table`'s own uri, ca, cert or key.
void CheckBroker(ConfigTable& table, const MqttOptions& options);

// The broker lets a client write only under its certificate's common name: another `id` is a fault
// at `table`'s key `id`. `options` are without fault.
void CheckId(ConfigTable& table, const std::string& id, const MqttOptions& options);

}  // namespace haidang
