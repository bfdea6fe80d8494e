#include <atomic>
#include <limits>
#include <mutex>

#include "agent/sources/http_json.h"
#include "tests/agent/log_capture.h"
#include "tests/agent/raw_server.h"
#include "tests/agent/source_reading.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::RawServer;
using haidang::testing::RunUntil;
using haidang::testing::SendAll;

namespace {

JsonPointer Pointer(std::string_view text) {
  auto pointer = ParseJsonPointer(text);
  REQUIRE(pointer.ok());
  return *pointer;
}

// What stands at `pointer` of `text`, as words.
std::string At(std::string_view text, std::string_view pointer) {
  const auto picked = PickJsonNumbers(text, {Pointer(pointer)});
  if (!picked) return picked.error().message;
  REQUIRE(picked->size() == 1);
  const JsonNumber& one = picked->front();
  return one.number ? std::to_string(*one.number) : std::string(one.why);
}

struct Options {
  std::vector<HttpJsonOptions> documents;
  std::string fault;
};

Options ReadConfig(const std::string& text) {
  const auto file = ConfigFile::Parse(text, "agent.toml");
  if (!file) return {{}, file.error().message};
  ConfigTable root = (*file)->root();
  JsonTaken taken;
  taken.volumes.emplace("mot-cua", "tra-cuu");
  Options options{ReadHttpJsonOptions(root, taken), ""};
  root.Finish();
  if (const auto error = (*file)->error()) options.fault = error->message;
  return options;
}

// The series' text: its labels are in order.
std::string Series(const std::string& key) {
  return "haidang_json_value{key=\"" + key + "\",name=\"mot-cua\"}";
}
const std::string kVolume = R"(haidang_volume_total{kind="tiep-nhan",system="mot-cua"})";
const std::string kSuccess = R"(haidang_json_success{name="mot-cua"})";

constexpr char kSeries[] =
    "[[http_json.value]]\nkey = \"ton\"\npointer = \"/so-lieu/0/ton\"\n"
    "[[http_json.value]]\nkey = \"qua-han\"\npointer = \"/qua~1han\"\n"
    "[[http_json.volume]]\nsystem = \"mot-cua\"\nkind = \"tiep-nhan\"\npointer = \"/tong\"\n";

// A source of one document at `url`.
struct Bench {
  explicit Bench(const std::string& url, const std::string& more = "") : loop(MakeLoop()) {
    const auto options =
        ReadConfig("[[http_json]]\nname = \"mot-cua\"\nurl = \"" + url + "\"\n" + more + kSeries);
    REQUIRE(options.fault.empty());
    auto made = MakeHttpJsonSource(*loop, clock, 0ms, options.documents, LookUpNow);
    REQUIRE(made.ok());
    source = std::move(*made);
  }

  std::map<std::string, double> Round() {
    source->Prepare();
    REQUIRE(RunUntil(*loop, [&] { return source->Ready(); }));
    return haidang::testing::Read(*source).values;
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Source> source;
};

std::string Answer(const std::string& body, const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace

TEST_CASE("JSON pointers") {
  CHECK(Pointer("").empty());
  CHECK(Pointer("/") == JsonPointer{""});
  CHECK(Pointer("/a/0/c~1d~0e/") == JsonPointer{"a", "0", "c/d~e", ""});
  for (const char* bad : {"a", "a/b", "/a~", "/a~2", "/~"}) {
    INFO(bad);
    CHECK_FALSE(ParseJsonPointer(bad).ok());
  }
  CHECK(ParseJsonPointer("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a").ok());
  CHECK_FALSE(ParseJsonPointer("/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a").ok());
  CHECK_FALSE(ParseJsonPointer("/" + std::string(512, 'x')).ok());
}

TEST_CASE("what stands at a pointer") {
  const char text[] =
      "\xEF\xBB\xBF{\"a\":{\"b\":[1,2.5,[-3],{\"c\":\"4.25\"},true,null]},\"a/"
      "b\":1e3,\"x\":\"nhiều\",\"\":7,"
      "\"twice\":1,\"twice\":{\"in\":2},\"0\":8}";
  CHECK(At(text, "/a/b/0") == "1.000000");
  CHECK(At(text, "/a/b/1") == "2.500000");
  CHECK(At(text, "/a/b/2/0") == "-3.000000");
  CHECK(At(text, "/a/b/3/c") == "4.250000");
  CHECK(At(text, "/a/b/4") == "1.000000");
  CHECK(At(text, "/a/b/5") == "is null");
  CHECK(At(text, "/a/b/6") == "is not there");
  CHECK(At(text, "/a/b/00") == "is not there");
  CHECK(At(text, "/a/b/-") == "is not there");
  CHECK(At(text, "/a/b") == "is an array, no number");
  CHECK(At(text, "/a") == "is an object, no number");
  CHECK(At(text, "") == "is an object, no number");
  CHECK(At(text, "/a~1b") == "1000.000000");
  CHECK(At(text, "/x") == "is a text that is no number");
  CHECK(At(text, "/x/y") == "is not there");
  CHECK(At(text, "/") == "7.000000");
  CHECK(At(text, "/0") == "8.000000");
  CHECK(At(text, "/twice") == "is an object, no number");
  CHECK(At(text, "/twice/in") == "2.000000");
  CHECK(At(R"({"twice":{"in":2},"twice":1})", "/twice/in") == "is not there");
  CHECK(At("42", "") == "42.000000");
  CHECK(At("18446744073709551615", "") == "18446744073709551616.000000");
  CHECK(At("[[[5]]]", "/0/0/0") == "5.000000");
}

TEST_CASE("what is no JSON, or nested too deep") {
  for (const char* bad :
       {"", "{", "{\"a\":1", "{\"a\":1}x", "[1,]", "nan", "[1e999]", "\xff", "<html>"}) {
    INFO(bad);
    CHECK(At(bad, "/a").find("is no JSON") == 0);
  }
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  CHECK(At(nested(64), "/0") == "is an array, no number");
  CHECK(At(nested(65), "/0") == "is nested deeper than 64");
  CHECK(At(std::string(1 << 20, '['), "") == "is nested deeper than 64");
}

TEST_CASE("many pointers at once, in their order") {
  std::string text = "[0";
  std::vector<JsonPointer> pointers;
  for (int i = 0; i < 32; ++i) {
    text += "," + std::to_string(i);
    pointers.push_back(Pointer("/" + std::to_string(32 - i)));
  }
  const auto picked = PickJsonNumbers(text + "]", pointers);
  REQUIRE(picked.ok());
  for (size_t i = 0; i < 32; ++i) CHECK((*picked)[i].number == 31 - static_cast<double>(i));
}

TEST_CASE("numbers of an answer are series; a run that fails leaves them without value") {
  std::mutex mutex;
  std::string answer;
  const auto say = [&](std::string text) {
    const std::lock_guard lock(mutex);
    answer = std::move(text);
  };
  RawServer server([&](int fd, const std::string&) {
    const std::lock_guard lock(mutex);
    SendAll(fd, answer);
  });
  Bench bench(server.Url("/thong-ke"), "interval = 1\n");
  CHECK(haidang::testing::Read(*bench.source).values.empty());  // nothing is known yet

  say(Answer(R"({"so-lieu":[{"ton":120}],"qua/han":"7","tong":4500})"));
  auto values = bench.Round();
  CHECK(values.size() == 4);
  CHECK(values.at(kSuccess) == 1);
  CHECK(values.at(Series("ton")) == 120);
  CHECK(values.at(Series("qua-han")) == 7);
  CHECK(values.at(kVolume) == 4500);

  SECTION("what was answered stands until it is asked for again") {
    say("");
    CHECK(bench.Round().at(Series("ton")) == 120);
    CHECK(server.connections() == 1);
  }
  SECTION("faults") {
    const auto next = [&](const std::string& text) {
      say(text);
      bench.source = nullptr;
      Bench fresh(server.Url("/thong-ke"));
      return fresh.Round();
    };
    values = next(Answer(R"({"so-lieu":[],"qua/han":7,"tong":4500.5})"));
    CHECK(values.at(kSuccess) == 0);
    CHECK(values.at(Series("qua-han")) == 7);
    CHECK(std::isnan(values.at(Series("ton"))));
    CHECK(std::isnan(values.at(kVolume)));
    for (const std::string& bad :
         {Answer("{}", "503 Service Unavailable"), Answer("<html>"), std::string("no HTTP\r\n\r\n"),
          Answer(std::string((1 << 20) + 1, ' ')),
          std::string("HTTP/1.1 302 X\r\nLocation: /x\r\n\r\n")}) {
      values = next(bad);
      CHECK(values.size() == 4);
      CHECK(values.at(kSuccess) == 0);
      for (const auto& series : {Series("ton"), Series("qua-han"), kVolume}) {
        CHECK(std::isnan(values.at(series)));
      }
    }
  }
}

TEST_CASE("headers are sent") {
  std::mutex mutex;
  std::string request;
  RawServer server([&](int fd, const std::string&) { SendAll(fd, Answer("{}")); },
                   [&](const std::string& got) {
                     const std::lock_guard lock(mutex);
                     request = got;
                   });
  Bench bench(server.Url("/"), "headers = { Authorization = \"Bearer bí mật\", X-Ma = \"1\" }\n");
  bench.Round();
  const std::lock_guard lock(mutex);
  CHECK(request.find("\r\nAuthorization: Bearer bí mật\r\n") != std::string::npos);
  CHECK(request.find("\r\nX-Ma: 1\r\n") != std::string::npos);
}

TEST_CASE("what cannot be asked for is refused, with its line") {
  const std::string head = "[[http_json]]\nname = \"a\"\nurl = \"http://h/\"\n";
  const std::string value = "[[http_json.value]]\nkey = \"k\"\npointer = \"\"\n";
  const auto fault = [](const std::string& text) { return ReadConfig(text).fault; };
  const auto refuses = [&](const std::string& text, const std::string& why) {
    INFO(text);
    CHECK(fault(text).find(why) != std::string::npos);
  };
  CHECK(fault(head + value).empty());
  refuses(head, "needs a [[value]] or [[volume]]");
  refuses("[[http_json]]\nname = \"a\"\n" + value, "url: is missing");
  refuses("[[http_json]]\nname = \"a\"\nurl = \"ftp://h/\"\n" + value, "url: ");
  refuses(head + value + head + value, "such a name already");
  refuses(head + value + value, "such a key already");
  refuses(head + "[[http_json.value]]\nkey = \"k\"\n", "pointer: is missing");
  refuses(head + "[[http_json.value]]\nkey = \"k\"\npointer = \"x\"\n", "does not begin with /");
  refuses(head + "[[http_json.value]]\npointer = \"\"\n", "key: is missing");
  refuses(
      head + "[[http_json.volume]]\nsystem = \"mot-cua\"\nkind = \"tra-cuu\"\npointer = \"/x\"\n",
      "counted elsewhere already");
  refuses(head + "headers = { \"A b\" = \"c\" }\n" + value, "is no header");
  refuses(head + "headers = { A = \"\" }\n" + value, "is no header");
  refuses(head + "headers = { A = \"c\\r\\nB: d\" }\n" + value, "headers: holds ");
  refuses(head + "intervall = 5\n" + value, "intervall");
  std::string many = head;
  for (int i = 0; i < 33; ++i) {
    many += "[[http_json.value]]\nkey = \"" + std::to_string(i) + "\"\npointer = \"\"\n";
  }
  CHECK_FALSE(fault(many).empty());
}
