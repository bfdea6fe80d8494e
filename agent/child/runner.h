#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "agent/child/command.h"
#include "agent/child/process.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// A program that waits for its turn or runs: killed when destroyed, and then not told any more.
class Child {
 public:
  virtual ~Child() = default;
};

// Runs programs for all sources: a few at once, each bounded in time and output. Loop thread only,
// with a loop that has a native one; must be destroyed on it, and not by a program's callback.
class ChildRunner {
 public:
  // `loop` and `clock` must outlive it.
  ChildRunner(Loop& loop, const Clock& clock, ChildRunnerOptions options = {});
  // Kills what runs.
  ~ChildRunner();
  ChildRunner(const ChildRunner&) = delete;
  ChildRunner& operator=(const ChildRunner&) = delete;

  // Runs `command` as soon as it is its turn. `done` is called once, later, never from within
  // Start; it may start others, and destroy the Child.
  [[nodiscard]] std::unique_ptr<Child> Start(Command command,
                                             std::function<void(ChildResult)> done);

  size_t running() const;  // those among them that were given up and do not end
  size_t waiting() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

// The longest from a program's beginning until it is told how it ended, for who waits for that.
std::chrono::milliseconds LongestRun(std::chrono::milliseconds timeout,
                                     const ChildRunnerOptions& options = {});

}  // namespace haidang::agent
