#pragma once

#include <httplib.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "core/result.h"
#include "tests/support/onestop/national.h"
#include "tests/support/onestop/route_faults.h"
#include "tests/support/onestop/sessions.h"
#include "tests/support/onestop/store.h"

namespace haidang::onestop {

struct AppOptions {
  std::string host = "127.0.0.1";
  int port = 0;           // 0: any free one
  std::string cert_file;  // PEM; both empty: plain HTTP
  std::string key_file;
  int workers = 64;  // requests that are served at once, most of them waiting for the database
  std::string user = "canbo";
  std::string password = "motcua";
  std::string national;  // URL of the national service that /dan-cu asks; "": there is none
};

// How the stand-in behaves.
enum class Mode {
  kOk,
  kError500,      // every page is "500 Internal Server Error"
  kRefuse,        // nobody listens on the port
  kHang,          // takes the request and does not answer
  kWrongContent,  // answers 200 with another page
};
std::optional<Mode> ParseMode(std::string_view text);
std::string_view ToString(Mode mode);

// The web application. Thread-safe after Start.
class App {
 public:
  App(AppOptions options, Store& store);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Listens; an Error where the port is taken or the certificate cannot be read.
  Status Start();
  void Stop();
  int port() const { return options_.port; }

  Status SetMode(Mode mode);
  Mode mode() const;
  RouteFaults& faults() { return faults_; }

 private:
  Status Listen();
  void Close();
  void Route(httplib::Server& server);
  // True where the mode or a fault, not the application, answers this request.
  bool Misbehave(const httplib::Request& request, httplib::Response& response);
  Viewer Who(const httplib::Request& request) const;

  void SignIn(const httplib::Request& request, httplib::Response& response);
  void Search(const httplib::Request& request, httplib::Response& response);
  void Open(const httplib::Request& request, httplib::Response& response);
  void Submit(const httplib::Request& request, httplib::Response& response);
  void Identify(const httplib::Request& request, httplib::Response& response);

  AppOptions options_;
  Store& store_;
  Sessions sessions_;
  RouteFaults faults_;
  National national_;

  std::mutex switch_mutex_;  // one change of mode at a time
  std::unique_ptr<httplib::Server> server_;
  std::thread thread_;

  mutable std::mutex mode_mutex_;
  std::condition_variable mode_changed_;
  Mode mode_ = Mode::kOk;
};

// Sets SO_REUSEADDR alone: httplib's default lets two servers share a port unnoticed.
void ListenAlone(httplib::Server& server);

}  // namespace haidang::onestop
