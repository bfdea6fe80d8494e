#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/loop.h"
#include "core/result.h"

namespace haidang::agent {

// Addresses of a host, as text. May block for long.
using Lookup = std::function<Result<std::vector<std::string>>(const std::string& host)>;

// getaddrinfo.
Result<std::vector<std::string>> LookUpNow(const std::string& host);

// Resolves names on the loop's workers: at most kMaxAtOnce at a time, so that a name server that
// does not answer leaves workers to others; those who ask for a name that is being looked up share
// the answer. libcurl's own resolver would have to be waited for when a request is given up. Loop
// thread only.
class Resolver {
 public:
  static constexpr int kMaxAtOnce = 2;
  using Answer = Result<std::vector<std::string>>;
  // While a Ticket lives its callback will be called; destroy it to give up.
  class Ticket;

  Resolver(Loop& loop, Lookup lookup);
  ~Resolver();

  std::unique_ptr<Ticket> Resolve(const std::string& host, std::function<void(const Answer&)> done);

 private:
  struct State;
  static void StartNext(const std::shared_ptr<State>& state);
  static void Finish(const std::shared_ptr<State>& state, const std::string& host,
                     const Answer& answer);
  std::shared_ptr<State> state_;
};

class Resolver::Ticket {
 public:
  explicit Ticket(std::function<void(const Answer&)> done)
      : done_(std::make_shared<std::function<void(const Answer&)>>(std::move(done))) {}

 private:
  friend class Resolver;
  std::shared_ptr<std::function<void(const Answer&)>> done_;
};

}  // namespace haidang::agent
