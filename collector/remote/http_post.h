#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "collector/remote/options.h"
#include "core/result.h"

namespace haidang::remote {

struct Answer {
  int status = 0;           // HTTP's; 0 where there was none
  std::string why;          // where status is 0: what happened
  std::string body;         // its first bytes, fit for a line of log
  std::string retry_after;  // the header's text
  std::string location;     // where a redirection points, without its query
  bool slow = false;        // the receiver took the connection, and said nothing in time
  bool fresh = false;       // a connection was made for it
  bool closing = false;     // the receiver said that it ends this connection
};

// Posts remote write requests to one URL over a connection that is kept, through libcurl. Passwords
// and tokens are read from their files each time. Redirections are not followed: they could take
// samples and credentials elsewhere. One thread; Wake from any.
class HttpPost {
 public:
  static Result<std::unique_ptr<HttpPost>> Make(const RemoteOptions& options);
  virtual ~HttpPost() = default;

  // Nothing where `stopping` became true, which Wake() makes it notice. What comes back is bounded.
  virtual std::optional<Answer> Send(const std::string& body,
                                     const std::atomic<bool>& stopping) = 0;
  // Sleeps until Wake(), or that long.
  virtual void Wait(std::chrono::milliseconds longest) = 0;
  virtual void Wake() = 0;
};

}  // namespace haidang::remote
