#pragma once

#include <chrono>
#include <string>

#include "core/result.h"

namespace haidang::onestop {

// The national population database, as far as the stand-in asks it.
class National {
 public:
  // `url`: "http://host:port"; "" where there is none, and every question is an Error.
  explicit National(std::string url, std::chrono::milliseconds patience = std::chrono::seconds(30));

  // What it says of a citizen: plain text. Blocks for `patience` at most. Thread-safe.
  Result<std::string> Ask(const std::string& id) const;

 private:
  std::string url_;
  std::chrono::milliseconds patience_;
};

}  // namespace haidang::onestop
