#pragma once

#include <string>
#include <string_view>

namespace haidang::agent {

// Looks for a text in a body that comes in pieces, without keeping the body.
class TextFinder {
 public:
  // An empty text stands everywhere.
  explicit TextFinder(std::string text) : text_(std::move(text)) {}

  void Feed(std::string_view piece) {
    if (found_ || text_.empty()) return;
    tail_ += piece;
    found_ = tail_.find(text_) != std::string::npos;
    if (tail_.size() >= text_.size()) tail_.erase(0, tail_.size() - text_.size() + 1);
  }

  bool found() const { return found_ || text_.empty(); }

 private:
  std::string text_;
  std::string tail_;  // the end of what came, too short to hold the text
  bool found_ = false;
};

}  // namespace haidang::agent
