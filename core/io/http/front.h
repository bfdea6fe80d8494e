#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/io/host_port.h"
#include "core/io/http/head.h"
#include "core/io/http/outlet.h"
#include "core/io/http/socket.h"
#include "core/io/http/workers.h"
#include "core/result.h"

namespace haidang::http {

struct FrontOptions {
  HostPort listen;
  size_t max_connections = 1024;                  // beyond it the one that waits longest is dropped
  size_t max_connections_of_peer = 1024;          // the same, of one address
  size_t max_threads = 64;                        // requests being answered at once
  size_t reserved_threads = 4;                    // of them, for urgent requests alone
  size_t max_requests = 1000;                     // of one connection
  size_t max_body_bytes = 0;                      // 0: bodies are never read
  std::chrono::milliseconds head_patience{5000};  // from its first byte to a whole head
  std::chrono::milliseconds body_patience{10000};  // from there to a whole body
  std::chrono::milliseconds idle_patience{30000};  // between two requests of one connection
  Outlet::Patience answer_patience{.piece = std::chrono::milliseconds(10000),
                                   .answer = std::chrono::milliseconds(60000)};
  // While requests wait for a thread, a reader that keeps its own waiting longer is dropped.
  std::chrono::milliseconds stuck_patience{500};
};

// Accepts connections and waits for whole requests on one thread, however slow the clients are;
// only then does a request get a thread. So no number of slow or silent clients takes threads away
// from others; readers that take nothing lose theirs as soon as somebody else needs it.
class Front {
 public:
  struct Handlers {
    // Answers one request on a worker's thread: writes to `outlet`, tells the client whether the
    // connection stays. False: close it.
    std::function<bool(const Head& head, std::string body, Outlet& outlet, bool keep_alive)> answer;
    // Whether this request's body is wanted; else it is answered without. Front's thread.
    std::function<bool(const Head& head)> takes_body;
    // Whether it may use the reserved threads. Front's thread.
    std::function<bool(const Head& head)> urgent;
    // How many connections there are now. Front's thread; may be empty.
    std::function<void(size_t count)> connections;
  };

  // Listens already when it returns. An Error says why not: port taken, address unknown.
  static Result<std::unique_ptr<Front>> Listen(const FrontOptions& options);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  void Start(Handlers handlers);
  // Closes every connection, the ones being answered too, and returns when all threads have ended.
  void Stop();

  uint16_t port() const { return port_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Peer = std::shared_ptr<const std::string>;  // as many owners as connections of the address
  struct Connection {
    Socket socket;
    Peer peer;
    size_t requests = 0;  // answered so far
  };
  struct Waiting {
    Connection connection;
    std::string bytes;
    Clock::time_point deadline;
    std::optional<Head> head;  // whole; its body is coming
  };

  Front(FrontOptions options, Socket listener, uint16_t port, Socket epoll, Socket wake);
  void Run();
  void Accept();
  bool AcceptOne();
  bool MakeRoom(const Peer& peer);
  void Receive(int fd);
  // Looks at what has come, hands a whole request to a worker; false where the connection must end.
  bool Judge(Waiting& waiting);
  bool JudgeBody(Waiting& waiting);
  void Dispatch(Waiting waiting);
  void Answer(Connection connection, const Head& head, std::string body, std::string rest);
  void TakeBack();
  void Wait(Connection connection, std::string bytes, Clock::time_point deadline);
  void DropLate();
  void DropStuck();
  bool DropLongestWaiting(const std::string* peer);
  Peer PeerOf(const std::string& address);
  void Wake();
  size_t Count();

  const FrontOptions options_;
  Socket listener_;
  const uint16_t port_;
  Socket epoll_;
  Socket wake_;  // eventfd
  Handlers handlers_;
  // Front's thread only:
  std::map<int, Waiting> waiting_;  // by descriptor
  std::map<std::string, std::weak_ptr<const std::string>> peers_;
  Clock::time_point accept_again_{};  // after running out of descriptors

  std::mutex mutex_;
  size_t dispatched_ = 0;             // guarded by mutex_: with the workers
  std::map<int, Outlet*> answering_;  // guarded by mutex_: of those; their sockets are open
  std::vector<Waiting> returned_;     // guarded by mutex_: kept alive, back from a worker
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  Workers workers_;
};

}  // namespace haidang::http
