#include "core/log.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

using namespace haidang;

namespace {

class ManualClock final : public Clock {
 public:
  int64_t WallMs() const override { return 0; }
  int64_t MonotonicNs() const override { return ns; }
  int64_t SinceBootMs() const override { return 0; }
  int64_t ns = 0;
};

// What `act` writes to stderr.
template <typename Act>
std::string Captured(Act act) {
  std::FILE* file = std::tmpfile();
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  act();
  std::fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::rewind(file);
  char buffer[4096];
  const size_t size = std::fread(buffer, 1, sizeof buffer, file);
  std::fclose(file);
  return {buffer, size};
}

}  // namespace

TEST_CASE("a limit says the first at once and then counts what it held back") {
  ManualClock clock;
  LogLimit limit(clock, 1000);
  CHECK(limit.Ready());
  CHECK(limit.suppressed() == 0);
  CHECK_FALSE(limit.Ready());
  clock.ns += 999'999'999;
  CHECK_FALSE(limit.Ready());
  clock.ns += 1;
  CHECK(limit.Ready());
  CHECK(limit.suppressed() == 2);
  clock.ns += 5'000'000'000;
  CHECK(limit.Ready());
  CHECK(limit.suppressed() == 0);
}

TEST_CASE("lines carry the program's name, and a priority under systemd") {
  unsetenv("JOURNAL_STREAM");
  SetUpLog("haidang-test", "warning");
  const std::string plain = Captured([] {
    spdlog::info("not said");
    spdlog::warn("said");
  });
  CHECK(plain.find("not said") == std::string::npos);
  CHECK(plain.find(" haidang-test warning: said\n") != std::string::npos);

  setenv("JOURNAL_STREAM", "9:1", 1);
  SetUpLog("haidang-test", "debug");
  const std::string journal = Captured([] {
    spdlog::debug("d");
    spdlog::info("i");
    spdlog::warn("w");
    spdlog::error("e");
  });
  unsetenv("JOURNAL_STREAM");
  CHECK(journal == "<7>d\n<6>i\n<4>w\n<3>e\n");
}
