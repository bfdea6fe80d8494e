#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "core/log.h"
#include "core/trouble.h"
#include "core/utf8.h"

namespace haidang::agent {

// One of the things that a source reads (a file pattern, a certificate): that it fails is logged
// when it begins and when it is over, while the source's other things go on. Loop thread only.
class ItemTrouble {
 public:
  // `what` begins its lines: "files nightly". `clock` must outlive it.
  ItemTrouble(std::string what, const Clock& clock) : what_(std::move(what)), trouble_(clock) {}

  void Failed(std::string_view why) {
    if (trouble_.Met()) spdlog::warn("{}: {}", what_, Printable(why, 400));
  }
  void Worked() {
    if (trouble_.Over()) spdlog::info("{}: works again", what_);
  }

 private:
  std::string what_;
  Trouble trouble_;
};

}  // namespace haidang::agent
