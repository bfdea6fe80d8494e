#include <httplib.h>

#include <catch2/catch.hpp>

#include "tests/agent/log_capture.h"
#include "tests/collector/remote/sender_run.h"
#include "tests/support/broker_process.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::remote;
using namespace haidang::testing;
using namespace std::chrono_literals;

namespace {

// A receiver behind TLS whose certificate names `names`; with `clients` it wants one of them.
class TlsReceiver {
 public:
  TlsReceiver(const TempDir& dir, const std::string& names, bool clients) {
    MakeCa(dir.path());
    MakeSignedCertificate(dir.path(), "tsdb", names);
    server_ =
        std::make_unique<httplib::SSLServer>((dir / "tsdb.crt").c_str(), (dir / "tsdb.key").c_str(),
                                             clients ? (dir / "ca.crt").c_str() : nullptr);
    server_->Post("/w", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      hosts_.push_back(request.get_header_value("Host"));
      bodies_.push_back(request.body);
      response.status = 204;
    });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::sleep_for(1ms);
  }
  ~TlsReceiver() {
    server_->stop();
    thread_.join();
  }
  TlsReceiver(const TlsReceiver&) = delete;
  TlsReceiver& operator=(const TlsReceiver&) = delete;

  std::string Url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(port_) + "/w";
  }
  std::vector<std::string> hosts() const {
    const std::lock_guard lock(mutex_);
    return hosts_;
  }
  int port() const { return port_; }

 private:
  std::unique_ptr<httplib::SSLServer> server_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> hosts_, bodies_;
  std::thread thread_;
};

// Why the receiver is not written to, as the log says it.
std::string RefusedBecause(SenderRun& run, const LogCapture& log) {
  run.Offer(1);
  SenderRun::Await([&] { return run.counters->retried.Value() >= 2; });
  run.sender->Stop();
  CHECK(run.outcomes().empty());
  return log.text();
}

}  // namespace

TEST_CASE("a receiver that our authority vouches for is written to") {
  const TempDir dir;
  const TlsReceiver receiver(dir, "IP:127.0.0.1", false);
  SenderRun run;
  run.options.ca_file = dir / "ca.crt";
  run.Start(receiver.Url());
  for (int i = 1; i <= 3; ++i) run.Offer(i);
  run.AwaitSettled(3);
  CHECK(run.outcomes()[2].accepted);
}

TEST_CASE("one of another authority, or of another name, is not") {
  const TempDir dir, other;
  const LogCapture log;
  SenderRun run;
  SECTION("authority") {
    const TlsReceiver receiver(dir, "IP:127.0.0.1", false);
    MakeCa(other.path());
    run.options.ca_file = other / "ca.crt";
    run.Start(receiver.Url());
    CHECK(RefusedBecause(run, log).find("certificate") != std::string::npos);
    CHECK(receiver.hosts().empty());
  }
  SECTION("the system's authorities do not vouch for it") {
    const TlsReceiver receiver(dir, "IP:127.0.0.1", false);
    run.Start(receiver.Url());
    CHECK(RefusedBecause(run, log).find("certificate") != std::string::npos);
    CHECK(receiver.hosts().empty());
  }
  SECTION("name") {
    const TlsReceiver receiver(dir, "DNS:tsdb.internal", false);
    run.options.ca_file = dir / "ca.crt";
    run.Start(receiver.Url());
    CHECK(RefusedBecause(run, log).find("127.0.0.1") != std::string::npos);
    CHECK(receiver.hosts().empty());
  }
}

TEST_CASE("the name in the certificate may be said") {
  const TempDir dir;
  const TlsReceiver receiver(dir, "DNS:tsdb.internal", false);
  SenderRun run;
  run.options.ca_file = dir / "ca.crt";
  run.options.server_name = "tsdb.internal";
  run.Start(receiver.Url());
  run.Offer(1);
  run.AwaitSettled(1);
  CHECK(receiver.hosts() ==
        std::vector<std::string>{"127.0.0.1:" + std::to_string(receiver.port())});
}

TEST_CASE("a receiver that wants a certificate is shown ours") {
  const TempDir dir;
  const TlsReceiver receiver(dir, "IP:127.0.0.1", true);
  MakeSignedCertificate(dir.path(), "hai-dang", "");
  const LogCapture log;
  SenderRun run;
  run.options.ca_file = dir / "ca.crt";
  SECTION("with it") {
    run.options.cert_file = dir / "hai-dang.crt";
    run.options.key_file = dir / "hai-dang.key";
    run.Start(receiver.Url());
    run.Offer(1);
    run.AwaitSettled(1);
    CHECK(run.outcomes()[0].accepted);
  }
  SECTION("without it nothing is written, and nothing dropped") {
    run.Start(receiver.Url());
    CHECK_FALSE(RefusedBecause(run, log).empty());
    CHECK(receiver.hosts().empty());
    CHECK(run.counters->refused.Value() == 0);
  }
}
