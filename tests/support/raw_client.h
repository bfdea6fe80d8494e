#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace haidang::testing {

// A TCP connection that says what a test wants, well-formed or not.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  RawClient(RawClient&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  RawClient& operator=(RawClient&&) = delete;

  void Send(std::string_view bytes);
  // What comes until `end` has come, the peer closes, or patience is over.
  std::string ReadUntil(std::string_view end,
                        std::chrono::milliseconds patience = std::chrono::seconds(20));
  // What comes until the peer closes.
  std::string ReadAll() { return ReadUntil(""); }

 private:
  int fd_;
};

}  // namespace haidang::testing
