#include "core/io/signals.h"

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
  Handle([](int) { _exit(0); });
}

void DieOnTerminate() { Handle(SIG_DFL); }

}  // namespace haidang
