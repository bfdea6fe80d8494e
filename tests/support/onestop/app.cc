#include "tests/support/onestop/app.h"

#include <sys/socket.h>

#include <array>
#include <charconv>
#include <utility>

#include "tests/support/onestop/pages.h"

namespace haidang::onestop {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kCookie = "phien";

constexpr std::array<std::pair<Mode, std::string_view>, 5> kModes = {{
    {Mode::kOk, "ok"},
    {Mode::kError500, "error500"},
    {Mode::kRefuse, "refuse"},
    {Mode::kHang, "hang"},
    {Mode::kWrongContent, "wrong-content"},
}};

void Say(httplib::Response& response, int status, std::string_view title, std::string_view text) {
  response.status = status;
  response.set_content(MessagePage(title, text), kHtml);
}

void DatabaseTrouble(const Error& error, httplib::Response& response) {
  Say(response, 503, "Lỗi cơ sở dữ liệu", error.message);
}

void SystemError(httplib::Response& response) {
  Say(response, 500, "Lỗi hệ thống", "Máy chủ gặp lỗi. Vui lòng thử lại sau.");
}

void OtherContent(httplib::Response& response) {
  Say(response, 200, "Thông báo", "Trang đang được bảo trì.");
}

}  // namespace

std::optional<Mode> ParseMode(std::string_view text) {
  for (const auto& [mode, name] : kModes) {
    if (name == text) return mode;
  }
  return std::nullopt;
}

std::string_view ToString(Mode mode) {
  for (const auto& [known, name] : kModes) {
    if (known == mode) return name;
  }
  return "";
}

void ListenAlone(httplib::Server& server) {
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
}

App::App(AppOptions options, Store& store)
    : options_(std::move(options)), store_(store), national_(options_.national) {}

App::~App() { Stop(); }

Status App::Start() {
  const std::lock_guard lock(switch_mutex_);
  return Listen();
}

void App::Stop() {
  const std::lock_guard lock(switch_mutex_);
  {
    const std::lock_guard mode_lock(mode_mutex_);
    mode_ = Mode::kRefuse;  // lets hanging requests go
  }
  mode_changed_.notify_all();
  faults_.Close();
  Close();
}

Status App::Listen() {
  if (options_.cert_file.empty()) {
    server_ = std::make_unique<httplib::Server>();
  } else {
    server_ =
        std::make_unique<httplib::SSLServer>(options_.cert_file.c_str(), options_.key_file.c_str());
  }
  if (!server_->is_valid()) {
    return Error{"cannot use certificate " + options_.cert_file + " with key " + options_.key_file};
  }
  ListenAlone(*server_);
  server_->set_tcp_nodelay(true);
  server_->set_keep_alive_max_count(1000);
  server_->set_payload_max_length(1U << 20U);
  const auto workers = static_cast<size_t>(options_.workers);
  server_->new_task_queue = [workers] { return new httplib::ThreadPool(workers); };
  Route(*server_);
  if (options_.port == 0) {
    options_.port = server_->bind_to_any_port(options_.host);
    if (options_.port < 0) return Error{"no free port on " + options_.host};
  } else if (!server_->bind_to_port(options_.host, options_.port)) {
    return Error{"cannot listen on " + options_.host + ":" + std::to_string(options_.port) +
                 ": the port is taken or not allowed"};
  }
  thread_ = std::thread([server = server_.get()] { server->listen_after_bind(); });
  return {};
}

void App::Close() {
  if (!thread_.joinable()) return;
  while (!server_->is_running()) std::this_thread::yield();  // stop() before that would be lost
  server_->stop();
  thread_.join();
  server_.reset();
}

Mode App::mode() const {
  const std::lock_guard lock(mode_mutex_);
  return mode_;
}

Status App::SetMode(Mode mode) {
  const std::lock_guard lock(switch_mutex_);
  Mode before = Mode::kOk;
  {
    const std::lock_guard mode_lock(mode_mutex_);
    before = std::exchange(mode_, mode);
  }
  mode_changed_.notify_all();
  if (mode == Mode::kRefuse && before != Mode::kRefuse) Close();
  if (mode != Mode::kRefuse && before == Mode::kRefuse) return Listen();
  return {};
}

bool App::Misbehave(const httplib::Request& request, httplib::Response& response) {
  std::unique_lock lock(mode_mutex_);
  mode_changed_.wait(lock, [this] { return mode_ != Mode::kHang; });
  switch (mode_) {
    case Mode::kError500:
    case Mode::kRefuse:
      SystemError(response);
      return true;
    case Mode::kWrongContent:
      OtherContent(response);
      return true;
    case Mode::kOk:
    case Mode::kHang:
      break;
  }
  lock.unlock();
  switch (faults_.Suffer(request.path)) {
    case RouteFault::Answer::kError500:
    case RouteFault::Answer::kHang:
      SystemError(response);
      return true;
    case RouteFault::Answer::kForbidden:
      Say(response, 403, "Từ chối", "Không được phép.");
      return true;
    case RouteFault::Answer::kNotFound:
      Say(response, 404, "Không tìm thấy", "Trang không có.");
      return true;
    case RouteFault::Answer::kWrongContent:
      OtherContent(response);
      return true;
    case RouteFault::Answer::kLoop:
      response.set_redirect(request.target, 302);
      return true;
    case RouteFault::Answer::kUsual:
      return false;
  }
  return false;
}

void App::Route(httplib::Server& server) {
  using httplib::Request;
  using httplib::Response;
  server.set_pre_routing_handler([this](const Request& request, Response& response) {
    return Misbehave(request, response) ? httplib::Server::HandlerResponse::Handled
                                        : httplib::Server::HandlerResponse::Unhandled;
  });
  server.Get("/", [this](const Request& request, Response& response) {
    response.set_content(HomePage(Who(request)), kHtml);
  });
  server.Get("/dang-nhap", [](const Request&, Response& response) {
    response.set_content(SignInPage(""), kHtml);
  });
  server.Post("/dang-nhap",
              [this](const Request& request, Response& response) { SignIn(request, response); });
  server.Get("/tra-cuu",
             [this](const Request& request, Response& response) { Search(request, response); });
  server.Get("/ho-so/moi", [this](const Request& request, Response& response) {
    const Viewer viewer = Who(request);
    if (viewer.name.empty()) return response.set_redirect("/dang-nhap", 303);
    response.set_content(NewDossierPage(viewer, ""), kHtml);
  });
  server.Get(R"(/ho-so/(\d{1,18}))",
             [this](const Request& request, Response& response) { Open(request, response); });
  server.Get(R"(/dan-cu/(\d{12}))",
             [this](const Request& request, Response& response) { Identify(request, response); });
  server.Post("/ho-so",
              [this](const Request& request, Response& response) { Submit(request, response); });
}

Viewer App::Who(const httplib::Request& request) const {
  return sessions_.Find(CookieValue(request.get_header_value("Cookie"), kCookie));
}

void App::SignIn(const httplib::Request& request, httplib::Response& response) {
  if (request.get_param_value("ten") != options_.user ||
      request.get_param_value("mat-khau") != options_.password) {
    response.status = 403;
    response.set_content(SignInPage("Tên đăng nhập hoặc mật khẩu không đúng."), kHtml);
    return;
  }
  const std::string secure = options_.cert_file.empty() ? "" : "; Secure";
  response.set_header("Set-Cookie", std::string(kCookie) + "=" + sessions_.Begin(options_.user) +
                                        "; Path=/; HttpOnly; SameSite=Strict" + secure);
  response.set_redirect("/", 303);
}

void App::Search(const httplib::Request& request, httplib::Response& response) {
  const std::string query = request.get_param_value("q");
  if (query.size() > 200) {
    response.status = 400;
    response.set_content(MessagePage("Tra cứu hồ sơ", "Từ khóa quá dài."), kHtml);
    return;
  }
  const auto found = store_.Search(query);
  if (!found) return DatabaseTrouble(found.error(), response);
  response.set_content(SearchPage(Who(request), query, *found), kHtml);
}

void App::Open(const httplib::Request& request, httplib::Response& response) {
  const Viewer viewer = Who(request);
  if (viewer.name.empty()) return response.set_redirect("/dang-nhap", 303);
  const std::string digits = request.matches[1].str();
  int64_t id = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), id);
  const auto dossier = store_.Find(id);
  if (!dossier) return DatabaseTrouble(dossier.error(), response);
  if (!*dossier) {
    response.status = 404;
    response.set_content(MessagePage("Hồ sơ", "Không tìm thấy hồ sơ."), kHtml);
    return;
  }
  response.set_content(DossierPage(viewer, **dossier), kHtml);
}

void App::Identify(const httplib::Request& request, httplib::Response& response) {
  const Viewer viewer = Who(request);
  if (viewer.name.empty()) return response.set_redirect("/dang-nhap", 303);
  const auto said = national_.Ask(request.matches[1].str());
  if (!said) return Say(response, 502, "Cơ sở dữ liệu quốc gia về dân cư", said.error().message);
  Say(response, 200, "Xác thực dân cư", *said);
}

void App::Submit(const httplib::Request& request, httplib::Response& response) {
  const Viewer viewer = Who(request);
  if (viewer.name.empty()) return response.set_redirect("/dang-nhap", 303);
  if (request.get_param_value("ma-bao-ve") != viewer.token) {
    response.status = 403;
    response.set_content(MessagePage("Tiếp nhận hồ sơ", "Phiên làm việc không hợp lệ."), kHtml);
    return;
  }
  Dossier dossier;
  dossier.applicant = request.get_param_value("nguoi-nop");
  dossier.procedure = request.get_param_value("thu-tuc");
  dossier.note = request.get_param_value("ghi-chu");
  dossier.status = "Mới tiếp nhận";
  if (dossier.applicant.empty() || dossier.procedure.empty()) {
    response.status = 400;
    response.set_content(NewDossierPage(viewer, "Thiếu người nộp hoặc thủ tục."), kHtml);
    return;
  }
  const auto id = store_.Submit(std::move(dossier));
  if (!id) return DatabaseTrouble(id.error(), response);
  response.set_redirect("/ho-so/" + std::to_string(*id), 303);
}

}  // namespace haidang::onestop
