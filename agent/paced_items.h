#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent/item_trouble.h"
#include "agent/paced.h"
#include "core/clock.h"
#include "core/io/loop.h"

namespace haidang::agent {

// What a source looks at one by one (file patterns, certificates), each at its own pace, on
// workers. Loop thread only.
template <typename T>
class PacedItems {
 public:
  struct Item {
    std::string name;
    Paced<T> look;
    ItemTrouble trouble;
  };

  // `kind` begins the lines of their logs: "files". `loop` and `clock` must outlive it.
  PacedItems(std::string kind, Loop& loop, const Clock& clock)
      : kind_(std::move(kind)), loop_(loop), clock_(clock) {}

  // `look` as Background's work.
  void Add(const std::string& name, std::chrono::milliseconds every,
           std::function<Result<T>()> look) {
    items_.push_back({name, {loop_, clock_, every, std::move(look)}, {kind_ + " " + name, clock_}});
  }

  void Prepare() {
    for (Item& item : items_) item.look.Prepare();
  }

  bool Ready() const {
    return std::all_of(items_.begin(), items_.end(),
                       [](const Item& item) { return item.look.Ready(); });
  }

  std::vector<Item>& items() { return items_; }

 private:
  std::string kind_;
  Loop& loop_;
  const Clock& clock_;
  std::vector<Item> items_;
};

}  // namespace haidang::agent
