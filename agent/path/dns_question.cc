#include "agent/path/dns_question.h"

#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <utility>

namespace haidang::agent {
namespace {

constexpr DnsType kAsk[] = {DnsType::kA, DnsType::kAaaa};
constexpr size_t kMaxPacket = 4096;
constexpr int kMaxAtATime = 64;  // packets that are taken before others have their turn

}  // namespace

DnsQuestion::DnsQuestion(Loop& loop, const Clock& clock, std::string name, DnsPlan plan,
                         std::function<void(const DnsResult&)> done)
    : loop_(loop),
      clock_(clock),
      name_(std::move(name)),
      plan_(std::move(plan)),
      done_(std::move(done)),
      began_ns_(clock.MonotonicNs()) {
  give_up_ = loop_.After(kLongest, [this] {
    TakeAll();
    Finish(false, refused_ns_);
  });
  AskNext();
}

void DnsQuestion::AskNext() {
  if (over_) return;
  const size_t turns = plan_.servers.size() * static_cast<size_t>(std::max(plan_.attempts, 0));
  while (asked_.size() < turns) {
    const bool sent = Ask(plan_.servers[asked_.size() % plan_.servers.size()]);
    if (!sent) continue;
    timer_ = loop_.After(plan_.timeout, [this] {
      const size_t turn = asked_.size();
      TakeAll();
      if (turn == asked_.size()) AskNext();
    });
    return;
  }
  Finish(false, refused_ns_);
}

// A socket of its own, so that each attempt has a port of its own, which the kernel chooses.
bool DnsQuestion::Ask(const Address& server) {
  asked_.push_back(std::make_unique<Asked>());
  Asked& asked = *asked_.back();
  asked.failed = true;
  asked.fd = OpenDatagram(server.family(), 0);
  if (!asked.fd) return false;
  const int fd = asked.fd.get();
  if (connect(fd, server.data(), server.size()) != 0) return false;
  std::random_device random;
  for (size_t type = 0; type < kTypes; ++type) {
    do {
      asked.ids[type] = static_cast<uint16_t>(random());
    } while (type > 0 && asked.ids[type] == asked.ids[0]);
    const std::string query = EncodeDnsQuery(asked.ids[type], name_, kAsk[type]);
    if (send(fd, query.data(), query.size(), MSG_DONTWAIT) < 0) return false;
  }
  asked.failed = false;
  const size_t which = asked_.size() - 1;
  asked.watch =
      std::make_unique<Watch>(loop_, fd, WatchFor::kReadable, [this, which] { OnReadable(which); });
  return true;
}

// A loop that was busy may not have looked yet.
void DnsQuestion::TakeAll() {
  for (size_t which = 0; which < asked_.size() && !over_; ++which) {
    if (asked_[which]->watch != nullptr) OnReadable(which);
  }
}

void DnsQuestion::OnReadable(size_t which) {
  Asked& asked = *asked_[which];
  char buffer[kMaxPacket];
  for (int i = 0; i < kMaxAtATime; ++i) {
    const auto packet = ReceivePacket(asked.fd.get(), buffer, sizeof buffer);
    if (!packet) return;
    if (packet->error != 0) OnFailure(which);  // nobody listens there
    for (size_t type = 0; type < kTypes; ++type) {
      const auto answer = ParseDnsAnswer(packet->bytes, asked.ids[type], name_, kAsk[type]);
      if (!answer || asked.answers[type]) continue;
      OnAnswer(which, type, *answer, packet->age_ns);
    }
  }
}

void DnsQuestion::OnAnswer(size_t which, size_t type, DnsAnswer answer, int64_t age_ns) {
  const int64_t waited_ns = clock_.MonotonicNs() - began_ns_;
  const int64_t ns = age_ns < waited_ns ? waited_ns - age_ns : waited_ns;
  Asked& asked = *asked_[which];
  asked.answers[type] = answer;
  if (answer == DnsAnswer::kAddress) return Finish(true, ns);
  if (answer == DnsAnswer::kNoName) return Finish(false, ns);
  if (answer == DnsAnswer::kRefusal) {
    refused_ns_ = ns;
    return OnFailure(which);
  }
  const auto none = [](const auto& one) { return one == DnsAnswer::kNoAddress; };
  if (std::all_of(std::begin(asked.answers), std::end(asked.answers), none)) Finish(false, ns);
}

void DnsQuestion::OnFailure(size_t which) {
  Asked& asked = *asked_[which];
  if (std::exchange(asked.failed, true)) return;
  if (which + 1 == asked_.size()) AskNext();
}

void DnsQuestion::Finish(bool success, std::optional<int64_t> ns) {
  if (std::exchange(over_, true)) return;
  give_up_.reset();
  // From the loop, so that it may destroy what is at work here.
  timer_ = loop_.After(std::chrono::milliseconds(0), [this, result = DnsResult{success, ns}] {
    const auto done = std::exchange(done_, nullptr);
    done(result);
  });
}

}  // namespace haidang::agent
