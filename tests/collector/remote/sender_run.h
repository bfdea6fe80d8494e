#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "collector/metrics.h"
#include "collector/remote/sender.h"
#include "core/clock.h"

namespace haidang::testing {

// A Sender, what it was given and what it told.
class SenderRun {
 public:
  SenderRun() {
    options.backoff_min = std::chrono::milliseconds(10);
    options.backoff_max = std::chrono::milliseconds(50);
    options.requests.max_samples = 100;
  }

  void Start(const std::string& url) {
    auto parsed = remote::ParseRemoteUrl(url);
    REQUIRE(parsed);
    options.url = *parsed;
    counters = std::make_unique<remote::RemoteCounters>(metrics.Remote(options.url.shown));
    auto started = remote::Sender::Start(
        options, clock, *counters, [this] { return random_(); },
        [this](const remote::Outcome& outcome) {
          const std::lock_guard lock(mutex_);
          outcomes_.push_back(outcome);
        });
    REQUIRE(started);
    sender = std::move(*started);
  }

  // A request whose only sample has `cursor` as its value.
  static remote::Request Numbered(int64_t cursor) {
    remote::Request made;
    remote::WriteRequests maker({}, [&](remote::Request&& request) { made = std::move(request); });
    const remote::Sample sample{1000 * cursor, static_cast<double>(cursor)};
    maker.Add("n", {}, std::span(&sample, 1));
    maker.Mark(cursor);
    maker.Flush();
    return made;
  }
  void Offer(int64_t cursor) { sender->Offer(Numbered(cursor)); }

  std::vector<remote::Outcome> outcomes() const {
    const std::lock_guard lock(mutex_);
    return outcomes_;
  }

  static void Await(const std::function<bool()>& condition,
                    std::chrono::seconds patience = std::chrono::seconds(30)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  void AwaitSettled(size_t count) {
    Await([&] { return outcomes().size() >= count; });
  }

  SystemClock clock;
  collector::Metrics metrics;
  remote::RemoteOptions options;
  std::unique_ptr<remote::RemoteCounters> counters;

 private:
  std::mt19937_64 random_{5};
  mutable std::mutex mutex_;
  std::vector<remote::Outcome> outcomes_;

 public:
  std::unique_ptr<remote::Sender> sender;  // last
};

}  // namespace haidang::testing
