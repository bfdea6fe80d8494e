#include "collector/held.h"

#include <utility>

namespace haidang::collector {

size_t Held::Add(int64_t machine, std::string payload) {
  const size_t size = payload.size();
  if (size > bounds_.machine_bytes || size > bounds_.all_bytes) return 1;
  size_t dropped = 0;
  while (machines_[machine].bytes + size > bounds_.machine_bytes) {
    DropOldest(machine);
    ++dropped;
  }
  while (bytes_ + size > bounds_.all_bytes) {
    DropOldest(order_.front().machine);
    ++dropped;
  }
  order_.push_back({machine, std::move(payload)});
  OfMachine& own = machines_[machine];
  own.messages.push_back(std::prev(order_.end()));
  own.bytes += size;
  bytes_ += size;
  return dropped;
}

std::vector<std::string> Held::Take(int64_t machine) {
  std::vector<std::string> taken;
  const auto own = machines_.find(machine);
  if (own == machines_.end()) return taken;
  for (const Order::iterator message : own->second.messages) {
    taken.push_back(std::move(message->payload));
    order_.erase(message);
  }
  bytes_ -= own->second.bytes;
  machines_.erase(own);
  return taken;
}

void Held::DropOldest(int64_t machine) {
  OfMachine& own = machines_[machine];
  const Order::iterator oldest = own.messages.front();
  own.messages.pop_front();
  own.bytes -= oldest->payload.size();
  bytes_ -= oldest->payload.size();
  order_.erase(oldest);
  if (own.messages.empty()) machines_.erase(machine);
}

}  // namespace haidang::collector
