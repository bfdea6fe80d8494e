#include "agent/path/icmp_prober.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace haidang::agent {
namespace {

constexpr size_t kBuffer = 2048;  // a reply's end is of no interest
constexpr int kMaxAtATime = 256;  // packets that are taken before others have their turn
constexpr size_t kMaxPending = 4096;

using Fate = TrialResult::Fate;

// Neither fragments nor believes what was learnt about the way: each packet goes as it is.
void SetUp(int fd, int family) {
  const int on = 1;
  if (family == AF_INET) {
    const int probe = IP_PMTUDISC_PROBE;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    const int probe = IPV6_PMTUDISC_PROBE;
    setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe);
    setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on);
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
}

}  // namespace

class IcmpProber::IcmpTrial final : public Trial {
 public:
  IcmpTrial(IcmpProber& prober, int family, uint16_t sequence, uint64_t token)
      : prober_(prober), family_(family), sequence_(sequence), token_(token) {}
  ~IcmpTrial() override {
    auto& pending = prober_.ChannelOf(family_).pending;
    const auto mine = pending.find(sequence_);
    if (mine != pending.end() && mine->second.token == token_) pending.erase(mine);
  }

 private:
  IcmpProber& prober_;
  int family_;
  uint16_t sequence_;
  uint64_t token_;
};

IcmpProber::IcmpProber(Loop& loop, const Clock& clock)
    : loop_(loop), clock_(clock), random_(std::random_device{}()), buffer_(kBuffer) {
  v4_.next = static_cast<uint16_t>(random_());
  v6_.next = static_cast<uint16_t>(random_());
}

IcmpProber::~IcmpProber() = default;

bool IcmpProber::CanTry(int family) {
  if (!ChannelOf(family).fd) Open(family);
  return static_cast<bool>(ChannelOf(family).fd);
}

void IcmpProber::Open(int family) {
  const int protocol = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  Fd fd = OpenDatagram(family, protocol);
  if (!fd) return;
  SetUp(fd.get(), family);
  Channel& channel = ChannelOf(family);
  channel.fd = std::move(fd);
  channel.watch = std::make_unique<Watch>(loop_, channel.fd.get(), WatchFor::kReadable,
                                          [this, family] { TakeAll(family); });
}

std::unique_ptr<Prober::Trial> IcmpProber::Try(const Address& to, size_t bytes, Done done) {
  const int family = to.family();
  Channel& channel = ChannelOf(family);
  while (channel.pending.contains(channel.next)) ++channel.next;
  const Echo echo{channel.next++, random_()};
  Pending& pending = channel.pending[echo.sequence];
  pending.to = to;
  pending.token = echo.token;
  pending.done = std::move(done);
  auto trial = std::make_unique<IcmpTrial>(*this, family, echo.sequence, echo.token);
  pending.sent_ns = clock_.MonotonicNs();
  const bool full = channel.pending.size() > kMaxPending;
  const int error = full ? ENOBUFS : Send(family, to, echo, bytes);
  if (error != 0) {
    FinishLater(family, echo.sequence, pending, Refused(family, error));
  } else {
    pending.timer = loop_.After(kTrialTimeout, [this, family, sequence = echo.sequence] {
      TakeAll(family);  // a loop that was busy has not looked yet
      Finish(family, sequence, {});
    });
  }
  return trial;
}

void IcmpProber::FinishLater(int family, uint16_t sequence, Pending& pending,
                             const TrialResult& result) {
  pending.timer = loop_.After(std::chrono::milliseconds(0), [this, family, sequence, result] {
    Finish(family, sequence, result);
  });
}

int IcmpProber::Send(int family, const Address& to, const Echo& echo, size_t bytes) {
  if (!CanTry(family)) return EACCES;
  const size_t header = IpHeaderOf(family);
  const std::string packet = EncodeEchoRequest(family, echo, bytes > header ? bytes - header : 0);
  const int fd = ChannelOf(family).fd.get();
  const Address host = to.WithPort(0);
  for (int tries = 0; tries < 4; ++tries) {
    const ssize_t sent =
        sendto(fd, packet.data(), packet.size(), MSG_DONTWAIT, host.data(), host.size());
    if (sent >= 0) return 0;
    // An error of an earlier packet may be told in this one's place.
    if (errno != EHOSTUNREACH && errno != ENETUNREACH && errno != ECONNREFUSED) return errno;
  }
  return errno;
}

// Required: the packet was refused just now, so that the kernel's word on it is in the queue.
TrialResult IcmpProber::Refused(int family, int error) {
  if (error != EMSGSIZE) return {};
  TrialResult result{.fate = Fate::kTooBig, .local = true};
  const int fd = ChannelOf(family).fd.get();
  for (int i = 0; i < kMaxAtATime; ++i) {
    const auto told = ReceiveError(fd, buffer_.data(), buffer_.size());
    if (!told) break;
    if (told->local && told->error == EMSGSIZE) {
      result.told_mtu = told->told_mtu;
    } else {
      OnError(family, *told);
    }
  }
  return result;
}

void IcmpProber::TakeAll(int family) {
  const int fd = ChannelOf(family).fd.get();
  for (int i = 0; i < kMaxAtATime; ++i) {
    const auto packet = ReceivePacket(fd, buffer_.data(), buffer_.size());
    if (!packet) break;
    OnPacket(family, *packet);
  }
  for (int i = 0; i < kMaxAtATime; ++i) {
    const auto error = ReceiveError(fd, buffer_.data(), buffer_.size());
    if (!error) break;
    OnError(family, *error);
  }
}

void IcmpProber::OnPacket(int family, const Datagram& packet) {
  const auto echo = ParseEchoReply(family, packet.bytes);
  if (!echo) return;
  auto& pending = ChannelOf(family).pending;
  const auto asked = pending.find(echo->sequence);
  if (asked == pending.end() || asked->second.token != echo->token) return;  // late, or twice
  if (!asked->second.to.IsSameHost(packet.address)) return;
  const int64_t waited_ns = clock_.MonotonicNs() - asked->second.sent_ns;
  // An age beyond that is of a wall clock that was set meanwhile.
  const int64_t rtt_ns = packet.age_ns < waited_ns ? waited_ns - packet.age_ns : waited_ns;
  if (std::chrono::nanoseconds(rtt_ns) > kTrialTimeout) return;  // late
  Finish(family, echo->sequence, {.fate = Fate::kAnswered, .rtt_ns = rtt_ns});
}

void IcmpProber::OnError(int family, const Datagram& error) {
  const auto sequence = ParseQuotedRequest(family, error.bytes);
  if (!sequence || error.local) return;
  auto& pending = ChannelOf(family).pending;
  const auto asked = pending.find(*sequence);
  if (asked == pending.end() || !asked->second.to.IsSameHost(error.address)) return;
  TrialResult result;
  if (error.error == EMSGSIZE) result = {.fate = Fate::kTooBig, .told_mtu = error.told_mtu};
  FinishLater(family, *sequence, asked->second, result);
}

void IcmpProber::Finish(int family, uint16_t sequence, const TrialResult& result) {
  auto node = ChannelOf(family).pending.extract(sequence);
  if (!node.empty()) node.mapped().done(result);
}

}  // namespace haidang::agent
