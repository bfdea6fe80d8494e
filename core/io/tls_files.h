#pragma once

#include "core/io/mqtt_session.h"
#include "core/result.h"

namespace haidang {

// Reads `options`' CA, certificate and key as a TLS client will. An Error names the file and what
// is wrong with it: missing, no PEM, or a key that belongs to another certificate.
Status CheckTlsFiles(const MqttOptions& options);

}  // namespace haidang
