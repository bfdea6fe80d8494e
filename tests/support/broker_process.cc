#include "tests/support/broker_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace haidang::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool Accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool ok = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return ok;
}

void Shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

void MakeCa(const std::string& dir) {
  Shell("cd '" + dir +
        "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -subj '/CN=Test CA' -keyout ca.key -out ca.crt 2>openssl.log");
}

void MakeSignedCertificate(const std::string& dir, const std::string& name,
                           const std::string& subject_alt_name) {
  std::string extension;
  if (!subject_alt_name.empty()) {
    std::ofstream(dir + "/" + name + ".ext") << "subjectAltName=" << subject_alt_name << "\n";
    extension = " -extfile '" + name + ".ext'";
  }
  Shell("cd '" + dir +
        "' && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=" + name +
        "' -keyout '" + name + ".key' -out '" + name +
        ".csr' 2>>openssl.log && openssl x509 -req -in '" + name +
        ".csr' -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out '" + name + ".crt'" +
        extension + " 2>>openssl.log");
}

BrokerProcess::BrokerProcess(Options options) : options_(std::move(options)), port_(FreePort()) {
  std::ofstream config(dir_ / "mosquitto.conf");
  config << "listener " << port_ << " 127.0.0.1\n"
         << "persistence false\nlog_dest file " << (dir_ / "mosquitto.log") << "\n"
         << "max_queued_messages 0\nmax_queued_bytes 67108864\nset_tcp_nodelay true\n";
  if (getuid() == 0) config << "user root\n";  // else it cannot read its directory
  if (options_.tls) {
    MakeCa(dir_.path());
    MakeSignedCertificate(dir_.path(), "broker", options_.names);
    config << "cafile " << ca_file() << "\ncertfile " << (dir_ / "broker.crt") << "\nkeyfile "
           << (dir_ / "broker.key")
           << "\nrequire_certificate true\nuse_identity_as_username true\n";
  } else {
    config << "allow_anonymous true\n";
  }
  config << options_.extra << "\n";
  config.close();
  Start();
}

BrokerProcess::~BrokerProcess() { Kill(); }

void BrokerProcess::Start() {
  if (pid_ > 0) return;
  const std::string config = dir_ / "mosquitto.conf";
  pid_ = fork();
  if (pid_ == 0) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 1);
    dup2(null, 2);
    execl("/usr/sbin/mosquitto", "mosquitto", "-c", config.c_str(), nullptr);
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Accepts(port_)) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0 || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("mosquitto did not come up: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void BrokerProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void BrokerProcess::Freeze(bool frozen) { kill(pid_, frozen ? SIGSTOP : SIGCONT); }

std::string BrokerProcess::uri() const {
  return (options_.tls ? "ssl://127.0.0.1:" : "tcp://127.0.0.1:") + std::to_string(port_);
}

std::string BrokerProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(dir_ / "mosquitto.log").rdbuf();
  return text.str();
}

std::string BrokerProcess::MakeCertificate(const std::string& name) {
  MakeSignedCertificate(dir_.path(), name, "");
  return dir_ / name;
}

}  // namespace haidang::testing
