#include "agent/path/tcp_prober.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "agent/path/socket.h"

namespace haidang::agent {

using Fate = TrialResult::Fate;

class TcpProber::TcpTrial final : public Trial {
 public:
  TcpTrial(Loop& loop, const Clock& clock, const Address& to, Done done)
      : loop_(loop),
        clock_(clock),
        done_(std::move(done)),
        fd_(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
        began_ns_(clock.MonotonicNs()) {
    const int error = !fd_ ? errno : Connect(to);
    if (error == EINPROGRESS) {
      watch_ =
          std::make_unique<Watch>(loop_, fd_.get(), WatchFor::kWritable, [this] { OnConnected(); });
      timer_ = loop_.After(kTrialTimeout, [this] { OnTimeout(); });
    } else {
      timer_ = loop_.After(std::chrono::milliseconds(0),
                           [this, result = Judge(error)] { Finish(result); });
    }
  }

 private:
  int Connect(const Address& to) const {
    return connect(fd_.get(), to.data(), to.size()) == 0 ? 0 : errno;
  }

  void OnConnected() {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    Finish(Judge(error));
  }

  // A loop that was busy may not have looked yet.
  void OnTimeout() {
    pollfd look{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    if (poll(&look, 1, 0) > 0) return OnConnected();
    Finish({});
  }

  TrialResult Judge(int error) const {
    if (error != 0 && error != ECONNREFUSED) return {};
    const int64_t waited_ns = clock_.MonotonicNs() - began_ns_;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (error == 0 && getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
      const int64_t measured_ns = int64_t{info.tcpi_rtt} * 1000;
      if (measured_ns > 0 && measured_ns < waited_ns) {
        return {.fate = Fate::kAnswered, .rtt_ns = measured_ns};
      }
    }
    return {.fate = Fate::kAnswered, .rtt_ns = waited_ns};
  }

  // `done` may destroy this.
  void Finish(TrialResult result) {
    watch_.reset();
    timer_.reset();
    fd_ = Fd();
    const Done done = std::exchange(done_, nullptr);
    if (done) done(result);
  }

  Loop& loop_;
  const Clock& clock_;
  Done done_;
  Fd fd_;
  int64_t began_ns_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Timer> timer_;
};

std::unique_ptr<Prober::Trial> TcpProber::Try(const Address& to, size_t, Done done) {
  return std::make_unique<TcpTrial>(loop_, clock_, to, std::move(done));
}

}  // namespace haidang::agent
