#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/probe/probe.h"
#include "tests/support/loop_runner.h"

namespace haidang::agent::testing {

using haidang::testing::RunUntil;

inline const CurlApi& Api() {
  static const auto api = CurlApi::Load();
  REQUIRE(api.ok());
  return **api;
}

inline Result<std::vector<std::string>> Loopback(const std::string&) {
  return std::vector<std::string>{"127.0.0.1"};
}

inline std::string Answer(const std::string& body, const std::string& status = "200 OK",
                          const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

// A probe on a real loop.
struct ProbeBench {
  explicit ProbeBench(ProbeOptions options, Lookup lookup = Loopback)
      : loop(MakeLoop()),
        http(Api(), *loop, clock),
        resolver(*loop, std::move(lookup)),
        probe(std::move(options), *loop, clock, http, resolver) {}

  ProbeResult Run() {
    std::optional<ProbeResult> got;
    probe.Run([&](ProbeResult result) { got = std::move(result); });
    CHECK(probe.running());
    REQUIRE(RunUntil(*loop, [&] { return got.has_value(); }));
    CHECK_FALSE(probe.running());
    return *got;
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  Http http;
  Resolver resolver;
  Probe probe;
};

}  // namespace haidang::agent::testing
