#include <time.h>

#include <cstdio>
#include <cstdlib>

// `haidang-cputime PID` prints the seconds of CPU that a process has used, threads that have ended
// included, to the microsecond: /proc has them to 10 ms only, too coarse for an agent that sleeps.
int main(int argc, char** argv) {
  clockid_t clock = 0;
  timespec used{};
  if (argc != 2 || clock_getcpuclockid(std::atoi(argv[1]), &clock) != 0 ||
      clock_gettime(clock, &used) != 0) {
    std::fprintf(stderr, "usage: haidang-cputime PID (of a process that runs)\n");
    return 1;
  }
  std::printf("%lld.%06ld\n", static_cast<long long>(used.tv_sec), used.tv_nsec / 1000);
  return 0;
}
