#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace haidang::http {

// Packs bytes as they come (RFC 1952), at the fastest level: answers are read once. One thread.
class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // Appends to `out` what of the packed bytes is ready.
  void Add(std::string_view bytes, std::string& out);
  // The rest; nothing may be added after it.
  void Finish(std::string& out);

 private:
  struct State;
  void Pack(std::string_view bytes, int flush, std::string& out);
  std::unique_ptr<State> state_;
};

}  // namespace haidang::http
