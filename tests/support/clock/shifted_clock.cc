// A library that is loaded before a program (LD_PRELOAD) and gives it other clocks than the
// machine's: a wall clock that is wrong, and time that runs faster. What it gives follows from a
// file, named by HAIDANG_TEST_CLOCK, that a test may rewrite in place while the program runs:
//
//   <offset> <rate> <real> <shown>
//
// offset: ms by which the wall clock is ahead; rate: ms that pass in one; at `real` ns of the
// machine's CLOCK_MONOTONIC the program's was at `shown` ns. CLOCK_BOOTTIME runs with
// CLOCK_MONOTONIC, the wall clock too, and waits end as much sooner. 127 bytes at most, and always
// as many: one write changes it whole.

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kSize = 128;
constexpr int64_t kSecond = 1'000'000'000;

struct Shift {
  int64_t offset_ms = 0;
  double rate = 1;
  int64_t real_ns = 0;
  int64_t shown_ns = 0;
};

const char* MapFile() {
  const char* path = std::getenv("HAIDANG_TEST_CLOCK");
  if (path == nullptr) return nullptr;
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
  if (fd < 0) return nullptr;
  void* mapped = mmap(nullptr, kSize, PROT_READ, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<const char*>(mapped);
}

Shift Now() {
  static const char* const file = MapFile();
  Shift shift;
  if (file == nullptr) return shift;
  char text[kSize];
  std::memcpy(text, file, kSize);
  text[kSize - 1] = '\0';
  Shift read;
  const bool whole = std::sscanf(text, "%" SCNd64 " %lf %" SCNd64 " %" SCNd64, &read.offset_ms,
                                 &read.rate, &read.real_ns, &read.shown_ns) == 4;
  return whole && read.rate > 0 ? read : shift;
}

int64_t RealNs(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

// By how much the program's monotonic time is ahead.
int64_t Ahead(const Shift& shift) {
  const int64_t real = RealNs(CLOCK_MONOTONIC);
  const auto passed = static_cast<double>(real - shift.real_ns) * shift.rate;
  return shift.shown_ns + static_cast<int64_t>(passed) - real;
}

bool IsWall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

bool IsShifted(clockid_t clock) {
  return IsWall(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
         clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME;
}

int64_t ShownNs(clockid_t clock) {
  const Shift shift = Now();
  return RealNs(clock) + Ahead(shift) + (IsWall(clock) ? shift.offset_ms * 1'000'000 : 0);
}

timespec ToTimespec(int64_t ns) { return {ns / kSecond, ns % kSecond}; }
int64_t ToNs(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

// A wait of the program's time, in the machine's.
int64_t Shorter(int64_t wait) {
  return static_cast<int64_t>(static_cast<double>(wait) / Now().rate);
}

int ShorterMs(int timeout) {
  return timeout <= 0 ? timeout : std::max(1, static_cast<int>(Shorter(timeout)));
}

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// The machine's time at which the program's `clock` will show `until`.
timespec RealUntil(clockid_t clock, const timespec& until) {
  const int64_t wait = std::max<int64_t>(0, Shorter(ToNs(until) - ShownNs(clock)));
  return ToTimespec(RealNs(clock) + wait);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (!IsShifted(clock)) return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  *time = ToTimespec(ShownNs(clock));
  return 0;
}

int gettimeofday(timeval* time, void*) noexcept {
  const int64_t ns = ShownNs(CLOCK_REALTIME);
  *time = {ns / kSecond, ns % kSecond / 1000};
  return 0;
}

time_t time(time_t* to) noexcept {
  const time_t now = ShownNs(CLOCK_REALTIME) / kSecond;
  if (to != nullptr) *to = now;
  return now;
}

int epoll_wait(int fd, epoll_event* events, int count, int timeout) {
  static const auto next = Next<decltype(&epoll_wait)>("epoll_wait");
  return next(fd, events, count, ShorterMs(timeout));
}

int epoll_pwait(int fd, epoll_event* events, int count, int timeout, const sigset_t* mask) {
  static const auto next = Next<decltype(&epoll_pwait)>("epoll_pwait");
  return next(fd, events, count, ShorterMs(timeout), mask);
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  static const auto next = Next<decltype(&poll)>("poll");
  return next(fds, count, ShorterMs(timeout));
}

int select(int count, fd_set* read, fd_set* write, fd_set* except, timeval* timeout) {
  static const auto next = Next<decltype(&select)>("select");
  if (timeout == nullptr) return next(count, read, write, except, nullptr);
  const int64_t wait = Shorter(timeout->tv_sec * kSecond + timeout->tv_usec * 1000);
  timeval shorter{wait / kSecond, wait % kSecond / 1000};
  return next(count, read, write, except, &shorter);
}

int nanosleep(const timespec* wait, timespec* left) {
  static const auto next = Next<decltype(&nanosleep)>("nanosleep");
  const timespec shorter = ToTimespec(Shorter(ToNs(*wait)));
  return next(&shorter, left);
}

int usleep(useconds_t wait) {
  static const auto next = Next<decltype(&usleep)>("usleep");
  return next(static_cast<useconds_t>(Shorter(wait)));
}

// Condition variables are taken to use the wall clock, as those do that nobody told otherwise.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  static const auto next = Next<decltype(&pthread_cond_timedwait)>("pthread_cond_timedwait");
  const timespec real = RealUntil(CLOCK_REALTIME, *until);
  return next(condition, mutex, &real);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  static const auto next = Next<decltype(&pthread_cond_clockwait)>("pthread_cond_clockwait");
  const timespec real = RealUntil(clock, *until);
  return next(condition, mutex, clock, &real);
}

}  // extern "C"
