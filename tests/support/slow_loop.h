#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/io/loop.h"

namespace haidang::testing {

// A loop whose work runs when the test says so; what is not run is a worker that hangs.
class SlowLoop final : public Loop {
 public:
  void Post(std::function<void()> task) override { task(); }
  void PostQuestion(std::function<void()> question) override { question(); }
  void Await(const std::function<void()>& work) override { work(); }
  std::unique_ptr<Timer> After(std::chrono::milliseconds, std::function<void()>) override {
    return nullptr;
  }
  std::unique_ptr<Timer> Every(std::chrono::milliseconds, std::function<void()>) override {
    return nullptr;
  }
  void Work(std::function<void()> work, std::function<void()> done) override {
    jobs.emplace_back(std::move(work), std::move(done));
  }
  void OnTerminate(std::function<void()>) override {}
  void* native() override { return nullptr; }
  void Run() override {}
  void Stop() override {}

  std::vector<std::pair<std::function<void()>, std::function<void()>>> jobs;
};

}  // namespace haidang::testing
