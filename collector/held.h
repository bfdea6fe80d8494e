#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace haidang::collector {

// Messages that cannot be read until their machine's birth comes. Bounded by machine and in all;
// the oldest go first: nothing of them was acknowledged, so their agent sends them again. Loop
// thread.
class Held {
 public:
  struct Bounds {
    size_t machine_bytes = 256U << 10;
    size_t all_bytes = 64U << 20;
  };

  explicit Held(Bounds bounds) : bounds_(bounds) {}

  // How many messages were dropped to make room, this one included where it is too large itself.
  size_t Add(int64_t machine, std::string payload);

  // What is held of a machine, in order of arrival; nothing of it is held any more.
  std::vector<std::string> Take(int64_t machine);

  size_t messages() const { return order_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Message {
    int64_t machine;
    std::string payload;
  };
  using Order = std::list<Message>;
  struct OfMachine {
    std::list<Order::iterator> messages;
    size_t bytes = 0;
  };

  // Required: something is held of it.
  void DropOldest(int64_t machine);

  Bounds bounds_;
  Order order_;
  std::unordered_map<int64_t, OfMachine> machines_;
  size_t bytes_ = 0;
};

}  // namespace haidang::collector
