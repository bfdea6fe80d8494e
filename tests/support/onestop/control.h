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
//   POST /_dieu-khien/route?path=/tra-cuu&answer=hang&delay_ms=900
//                                      pages whose path begins so: answer usual, error500,
//                                      forbidden, not-found, wrong-content, loop or hang (usual
//                                      where not given), delay_ms later; neither: all is well again
//   POST /_dieu-khien/database?delay_ms=900&held=4&locked=1
//                                      a slow disk, connections of the pool that somebody holds, a
//                                      lock (Store); what is not given is as it should be
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
  void SetRoute(const httplib::Request& request, httplib::Response& response);
  void SetDatabase(const httplib::Request& request, httplib::Response& response);
  App& app_;
  Store& store_;
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace haidang::onestop
