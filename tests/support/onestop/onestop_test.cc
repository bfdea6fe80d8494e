#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tests/support/onestop/app.h"
#include "tests/support/onestop/control.h"
#include "tests/support/onestop/press.h"
#include "tests/support/onestop/seed.h"
#include "tests/support/onestop/store.h"
#include "tests/support/onestop/text.h"

namespace haidang::onestop {
namespace {

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "onestop-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::string file() const { return (path_ / "mot-cua.db").string(); }

 private:
  std::filesystem::path path_;
};

// A store with dossiers, the application on a free port, and its control.
struct Stand {
  explicit Stand(int64_t dossiers) {
    auto opened = Store::Open({directory.file(), 4});
    REQUIRE(opened.ok());
    store = std::move(*opened);
    REQUIRE(store->Seed(dossiers).ok());
    app = std::make_unique<App>(AppOptions{}, *store);
    REQUIRE(app->Start().ok());
    auto started = Control::Start(*app, *store, "127.0.0.1", 0);
    REQUIRE(started.ok());
    control = std::move(*started);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(app->port()); }
  httplib::Client client() const { return httplib::Client(url()); }
  httplib::Client control_client() const {
    httplib::Client client("http://127.0.0.1:" + std::to_string(control->port()));
    client.set_read_timeout(std::chrono::minutes(2));  // sanitizers seed slowly
    return client;
  }

  Directory directory;
  std::unique_ptr<Store> store;
  std::unique_ptr<App> app;
  std::unique_ptr<Control> control;
};

double MedianSearchSeconds(Store& store) {
  std::vector<double> took;
  for (int i = 0; i < 9; ++i) {
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(store.Search("nguyễn thị hạnh").ok());
    took.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(took.begin(), took.begin() + 4, took.end());
  return took[4];
}

httplib::Headers SignIn(httplib::Client& client) {
  const auto answer =
      client.Post("/dang-nhap", httplib::Params{{"ten", "canbo"}, {"mat-khau", "motcua"}});
  REQUIRE(answer);
  REQUIRE(answer->status == 303);
  const std::string cookie = answer->get_header_value("Set-Cookie");
  return {{"Cookie", cookie.substr(0, cookie.find(';'))}};
}

TEST_CASE("Vietnamese text is folded to plain letters") {
  CHECK(Fold("Nguyễn Thị ĐÀO") == "nguyen thi dao");
  CHECK(Fold("Trần Hữu Ước, Đỗ Ỷ") == "tran huu uoc, do y");
  CHECK(Fold("A\xCC\x81 \xC3") == "a \xC3");  // decomposed; cut in the middle
  CHECK(Fold("漢字 ×÷") == "漢字 ×÷");
}

TEST_CASE("what a visitor typed is escaped") {
  CHECK(EscapeHtml("<script>\"a\" & b") == "&lt;script&gt;&quot;a&quot; &amp; b");
  Stand stand(1);
  const auto page = stand.client().Get("/tra-cuu?q=%3Cscript%3E");
  REQUIRE(page);
  CHECK(page->body.find("<script>") == std::string::npos);
  CHECK(page->body.find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("made-up dossiers are always the same") {
  CHECK(MadeUpDossier(7).applicant == MadeUpDossier(7).applicant);
  CHECK(DossierCode(123, "2026-03-09") == "06793.2026.000123");
  CHECK(DossierCode(12345678, "2026-03-09").ends_with(".2026.12345678"));
}

TEST_CASE("search ignores case and diacritics, and takes wildcards as they are") {
  Stand stand(300);
  const auto first = stand.store->Find(1);
  REQUIRE(first.ok());
  REQUIRE(first->has_value());
  const auto found = stand.store->Search(Fold((*first)->applicant));
  REQUIRE(found.ok());
  CHECK(std::any_of(found->begin(), found->end(), [&](const Dossier& dossier) {
    return dossier.applicant == (*first)->applicant;
  }));
  CHECK(stand.store->Search("%")->empty());
  CHECK(stand.store->Search("a_b")->empty());
  CHECK(stand.store->Search("")->size() == 50);
}

TEST_CASE("a dossier is submitted by who signed in, with the form's token only") {
  Stand stand(10);
  auto client = stand.client();
  CHECK(client.Get("/ho-so/1")->status == 303);
  CHECK(client.Post("/dang-nhap", httplib::Params{{"ten", "canbo"}, {"mat-khau", "sai"}})->status ==
        403);
  const auto headers = SignIn(client);
  CHECK(client.Get("/ho-so/1", headers)->status == 200);
  CHECK(client.Get("/ho-so/999", headers)->status == 404);

  const auto form = client.Get("/ho-so/moi", headers);
  REQUIRE(form->status == 200);
  const size_t at = form->body.find("name=\"ma-bao-ve\" value=\"") + 24;
  REQUIRE(at > 24);
  httplib::Params fields{{"nguoi-nop", "Vũ Thị Kiểm Thử"}, {"thu-tuc", "Đăng ký khai sinh"}};
  CHECK(client.Post("/ho-so", headers, fields)->status == 403);
  fields.emplace("ma-bao-ve", form->body.substr(at, 32));
  const auto done = client.Post("/ho-so", headers, fields);
  REQUIRE(done->status == 303);
  const auto page = client.Get(done->get_header_value("Location"), headers);
  CHECK(page->body.find("Vũ Thị Kiểm Thử") != std::string::npos);
  CHECK(stand.store->Search("kiem thu")->size() == 1);
  CHECK(*stand.store->Count() == 11);
}

TEST_CASE("it fails as told and recovers") {
  Stand stand(5);
  auto control = stand.control_client();
  const auto set = [&](const std::string& mode) {
    return control.Post("/_dieu-khien/mode?value=" + mode)->status;
  };
  CHECK(set("nonsense") == 400);
  CHECK(set("error500") == 200);
  CHECK(stand.client().Get("/")->status == 500);
  CHECK(set("wrong-content") == 200);
  CHECK(stand.client().Get("/tra-cuu?q=a")->body.find("so-ket-qua") == std::string::npos);
  CHECK(set("refuse") == 200);
  CHECK(stand.client().Get("/").error() == httplib::Error::Connection);
  CHECK(set("hang") == 200);
  auto client = stand.client();
  client.set_read_timeout(std::chrono::milliseconds(200));
  CHECK(client.Get("/").error() == httplib::Error::Read);
  CHECK(set("ok") == 200);
  CHECK(stand.client().Get("/")->status == 200);
  const auto status = nlohmann::json::parse(control.Get("/_dieu-khien")->body);
  CHECK(status["mode"] == "ok");
  CHECK(status["dossiers"] == 5);
}

TEST_CASE("pages fail one by one") {
  Stand stand(5);
  auto control = stand.control_client();
  const auto set = [&](const std::string& fault) {
    return control.Post("/_dieu-khien/route?" + fault)->status;
  };
  auto client = stand.client();
  client.set_read_timeout(std::chrono::seconds(5));
  CHECK(set("path=/tra-cuu&answer=error500") == 200);
  CHECK(client.Get("/tra-cuu?q=a")->status == 500);
  CHECK(client.Get("/")->status == 200);
  CHECK(set("path=/tra-cuu&answer=loop") == 200);
  const auto loop = client.Get("/tra-cuu?q=a");
  CHECK(loop->status == 302);
  CHECK(loop->get_header_value("Location") == "/tra-cuu?q=a");
  CHECK(set("path=/tra-cuu&answer=wrong-content") == 200);
  CHECK(client.Get("/tra-cuu?q=a")->body.find("so-ket-qua") == std::string::npos);
  CHECK(set("path=/&answer=not-found") == 200);
  CHECK(client.Get("/dang-nhap")->status == 404);
  CHECK(client.Get("/tra-cuu?q=a")->status == 200);  // the longest beginning counts
  CHECK(set("path=/") == 200);
  CHECK(set("path=/tra-cuu&delay_ms=200") == 200);
  const auto start = std::chrono::steady_clock::now();
  CHECK(client.Get("/tra-cuu?q=a")->body.find("so-ket-qua") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(200));
  CHECK(set("path=/tra-cuu&answer=hang") == 200);
  client.set_read_timeout(std::chrono::milliseconds(200));
  CHECK(client.Get("/tra-cuu?q=a").error() == httplib::Error::Read);
  CHECK(set("path=tra-cuu") == 400);
  CHECK(set("path=/&answer=nonsense") == 400);
  CHECK(set("path=/&delay_ms=-1") == 400);
}

TEST_CASE("a database is slow, taken, locked") {
  Stand stand(5);
  auto control = stand.control_client();
  const auto set = [&](const std::string& trouble) {
    return control.Post("/_dieu-khien/database?" + trouble)->status;
  };
  auto client = stand.client();
  client.set_read_timeout(std::chrono::milliseconds(300));
  const auto search = [&] { return client.Get("/tra-cuu?q=a").error(); };
  for (const std::string trouble : {"delay_ms=600", "held=4", "locked=1"}) {
    INFO(trouble);
    CHECK(set(trouble) == 200);
    // Beside a writer SQLite's readers go on, unless told otherwise.
    CHECK(search() == (trouble == "locked=1" ? httplib::Error::Success : httplib::Error::Read));
    CHECK(set("") == 200);
    client.set_read_timeout(std::chrono::seconds(5));
    CHECK(search() == httplib::Error::Success);
    client.set_read_timeout(std::chrono::milliseconds(300));
  }
  CHECK(set("held=65") == 400);
}

TEST_CASE("a lock stops readers where readers and writers wait for each other") {
  const Directory directory;
  auto store = Store::Open({directory.file(), 4, true});
  REQUIRE(store.ok());
  REQUIRE((*store)->Seed(10).ok());
  REQUIRE((*store)->SetLocked(true).ok());
  std::atomic<bool> found = false;
  std::thread reader([&] { found = (*store)->Search("a").ok(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(!found);
  REQUIRE((*store)->SetLocked(false).ok());
  reader.join();
  CHECK(found);
}

TEST_CASE("the national service is asked, and told of when it fails") {
  httplib::Server national;
  national.Get("/cong-dan/001099000001", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("Đã xác thực", "text/plain");
  });
  const int port = national.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { national.listen_after_bind(); });
  const Directory directory;
  auto store = Store::Open({directory.file(), 4});
  REQUIRE(store.ok());
  AppOptions options;
  options.national = "http://127.0.0.1:" + std::to_string(port);
  App app(options, **store);
  REQUIRE(app.Start().ok());
  httplib::Client client("http://127.0.0.1:" + std::to_string(app.port()));
  CHECK(client.Get("/dan-cu/001099000001")->status == 303);
  const auto headers = SignIn(client);
  const auto known = client.Get("/dan-cu/001099000001", headers);
  CHECK(known->status == 200);
  CHECK(known->body.find("Đã xác thực") != std::string::npos);
  CHECK(client.Get("/dan-cu/001099000002", headers)->status == 502);
  while (!national.is_running()) std::this_thread::yield();
  national.stop();
  serving.join();
  CHECK(client.Get("/dan-cu/001099000001", headers)->status == 502);
}

TEST_CASE("stopping does not wait for a request that hangs") {
  auto stand = std::make_unique<Stand>(1);
  REQUIRE(stand->app->SetMode(Mode::kHang).ok());
  std::thread visitor([url = stand->url()] { httplib::Client(url).Get("/"); });
  stand->app->Stop();
  visitor.join();
  SUCCEED();
}

TEST_CASE("two applications cannot share a port") {
  Stand stand(1);
  AppOptions options;
  options.port = stand.app->port();
  App second(options, *stand.store);
  const auto started = second.Start();
  REQUIRE(!started.ok());
  CHECK(started.error().message.find("taken") != std::string::npos);
}

TEST_CASE("search slows as dossiers accumulate") {
  Stand stand(2000);
  const double few = MedianSearchSeconds(*stand.store);
  REQUIRE(stand.control_client().Post("/_dieu-khien/dossiers?add=198000")->status == 200);
  const double many = MedianSearchSeconds(*stand.store);
  INFO("2 000: " << few << " s, 200 000: " << many << " s");
  CHECK(many >= 5 * few);
}

TEST_CASE("search slows as people press at once") {
  Stand stand(20000);
  PressOptions options;
  options.url = stand.url();
  options.duration = std::chrono::seconds(2);
  options.people = 1;
  const auto alone = Press(options);
  options.people = 24;
  const auto crowd = Press(options);
  REQUIRE(alone.ok());
  REQUIRE(crowd.ok());
  INFO("alone: " << ToJson(*alone) << ", crowd: " << ToJson(*crowd));
  CHECK(alone->failures == 0);
  CHECK(crowd->failures == 0);
  CHECK(crowd->median_seconds >= 2 * alone->median_seconds);
}

}  // namespace
}  // namespace haidang::onestop
