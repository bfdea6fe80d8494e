#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/options.h"

// An access log's configuration for tests.
namespace haidang::testing {

inline constexpr char kAccessLogConfig[] = R"(
[[access_log]]
name = "mot cua"
path = "/log/access.log"
format = '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time'
[[access_log.group]]
name = "tra-cuu"
paths = ["/tra-cuu", "/tra-cuu/*"]
[[access_log.volume]]
system = "mot-cua"
kind = "tiep-nhan"
paths = ["/ho-so/nop*"]
methods = ["POST"]
)";

inline std::vector<agent::AccessLogOptions> Logs(const std::string& config = kAccessLogConfig) {
  const auto options = agent::ParseOptions(config, "agent.toml", agent::Need::kReading);
  INFO((options ? "" : options.error().message));
  REQUIRE(options.ok());
  return options->access_logs;
}

}  // namespace haidang::testing
