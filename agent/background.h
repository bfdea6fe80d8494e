#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "core/io/loop.h"
#include "core/result.h"

namespace haidang::agent {

// Work of a source that may block: begun in Prepare, on one of the loop's few workers, handed over
// in Read. Loop thread only. One run at a time: while one hangs no other is begun, so that a source
// never keeps more than one worker.
template <typename T>
class Background {
 public:
  // `work` runs on a worker and must own what it touches: one that hangs outlives the source.
  Background(Loop& loop, std::function<Result<T>()> work) : loop_(loop), work_(std::move(work)) {}

  void Start() {
    if (!Ready()) return;
    run_ = std::make_shared<Run>();
    loop_.Work([run = run_, work = work_] { run->result = work(); },
               [run = run_] { run->done = true; });
  }

  // False while a run is under way.
  bool Ready() const { return run_ == nullptr || run_->done; }

  // What the newest run brought; an Error where it has not come back.
  Result<T> Latest() const {
    if (run_ == nullptr) return Error{"was read before it was prepared"};
    if (!run_->done || !run_->result) return Error{"has not answered in time"};
    return *run_->result;
  }

 private:
  // Shared with a worker, which alone writes `result` until `done`.
  struct Run {
    std::optional<Result<T>> result;
    bool done = false;  // loop thread
  };

  Loop& loop_;
  std::function<Result<T>()> work_;
  std::shared_ptr<Run> run_;
};

}  // namespace haidang::agent
