#include "tests/support/onestop/control.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace haidang::onestop {
namespace {

constexpr int64_t kMostAtOnce = 5000000;

void Answer(httplib::Response& response, int status, const nlohmann::json& body) {
  response.status = status;
  response.set_content(body.dump() + "\n", "application/json");
}

}  // namespace

Control::Control(App& app, Store& store) : app_(app), store_(store) {
  using httplib::Request;
  using httplib::Response;
  server_.Get("/_dieu-khien", [this](const Request&, Response& response) {
    const auto count = store_.Count();
    if (!count) return Answer(response, 503, {{"error", count.error().message}});
    Answer(response, 200,
           {{"mode", ToString(app_.mode())}, {"dossiers", *count}, {"port", app_.port()}});
  });
  server_.Post("/_dieu-khien/mode", [this](const Request& request, Response& response) {
    const auto mode = ParseMode(request.get_param_value("value"));
    if (!mode) {
      return Answer(response, 400,
                    {{"error", "value must be ok, error500, refuse, hang or wrong-content"}});
    }
    const auto set = app_.SetMode(*mode);
    if (!set) return Answer(response, 503, {{"error", set.error().message}});
    Answer(response, 200, {{"mode", ToString(*mode)}});
  });
  server_.Post("/_dieu-khien/dossiers", [this](const Request& request, Response& response) {
    const std::string text = request.get_param_value("add");
    int64_t add = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), add);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || add < 0 ||
        add > kMostAtOnce) {
      return Answer(response, 400, {{"error", "add must be a number from 0 to 5000000"}});
    }
    const auto seeded = store_.Seed(add);
    if (!seeded) return Answer(response, 503, {{"error", seeded.error().message}});
    Answer(response, 200, {{"added", add}});
  });
}

Result<std::unique_ptr<Control>> Control::Start(App& app, Store& store, const std::string& host,
                                                int port) {
  std::unique_ptr<Control> control(new Control(app, store));
  auto& server = control->server_;
  ListenAlone(server);
  server.new_task_queue = [] { return new httplib::ThreadPool(2); };
  control->port_ = port;
  if (port == 0) {
    control->port_ = server.bind_to_any_port(host);
  } else if (!server.bind_to_port(host, port)) {
    control->port_ = -1;
  }
  if (control->port_ < 0) {
    return Error{"cannot listen on " + host + ":" + std::to_string(port) + ": the port is taken"};
  }
  control->thread_ = std::thread([&server] { server.listen_after_bind(); });
  return control;
}

Control::~Control() {
  if (!thread_.joinable()) return;
  while (!server_.is_running()) std::this_thread::yield();
  server_.stop();
  thread_.join();
}

}  // namespace haidang::onestop
