#pragma once

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "agent/journey/walk.h"
#include "agent/options.h"
#include "tests/agent/probe_run.h"
#include "tests/agent/raw_server.h"
#include "tests/support/loop_runner.h"

namespace haidang::testing {

// What a server's thread was asked, for a test to read.
class Asked {
 public:
  void Add(std::string request) {
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
  }
  // The whole requests, head and body.
  std::vector<std::string> all() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string last() const {
    const auto requests = all();
    return requests.empty() ? "" : requests.back();
  }
  bool LastHolds(const std::string& text) const { return last().find(text) != std::string::npos; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
};

// Answers with what `answer` says for a path, and remembers what it was asked.
class PageServer {
 public:
  explicit PageServer(std::function<std::string(const std::string& path)> answer)
      : server_([answer = std::move(answer)](
                    int fd, const std::string& path) { SendAll(fd, answer(path)); },
                [this](const std::string& request) { asked.Add(request); }) {}
  std::string Url(const std::string& path) const { return server_.Url(path); }
  int port() const { return server_.port(); }
  int connections() const { return server_.connections(); }

  Asked asked;

 private:
  RawServer server_;
};

// The journeys of a configuration, each fault of which is a test's.
inline std::vector<agent::JourneyOptions> Journeys(const std::string& toml) {
  const auto options = agent::ParseOptions(toml, "agent.toml", agent::Need::kReading);
  INFO((options ? "" : options.error().message));
  REQUIRE(options.ok());
  return options->journeys;
}

// `keys` of the journey, then its steps: "[[journey.step]]" is put before each.
inline agent::JourneyOptions Journey(const std::string& keys,
                                     const std::vector<std::string>& steps) {
  std::string toml = "[[journey]]\nname = \"mot-cua\"\ntimeout = \"5s\"\n" + keys + "\n";
  for (const std::string& step : steps) toml += "[[journey.step]]\n" + step + "\n";
  return Journeys(toml).front();
}

inline std::string Step(const std::string& name, const std::string& url,
                        const std::string& more = "") {
  return "name = \"" + name + "\"\nurl = \"" + url + "\"\n" + more + "\n";
}

inline std::string WriteSecret(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  chmod(path.c_str(), 0600);
  return "file:" + path;
}

// Walks a journey on a real loop.
struct WalkBench {
  explicit WalkBench(agent::JourneyOptions journey, agent::Lookup lookup = agent::testing::Loopback)
      : options(std::move(journey)),
        loop(MakeLoop()),
        http(agent::testing::Api(), *loop, clock),
        resolver(*loop, std::move(lookup)),
        walk(std::make_unique<agent::JourneyWalk>(
            options, agent::WalkTools{agent::testing::Api(), *loop, clock, http, resolver})) {}

  // One walk: what the steps came to that were reached.
  std::vector<agent::ProbeResult> Walk() {
    std::vector<agent::ProbeResult> results;
    begins_us.clear();
    walk->Begin(
        [&](size_t step, int64_t begin_us, agent::ProbeResult result) {
          CHECK(step == results.size());
          int64_t sum = 0;
          for (const int64_t us : result.times.us) sum += us;
          CHECK(sum == result.times.total());
          int64_t hops = 0;
          for (const int64_t us : result.hops_us) hops += us;
          CHECK(hops == result.times.us[agent::kRedirect]);
          begins_us.push_back(begin_us);
          results.push_back(std::move(result));
        },
        [] {});
    CHECK(walk->walking());
    REQUIRE(RunUntil(*loop, [&] { return !walk->walking(); }));
    return results;
  }

  // The last step's reason: "" where the walk succeeded.
  std::string Reason() { return std::string(ToString(Walk().back().reason)); }

  SystemClock clock;
  const agent::JourneyOptions options;
  std::unique_ptr<Loop> loop;
  agent::Http http;
  agent::Resolver resolver;
  std::unique_ptr<agent::JourneyWalk> walk;
  std::vector<int64_t> begins_us;
};

}  // namespace haidang::testing
