#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What `haidang-agent probe NAME` prints: the walk of a journey, for a terminal.
namespace haidang::agent {

// Of a step, as probe_http_duration_seconds has them; they sum to the step's time.
inline constexpr size_t kWaterfallPhases = 6;

struct WalkedStep {
  std::string name;
  bool walked = true;       // false: a step before it failed
  std::string reason = {};  // haidang_probe_reason; empty: it went well
  std::string detail = {};  // for people, secrets masked
  long status = 0;          // 0: no answer
  uint64_t bytes = 0;       // of the body
  double begin_s = 0;       // since the walk began; think time stands between steps
  // In the order of time: redirect, resolve, connect, tls, processing, transfer.
  std::array<double, kWaterfallPhases> phases_s{};
  std::vector<double> hops_s = {};       // redirects, each
  std::string protocol = {};             // "HTTP/1.1"
  std::string address = {};              // "192.0.2.1"
  std::optional<double> cert_days = {};  // until the certificate's end; negative: over
};

struct Walk {
  std::string journey;
  std::vector<WalkedStep> steps;
};

struct WaterfallOptions {
  size_t width = 100;  // columns; less than 60 is drawn as 60, more than 240 as 240
  bool ascii = false;  // bars of ASCII characters alone, for terminals without UTF-8
};

// Bars on one axis of time, a table of the phases in ms, the total, and which step failed and why;
// Vietnamese first, then English. Control characters and malformed bytes of any text are replaced.
// Ends with a line feed; no line is wider than the width but one that holds a reason.
std::string DrawWaterfall(const Walk& walk, const WaterfallOptions& options = {});

}  // namespace haidang::agent
