#include "core/io/thread.h"

#include <sys/resource.h>

#include <initializer_list>

namespace haidang {

SignalsStayHere::SignalsStayHere() {
  sigset_t others;
  sigfillset(&others);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF}) {
    sigdelset(&others, own);
  }
  pthread_sigmask(SIG_BLOCK, &others, &before_);
}

SignalsStayHere::~SignalsStayHere() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void PreferThisThread() {
  setpriority(PRIO_PROCESS, 0, -5);  // of the thread alone, on Linux; a refusal does no harm
}

}  // namespace haidang
