#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/io/message_inbox.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_loop.h"

using namespace haidang;

namespace {

// An inbox with everything that it delivered.
struct World {
  testing::FakeClock clock;
  testing::FakeLoop loop{clock};
  std::vector<size_t> runs;
  std::vector<std::string> delivered;
  std::function<void()> during;  // called within each delivery
  std::shared_ptr<MessageInbox> inbox =
      std::make_shared<MessageInbox>(loop, [this](std::vector<MqttMessage>&& messages) {
        runs.push_back(messages.size());
        for (MqttMessage& message : messages) delivered.push_back(std::move(message.payload));
        if (during) during();
      });

  void Add(size_t count, size_t bytes = 0) {
    for (size_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      inbox->Add({"t", bytes > 0 ? std::string(bytes, 'x') : number, 0, false});
    }
  }
};

}  // namespace

TEST_CASE("messages come in order, in runs of a bounded number") {
  World world;
  constexpr size_t kCount = 3 * MessageInbox::kRunMessages + 1;
  world.Add(kCount);
  CHECK(world.delivered.empty());
  world.loop.RunPosted();
  constexpr size_t kRun = MessageInbox::kRunMessages;
  CHECK(world.runs == std::vector<size_t>{kRun, kRun, kRun, 1});
  REQUIRE(world.delivered.size() == kCount);
  for (size_t i = 0; i < kCount; ++i) CHECK(world.delivered[i] == std::to_string(i));
  world.Add(1);  // it had run empty
  world.loop.RunPosted();
  CHECK(world.delivered.size() == kCount + 1);
}

TEST_CASE("a run is of bounded bytes, but for its last message") {
  World world;
  world.Add(5, MessageInbox::kRunBytes / 2);
  world.Add(2, 4 * MessageInbox::kRunBytes);
  world.loop.RunPosted();
  CHECK(world.runs == std::vector<size_t>{2, 2, 2, 1});
}

TEST_CASE("however many messages wait, tasks and questions have their turn after a run") {
  World world;
  std::vector<std::pair<char, size_t>> turns;  // what, and how much was delivered by then
  const auto note = [&](char what) { turns.emplace_back(what, world.delivered.size()); };
  world.Add(100 * MessageInbox::kRunMessages);
  world.during = [&] {
    if (world.runs.size() > 2) return;
    world.loop.Post([&] { note('t'); });
    world.loop.PostQuestion([&] { note('q'); });
    world.Add(1);
  };
  world.loop.RunPosted();
  constexpr size_t kRun = MessageInbox::kRunMessages;
  CHECK(turns == std::vector<std::pair<char, size_t>>{
                     {'q', kRun}, {'t', kRun}, {'q', 2 * kRun}, {'t', 2 * kRun}});
  CHECK(world.delivered.size() == 100 * kRun + 2);
}

TEST_CASE("who adds waits while much is there, and no message is lost") {
  World world;
  constexpr size_t kBytes = 1U << 20, kCount = 64;
  std::atomic<size_t> added{0};
  std::thread adder([&] {
    for (size_t i = 0; i < kCount; ++i) {
      world.inbox->Add({"t", std::string(kBytes, 'x'), 0, false});
      ++added;
    }
  });
  while (added < MessageInbox::kMaxBytes / kBytes) std::this_thread::yield();
  size_t most = 0;
  // What was added last may be delivered before it is counted.
  world.during = [&] {
    const size_t came = added, went = world.delivered.size();
    most = std::max(most, came > went ? came - went : 0);
  };
  while (world.delivered.size() < kCount) {
    world.loop.RunPosted();
    std::this_thread::yield();
  }
  adder.join();
  CHECK(most <= MessageInbox::kMaxBytes / kBytes);
}

TEST_CASE("all is delivered at once where something is to come after it") {
  World world;
  world.Add(300);
  world.inbox->DeliverAll();
  CHECK(world.delivered.size() == 300);
  world.loop.RunPosted();  // of the run that was posted
  CHECK(world.delivered.size() == 300);
  world.Add(1);
  world.loop.RunPosted();
  CHECK(world.delivered.size() == 301);
}

TEST_CASE("a closed inbox delivers nothing, and holds nobody up") {
  World world;
  SECTION("while somebody waits for room") {
    std::atomic<size_t> added{0};
    std::thread adder([&] {
      for (; added < 20; ++added) {
        world.inbox->Add({"t", std::string(1U << 20, 'x'), 0, false});
      }
    });
    while (added < 16) std::this_thread::yield();
    world.inbox->Close();
    adder.join();
    world.loop.RunPosted();
    CHECK(world.delivered.empty());
  }
  SECTION("from within a delivery, which may be the last that is heard of it") {
    world.Add(300);
    world.during = [&] {
      world.inbox->Close();
      world.inbox.reset();
    };
    world.loop.RunPosted();
    CHECK(world.runs.size() == 1);
  }
}
