#pragma once

#include <signal.h>

#include <thread>
#include <utility>

namespace haidang {

// While it lives, threads that this one starts are sent no signal of the process: they all are the
// main thread's, which sleeps in its loop and so meets them at once. Faults of a thread's own
// (SIGSEGV and the like) stay its own.
class SignalsStayHere {
 public:
  SignalsStayHere();
  ~SignalsStayHere();
  SignalsStayHere(const SignalsStayHere&) = delete;
  SignalsStayHere& operator=(const SignalsStayHere&) = delete;

 private:
  sigset_t before_;
};

// From now on the calling thread gets some three times the share of a busy processor that others of
// its user get (nice -5), where the process may give itself that (root, CAP_SYS_NICE, RLIMIT_NICE);
// else nothing changes. For threads that people wait for, and that are bounded otherwise.
void PreferThisThread();

// How every thread of ours begins.
template <typename Work>
std::thread StartThread(Work&& work) {
  const SignalsStayHere guard;
  return std::thread(std::forward<Work>(work));
}

}  // namespace haidang
