#pragma once

#include <chrono>
#include <string>

#include "agent/probe/probe.h"

namespace haidang::testing {

// A probe of `url` that waits for 5 s at most.
inline agent::ProbeOptions To(const std::string& url) {
  agent::ProbeOptions options;
  options.journey = "mot-cua";
  options.step = "tra-cuu";
  options.url = url;
  options.timeout = std::chrono::seconds(5);
  return options;
}

}  // namespace haidang::testing
