#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "core/io/loop.h"
#include "core/io/thread.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace std::chrono_literals;

TEST_CASE("posted tasks run on the loop thread, each thread's in order") {
  const auto loop = MakeLoop();
  constexpr int kThreads = 4;
  constexpr int kEach = 5000;
  std::vector<int> seen(kThreads, 0);
  int total = 0;
  bool ordered = true;
  const auto main_thread = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop->Post([&, t, i] {
          ordered = ordered && seen[static_cast<size_t>(t)]++ == i &&
                    std::this_thread::get_id() == main_thread;
          if (++total == kThreads * kEach) loop->Stop();
        });
      }
    });
  }
  loop->Run();
  for (auto& thread : threads) thread.join();
  CHECK(ordered);
  CHECK(total == kThreads * kEach);
}

TEST_CASE("a task that posts runs after those already posted") {
  const auto loop = MakeLoop();
  std::string order;
  loop->Post([&] {
    order += 'a';
    loop->Post([&] {
      order += 'c';
      loop->Stop();
    });
  });
  loop->Post([&] { order += 'b'; });
  loop->Run();
  CHECK(order == "abc");
}

TEST_CASE("timers fire once or again and again, and never after their end") {
  const auto loop = MakeLoop();
  int once = 0;
  int many = 0;
  int never = 0;
  const auto one = loop->After(1ms, [&] { ++once; });
  std::unique_ptr<Timer> again = loop->Every(1ms, [&] {
    if (++many == 5) again.reset();  // a task may end its own timer
  });
  loop->After(0ms, [&] { ++never; }).reset();
  testing::RunFor(*loop, 50ms);
  CHECK(once == 1);
  CHECK(many == 5);
  CHECK(never == 0);
}

TEST_CASE("work runs elsewhere and its end comes back") {
  const auto loop = MakeLoop();
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  int done = 0;
  for (int i = 0; i < 12; ++i) {
    loop->Work(
        [&] {
          const int now = ++running;
          int before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) {
          }
          std::this_thread::sleep_for(5ms);
          --running;
        },
        [&] { ++done; });
  }
  CHECK(testing::RunUntil(*loop, [&] { return done == 12; }));
  CHECK(most <= 4);
  CHECK(most >= 2);
}

TEST_CASE("a worker that hangs holds neither the loop nor its end") {
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    bool passed = false;
  };
  const auto gate = std::make_shared<Gate>();
  {
    const auto loop = MakeLoop();
    loop->Work(
        [gate] {
          std::unique_lock lock(gate->mutex);
          gate->opened.wait(lock, [&] { return gate->open; });
          gate->passed = true;
          gate->opened.notify_all();
        },
        [] { FAIL("the loop is gone"); });
    testing::RunFor(*loop, 5ms);
  }
  std::unique_lock lock(gate->mutex);
  gate->open = true;
  gate->opened.notify_all();
  CHECK(gate->opened.wait_for(lock, 20s, [&] { return gate->passed; }));
}

TEST_CASE("Post after the loop's end is dropped, Ask gives up") {
  auto loop = MakeLoop();
  const std::optional<int> nothing = loop->Ask<int>([] { return 1; }, 5ms);
  CHECK_FALSE(nothing.has_value());  // nobody runs it

  std::optional<int> answer;
  std::thread asker([&] {
    answer = loop->Ask<int>([] { return 42; }, 20s);
    loop->Stop();
  });
  loop->Run();
  asker.join();
  CHECK(answer == 42);
}

TEST_CASE("while something is awaited who asks is answered at once; tasks wait") {
  const auto loop = MakeLoop();
  constexpr int kThreads = 4;
  std::atomic<int> answers{0};
  std::string order;
  loop->Post([&] {
    loop->Post([&] {
      order += "task ";
      loop->Stop();
    });
    loop->Await([&] {
      std::vector<std::thread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
          for (int i = 0; i < 100; ++i)
            answers += loop->Ask<int>([] { return 1; }, 20s).value_or(0);
        });
      }
      for (std::thread& thread : threads) thread.join();
      order += "work ";
    });
    order += "awaited ";
  });
  loop->Run();
  CHECK(answers == kThreads * 100);
  CHECK(order == "work awaited task ");
}

TEST_CASE("what was asked before is answered as an Await begins, and the loop is itself after it") {
  const auto loop = MakeLoop();
  const auto here = std::this_thread::get_id();
  std::string order;
  loop->Post([&] {
    loop->PostQuestion([&] { order += "asked "; });
    loop->Await([&] { order += "work "; });
    loop->PostQuestion([&] { order += std::this_thread::get_id() == here ? "here" : "elsewhere"; });
    order += "task ";
    loop->Stop();
  });
  loop->Run();
  CHECK(order == "asked work task here");
}

TEST_CASE("an Await ends only when nobody answers himself any more") {
  const auto loop = MakeLoop();
  std::atomic<bool> begun{false}, ended{false};
  std::optional<bool> in_time;
  std::thread asker;
  loop->Post([&] {
    loop->Await([&] {
      asker = std::thread([&] {
        loop->PostQuestion([&] {
          begun = true;
          std::this_thread::sleep_for(20ms);  // long enough to be overtaken
          ended = true;
        });
      });
      while (!begun) std::this_thread::yield();
    });
    in_time = ended;
    loop->Stop();
  });
  loop->Run();
  asker.join();
  CHECK(in_time == true);
}

TEST_CASE("questions come before tasks that have not begun; orders in turn") {
  const auto loop = MakeLoop();
  std::string order;
  loop->Post([&] {
    order += 'a';
    loop->PostQuestion([&] { order += 'q'; });
  });
  loop->Post([&] { order += 'b'; });
  std::thread who([&] {
    const auto done = loop->Order<int>([&] { return static_cast<int>(order.size()); }, 20s);
    CHECK(done == 3);
    loop->Stop();
  });
  loop->PostQuestion([&] { CHECK(order.empty()); });
  loop->Run();
  who.join();
  CHECK(order == "aqb");
}

TEST_CASE("SIGTERM and SIGINT come as tasks, each time") {
  const auto loop = MakeLoop();
  int told = 0;
  loop->OnTerminate([&] { ++told; });
  std::raise(SIGTERM);
  CHECK(testing::RunUntil(*loop, [&] { return told == 1; }));
  std::raise(SIGINT);
  CHECK(testing::RunUntil(*loop, [&] { return told == 2; }));
}

TEST_CASE("signals are the main thread's alone, faults each thread's own") {
  sigset_t mask;
  StartThread([&] { pthread_sigmask(SIG_SETMASK, nullptr, &mask); }).join();
  CHECK(sigismember(&mask, SIGTERM) == 1);
  CHECK(sigismember(&mask, SIGINT) == 1);
  CHECK(sigismember(&mask, SIGSEGV) == 0);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  CHECK(sigismember(&mask, SIGTERM) == 0);
}

TEST_CASE("Stop before Run ends it at once") {
  const auto loop = MakeLoop();
  loop->Stop();
  loop->Run();
  SUCCEED();
}
