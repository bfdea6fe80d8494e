#pragma once

namespace haidang {

// From now on SIGTERM and SIGINT end the process at once with exit code 0, until Loop::OnTerminate
// takes them over. For main's first line: a program that is told to stop while it starts, perhaps
// reading a large store, has nothing to put in order yet.
void ExitOnTerminate();

// Gives SIGTERM and SIGINT their usual effect back: an interrupted check has no good result.
void DieOnTerminate();

}  // namespace haidang
