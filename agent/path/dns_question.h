#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/path/address.h"
#include "agent/path/dns_message.h"
#include "agent/path/socket.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

struct DnsResult {
  bool success = false;       // there is an address
  std::optional<int64_t> ns;  // until it was known; nothing: nobody answered
};

// How a name server is asked, as glibc does it: one after another, each for `timeout`, and all
// again.
struct DnsPlan {
  std::vector<Address> servers;  // with their port; at most 3
  std::chrono::milliseconds timeout{5000};
  int attempts = 2;
};

// Asks for the addresses of a name, of both kinds at once, past all caches of this machine. The
// first address ends it; a server that failed has its turn end at once; an answer that comes while
// the next server is asked counts. At most kLongest. Given up when destroyed. Loop thread only.
class DnsQuestion {
 public:
  static constexpr std::chrono::milliseconds kLongest{10'000};

  // Both must outlive it. `done` is called once, later, and may destroy the DnsQuestion. Required:
  // CheckDnsName(name).
  DnsQuestion(Loop& loop, const Clock& clock, std::string name, DnsPlan plan,
              std::function<void(const DnsResult&)> done);

 private:
  static constexpr size_t kTypes = 2;
  // One server in one attempt.
  struct Asked {
    Fd fd;
    uint16_t ids[kTypes] = {};
    std::optional<DnsAnswer> answers[kTypes];
    bool failed = false;
    std::unique_ptr<Watch> watch;
  };

  void AskNext();
  bool Ask(const Address& server);
  void TakeAll();
  void OnReadable(size_t which);
  void OnAnswer(size_t which, size_t type, DnsAnswer answer, int64_t age_ns);
  void OnFailure(size_t which);
  void Finish(bool success, std::optional<int64_t> ns);

  Loop& loop_;
  const Clock& clock_;
  std::string name_;
  DnsPlan plan_;
  std::function<void(const DnsResult&)> done_;
  int64_t began_ns_;
  std::optional<int64_t> refused_ns_;  // when a server answered that it will not
  std::vector<std::unique_ptr<Asked>> asked_;
  bool over_ = false;
  std::unique_ptr<Timer> timer_;    // of the server that is asked now
  std::unique_ptr<Timer> give_up_;  // of the whole
};

}  // namespace haidang::agent
