#pragma once

#include <memory>
#include <string>
#include <thread>

#include "core/result.h"
#include "tests/support/onestop/app.h"
#include "tests/support/onestop/store.h"

namespace haidang::onestop {

// What tells the stand-in to fail or to grow; a port of its own, since the application's own port
// may just be refusing or hanging:
//   GET  /_dieu-khien                  {"mode":"ok","dossiers":2000,"port":8443}
//   POST /_dieu-khien/mode?value=hang  ok, error500, refuse, hang, wrong-content
//   POST /_dieu-khien/dossiers?add=N   adds N made-up dossiers
class Control {
 public:
  // Listens on host:port (0: any free one).
  static Result<std::unique_ptr<Control>> Start(App& app, Store& store, const std::string& host,
                                                int port);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  int port() const { return port_; }

 private:
  Control(App& app, Store& store);
  App& app_;
  Store& store_;
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace haidang::onestop
