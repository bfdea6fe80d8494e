#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/result.h"
#include "server/http/connection.h"
#include "server/http/workers.h"
#include "server/options.h"

namespace haidang::server {

struct FrontOptions {
  HostPort listen;
  size_t max_connections = 1024;                  // beyond it the one that waits longest is dropped
  size_t max_threads = 64;                        // requests being answered at once
  std::chrono::milliseconds head_patience{5000};  // from its first byte to a whole head
  std::chrono::milliseconds idle_patience{30000};  // between two requests of one connection
};

// Accepts connections and waits for whole request heads on one thread, however slow the clients
// are; only then does a request get a thread. So no number of slow or silent clients takes threads
// away from others, and nothing unjudged reaches the HTTP parser.
class Front {
 public:
  // Answers one request on a worker's thread: reads `head`, writes to `socket`, tells the client
  // whether the connection stays. False: close it.
  using Handler = std::function<bool(std::string_view head, int socket, bool keep_alive)>;

  // Listens already when it returns. An Error says why not: port taken, address unknown.
  static Result<std::unique_ptr<Front>> Listen(const FrontOptions& options);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  void Start(Handler handler, std::function<void(size_t connections)> count_changed);
  // Closes every connection, the ones being answered too, and returns when all threads have ended.
  void Stop();

  uint16_t port() const { return port_; }
  int listener() const { return listener_.fd(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Socket socket;
    std::string bytes;
    Clock::time_point deadline;
  };

  Front(FrontOptions options, Socket listener, uint16_t port, Socket epoll, Socket wake);
  void Run();
  void Accept();
  void Receive(int fd);
  // Looks at what has come, hands a whole head to a worker; false where the connection must end.
  bool Judge(Waiting& waiting);
  void Refuse(int fd, int status);
  void Dispatch(Socket socket, std::string head, std::string rest, bool keep_alive);
  void TakeBack();
  void Wait(Socket socket, std::string bytes, Clock::time_point deadline);
  void DropLate();
  void DropLongestWaiting();  // required: somebody waits
  void Wake();
  size_t Count();

  const FrontOptions options_;
  Socket listener_;
  const uint16_t port_;
  Socket epoll_;
  Socket wake_;  // eventfd
  Handler handler_;
  std::function<void(size_t)> count_changed_;
  std::map<int, Waiting> waiting_;    // front's thread only
  Clock::time_point accept_again_{};  // after running out of descriptors

  std::mutex mutex_;
  std::set<int> answering_;        // guarded by mutex_
  std::vector<Waiting> returned_;  // guarded by mutex_: kept alive, back from a worker
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  Workers workers_;
};

}  // namespace haidang::server
