#include "agent/probe/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>

namespace haidang::agent {

using Waiting = std::weak_ptr<std::function<void(const Resolver::Answer&)>>;

struct Resolver::State {
  Loop& loop;
  Lookup lookup;
  std::map<std::string, std::vector<Waiting>> waiting;  // by host
  std::deque<std::string> queue;                        // hosts that no worker looks up yet
  int at_work = 0;
};

Resolver::Resolver(Loop& loop, Lookup lookup)
    : state_(new State{loop, std::move(lookup), {}, {}, 0}) {}
Resolver::~Resolver() = default;

std::unique_ptr<Resolver::Ticket> Resolver::Resolve(const std::string& host,
                                                    std::function<void(const Answer&)> done) {
  auto ticket = std::make_unique<Ticket>(std::move(done));
  const auto [entry, fresh] = state_->waiting.try_emplace(host);
  std::erase_if(entry->second, [](const Waiting& waiting) { return waiting.expired(); });
  entry->second.push_back(ticket->done_);
  if (fresh) {
    state_->queue.push_back(host);
    StartNext(state_);
  }
  return ticket;
}

void Resolver::StartNext(const std::shared_ptr<State>& state) {
  while (state->at_work < kMaxAtOnce && !state->queue.empty()) {
    const std::string host = std::move(state->queue.front());
    state->queue.pop_front();
    ++state->at_work;
    auto answer = std::make_shared<Answer>(Error{"not looked up"});
    state->loop.Work([lookup = state->lookup, host, answer] { *answer = lookup(host); },
                     [weak = std::weak_ptr(state), host, answer] {
                       if (const auto alive = weak.lock()) Finish(alive, host, *answer);
                     });
  }
}

void Resolver::Finish(const std::shared_ptr<State>& state, const std::string& host,
                      const Answer& answer) {
  --state->at_work;
  const auto node = state->waiting.extract(host);
  for (const Waiting& waiting : node.mapped()) {
    if (const auto done = waiting.lock()) (*done)(answer);
  }
  StartNext(state);
}

Result<std::vector<std::string>> LookUpNow(const std::string& host) {
  constexpr size_t kMaxAddresses = 16;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) return Error{gai_strerror(failure)};
  std::vector<std::string> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    char text[NI_MAXHOST];
    failure =
        getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    if (failure != 0 || addresses.size() >= kMaxAddresses) continue;
    std::string address = info->ai_family == AF_INET6 ? "[" + std::string(text) + "]" : text;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(std::move(address));
    }
  }
  freeaddrinfo(found);
  if (addresses.empty()) return Error{"the name has no address"};
  return addresses;
}

}  // namespace haidang::agent
