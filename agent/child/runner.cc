#include "agent/child/runner.h"

#include <fmt/format.h>
#include <signal.h>
#include <time.h>
#include <uv.h>

#include <algorithm>
#include <list>
#include <map>
#include <utility>
#include <vector>

namespace haidang::agent {
namespace {

using std::chrono::milliseconds;

// What one Start asked for.
struct Job {
  Command command;
  std::function<void(ChildResult)> done;  // null: nobody waits for it any more
  std::unique_ptr<Timer> patience;        // while it waits for its turn
  Process* process = nullptr;             // while it runs
};

void Tell(Job& job, ChildResult result) {
  job.process = nullptr;
  job.patience.reset();
  if (const auto done = std::exchange(job.done, nullptr)) done(std::move(result));
}

ChildResult NotStarted(std::string problem) {
  ChildResult result;
  result.problem = std::move(problem);
  return result;
}

}  // namespace

class ChildRunner::State {
 public:
  State(Loop& loop, const Clock& clock, ChildRunnerOptions options)
      : loop_(loop), clock_(clock), options_(options), exits_(new uv_signal_t) {
    uv_signal_init(static_cast<uv_loop_t*>(loop_.native()), exits_);
    exits_->data = this;
    uv_signal_start(
        exits_, [](uv_signal_t* signal, int) { static_cast<State*>(signal->data)->LookForExits(); },
        SIGCHLD);
  }

  ~State() {
    for (const auto& job : waiting_) job->patience.reset();  // the job may outlive the loop
    for (auto& [index, process] : running_) process->Kill();
    Wait();
    uv_signal_stop(exits_);
    uv_close(reinterpret_cast<uv_handle_t*>(exits_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_signal_t*>(handle); });
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void Add(const std::shared_ptr<Job>& job) {
    job->patience = loop_.After(options_.max_wait, [this, job = job.get()] { GiveUp(job); });
    waiting_.push_back(job);
    Next();
  }

  void CallOff(Job& job) {
    job.done = nullptr;
    job.patience.reset();
    waiting_.remove_if([&](const auto& other) { return other.get() == &job; });
    if (job.process != nullptr) job.process->Kill();
  }

  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size(); }

 private:
  void Next() {
    while (running_.size() < options_.at_once && !waiting_.empty()) {
      const std::shared_ptr<Job> job = waiting_.front();
      waiting_.pop_front();
      job->patience.reset();
      Begin(job);
    }
  }

  void Begin(const std::shared_ptr<Job>& job) {
    auto spawned = Spawn(job->command);
    if (!spawned) {
      return loop_.Post([job, why = spawned.error().message] { Tell(*job, NotStarted(why)); });
    }
    auto process =
        std::make_unique<Process>(job->command, std::move(*spawned), loop_, clock_, options_,
                                  Process::Listener{
                                      [job](ChildResult result) { Tell(*job, std::move(result)); },
                                      [this, index = ++begun_] { Remove(index); },
                                  });
    job->process = process.get();
    running_.emplace(begun_, std::move(process));
  }

  void LookForExits() {
    std::vector<uint64_t> now;
    for (const auto& [index, process] : running_) now.push_back(index);
    for (const uint64_t index : now) {  // one may end others
      const auto found = running_.find(index);
      if (found != running_.end()) found->second->LookForExit();
    }
  }

  void Remove(uint64_t index) {
    running_.erase(index);
    Next();
  }

  void GiveUp(const Job* waiting) {
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const auto& job) { return job.get() == waiting; });
    const std::shared_ptr<Job> job = *found;
    waiting_.erase(found);
    Tell(*job, NotStarted(fmt::format("its turn has not come in {} s: {} others run",
                                      options_.max_wait.count() / 1000, running_.size())));
  }

  // Until nothing is left of those that were killed, which takes a moment, or does not help.
  void Wait() {
    constexpr int kPatienceMs = 500;
    for (int i = 0; i < kPatienceMs; ++i) {
      std::erase_if(running_, [](const auto& running) { return running.second->Reap(); });
      if (running_.empty()) return;
      const timespec moment{0, 1'000'000};
      nanosleep(&moment, nullptr);
    }
  }

  Loop& loop_;
  const Clock& clock_;
  const ChildRunnerOptions options_;
  uv_signal_t* exits_;  // freed once libuv has let go of it
  std::list<std::shared_ptr<Job>> waiting_;
  std::map<uint64_t, std::unique_ptr<Process>> running_;  // by when they were begun
  uint64_t begun_ = 0;
};

namespace {

class OwnedChild final : public Child {
 public:
  explicit OwnedChild(std::function<void()> call_off) : call_off_(std::move(call_off)) {}
  ~OwnedChild() override { call_off_(); }
  OwnedChild(const OwnedChild&) = delete;
  OwnedChild& operator=(const OwnedChild&) = delete;

 private:
  std::function<void()> call_off_;
};

}  // namespace

ChildRunner::ChildRunner(Loop& loop, const Clock& clock, ChildRunnerOptions options)
    : state_(std::make_shared<State>(loop, clock, options)) {}

ChildRunner::~ChildRunner() = default;

std::unique_ptr<Child> ChildRunner::Start(Command command, std::function<void(ChildResult)> done) {
  auto job = std::make_shared<Job>();
  job->command = std::move(command);
  job->done = std::move(done);
  state_->Add(job);
  return std::make_unique<OwnedChild>([job, state = std::weak_ptr<State>(state_)] {
    job->done = nullptr;
    if (const auto alive = state.lock()) alive->CallOff(*job);
  });
}

size_t ChildRunner::running() const { return state_->running(); }

size_t ChildRunner::waiting() const { return state_->waiting(); }

milliseconds LongestRun(milliseconds timeout, const ChildRunnerOptions& options) {
  return timeout + options.term_grace + options.kill_grace + options.leave_grace;
}

}  // namespace haidang::agent
