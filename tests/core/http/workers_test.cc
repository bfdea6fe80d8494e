#include "core/io/http/workers.h"

#include <catch2/catch.hpp>
#include <future>

using namespace haidang::http;

TEST_CASE("jobs run at once up to the limit, the rest wait their turn") {
  Workers workers(3, 0);
  std::promise<void> open;
  const std::shared_future<void> gate(open.get_future());
  std::atomic<int> begun{0};
  std::atomic<int> done{0};
  std::promise<void> all;
  for (int i = 0; i < 20; ++i) {
    workers.Run(
        [&] {
          ++begun;
          gate.wait();
          if (++done == 20) all.set_value();
        },
        false);
  }
  while (begun < 3) std::this_thread::yield();
  CHECK(begun == 3);
  open.set_value();
  all.get_future().wait();
  CHECK(done == 20);
}

TEST_CASE("after the end jobs are dropped") {
  Workers workers(2, 0);
  std::atomic<int> done{0};
  workers.Stop();
  workers.Run([&] { ++done; }, false);
  workers.Stop();
  CHECK(done == 0);
}

TEST_CASE("urgent jobs wait behind no others") {
  Workers workers(3, 1);
  std::promise<void> open;
  const std::shared_future<void> gate(open.get_future());
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < 10; ++i) {
    workers.Run(
        [&] {
          ++begun;
          gate.wait();
          ++ended;
        },
        false);
  }
  while (begun < 2) std::this_thread::yield();
  CHECK(workers.waiting() == 8);
  for (int i = 0; i < 5; ++i) {
    std::promise<void> done;
    workers.Run([&] { done.set_value(); }, true);
    CHECK(done.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  }
  CHECK(begun == 2);
  open.set_value();
  while (ended < 10) std::this_thread::yield();
  CHECK(workers.waiting() == 0);
}
