#include "server/http/workers.h"

#include <catch2/catch.hpp>
#include <future>

using namespace haidang::server;

TEST_CASE("jobs run at once up to the limit, the rest wait their turn") {
  Workers workers(3);
  std::promise<void> open;
  const std::shared_future<void> gate(open.get_future());
  std::atomic<int> begun{0};
  std::atomic<int> done{0};
  std::promise<void> all;
  for (int i = 0; i < 20; ++i) {
    workers.Run([&] {
      ++begun;
      gate.wait();
      if (++done == 20) all.set_value();
    });
  }
  while (begun < 3) std::this_thread::yield();
  CHECK(begun == 3);
  open.set_value();
  all.get_future().wait();
  CHECK(done == 20);
}

TEST_CASE("after the end jobs are dropped") {
  Workers workers(2);
  std::atomic<int> done{0};
  workers.Stop();
  workers.Run([&] { ++done; });
  workers.Stop();
  CHECK(done == 0);
}
