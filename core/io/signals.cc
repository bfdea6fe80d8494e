#include "core/io/signals.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace haidang {
namespace {

void Handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
}

}  // namespace

void ExitOnTerminate() {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  // The sanitizer makes a thread's signal context in its first blocking call, and loses a signal
  // that comes at that very moment: let it be now.
  poll(nullptr, 0, 0);
#endif
#endif
  Handle([](int) { _exit(0); });
}

void DieOnTerminate() { Handle(SIG_DFL); }

}  // namespace haidang
