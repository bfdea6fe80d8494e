#pragma once

#include <sys/types.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace haidang::testing {

// A port of 127.0.0.1 that was free a moment ago.
int FreePort();

// A real Mosquitto on a free port of 127.0.0.1, in a directory of its own. Throws where it does not
// come up. Ended (SIGKILL) with its owner.
class BrokerProcess {
 public:
  struct Options {
    bool tls = false;     // client certificates required, their common name is the user name
    std::string extra{};  // further lines of configuration
    std::string names = "IP:127.0.0.1,DNS:localhost";  // of its certificate
  };

  explicit BrokerProcess(Options options);
  BrokerProcess() : BrokerProcess(Options{}) {}
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // On the same port as before. Returns once it accepts connections.
  void Start();
  void Kill();
  // SIGSTOP and SIGCONT: connected, but silent.
  void Freeze(bool frozen);

  int port() const { return port_; }
  std::string uri() const;
  pid_t pid() const { return pid_; }
  std::string log() const;

  // With `tls`: the CA, and a certificate and key made for `name` by it.
  std::string ca_file() const { return dir_ / "ca.crt"; }
  std::string MakeCertificate(const std::string& name);  // the path without ".crt" and ".key"

 private:
  Options options_;
  TempDir dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// A fresh CA and certificates below `dir`, made with the openssl program.
void MakeCa(const std::string& dir);
void MakeSignedCertificate(const std::string& dir, const std::string& name,
                           const std::string& subject_alt_name);

}  // namespace haidang::testing
