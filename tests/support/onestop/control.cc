#include "tests/support/onestop/control.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace haidang::onestop {
namespace {

constexpr int64_t kMostAtOnce = 5000000;

void Answer(httplib::Response& response, int status, const nlohmann::json& body) {
  response.status = status;
  response.set_content(body.dump() + "\n", "application/json");
}

// The parameter as a number from 0 to `most`; `fallback` where it is not there.
std::optional<int64_t> Number(const httplib::Request& request, const char* name, int64_t most,
                              std::optional<int64_t> fallback) {
  if (!request.has_param(name)) return fallback;
  const std::string text = request.get_param_value(name);
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole && number >= 0 && number <= most ? std::optional(number) : std::nullopt;
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
    const auto add = Number(request, "add", kMostAtOnce, std::nullopt);
    if (!add) {
      return Answer(response, 400, {{"error", "add must be a number from 0 to 5000000"}});
    }
    const auto seeded = store_.Seed(*add);
    if (!seeded) return Answer(response, 503, {{"error", seeded.error().message}});
    Answer(response, 200, {{"added", *add}});
  });
  server_.Post("/_dieu-khien/route",
               [this](const Request& request, Response& response) { SetRoute(request, response); });
  server_.Post("/_dieu-khien/database", [this](const Request& request, Response& response) {
    SetDatabase(request, response);
  });
}

void Control::SetRoute(const httplib::Request& request, httplib::Response& response) {
  const std::string path = request.get_param_value("path");
  const std::string name = request.get_param_value("answer");
  const auto answer = ParseAnswer(name.empty() ? "usual" : name);
  const auto delay = Number(request, "delay_ms", RouteFaults::kLongestDelay.count(), 0);
  if (!path.starts_with('/') || !answer || !delay) {
    return Answer(response, 400,
                  {{"error",
                    "path must begin with /, answer be usual, error500, forbidden, not-found, "
                    "wrong-content, loop or hang, delay_ms a number from 0 to 600000"}});
  }
  const auto set = app_.faults().Set(path, {std::chrono::milliseconds(*delay), *answer});
  if (!set) return Answer(response, 503, {{"error", set.error().message}});
  Answer(response, 200, {{"path", path}});
}

void Control::SetDatabase(const httplib::Request& request, httplib::Response& response) {
  const auto delay = Number(request, "delay_ms", RouteFaults::kLongestDelay.count(), 0);
  const auto held = Number(request, "held", 64, 0);
  const auto locked = Number(request, "locked", 1, 0);
  if (!delay || !held || !locked) {
    return Answer(response, 400,
                  {{"error",
                    "delay_ms must be a number from 0 to 600000, held one from 0 to 64, "
                    "locked 0 or 1"}});
  }
  store_.SetDelay(std::chrono::milliseconds(*delay));
  store_.Hold(static_cast<int>(*held));
  if (auto set = store_.SetLocked(*locked == 1); !set) {
    return Answer(response, 503, {{"error", set.error().message}});
  }
  Answer(response, 200, {{"delay_ms", *delay}, {"held", *held}, {"locked", *locked}});
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
