#include "core/io/http/request.h"

#include <catch2/catch.hpp>
#include <random>

#include "core/io/http/parameters.h"

using namespace haidang::http;

namespace {

Request Ask(const std::string& target) {
  Head head;
  head.method = "GET";
  head.target = target;
  return MakeRequest(head, "");
}

}  // namespace

TEST_CASE("path and parameters are decoded") {
  const Request request = Ask("/m%C3%A1y%201+2?label.mount=%2Fvar%2Flib&x=a+b&x=c&empty=&bare&&=v");
  CHECK(request.path == "/máy 1+2");
  CHECK(request.Param("label.mount") == "/var/lib");
  CHECK(request.params.count("x") == 2);
  CHECK(request.Param("x") == "a b");
  CHECK(request.params.contains("empty"));
  CHECK(request.Param("bare").empty());
  CHECK(request.params.contains("bare"));
  CHECK(request.Param("") == "v");
  CHECK(request.params.size() == 6);
  CHECK(Ask("/x").params.empty());
  CHECK(Ask("/x?").params.empty());
}

TEST_CASE("what is no escape stays as it is") {
  CHECK(Ask("/%zz%4").path == "/%zz%4");
  CHECK(Ask("/%").path == "/%");
  CHECK(Ask("/a%00b").path == std::string("/a\0b", 4));
  CHECK(Ask("/?a=%").Param("a") == "%");
}

TEST_CASE("any target is decoded to no more than its own size") {
  std::mt19937 random(5);
  const std::string letters = "/?&=%+aF0";
  for (int round = 0; round < 20000; ++round) {
    std::string target = "/";
    for (auto size = random() % 40; size > 0; --size) target += letters[random() % letters.size()];
    const Request request = Ask(target);
    size_t size = request.path.size();
    for (const auto& [name, value] : request.params) size += name.size() + value.size();
    CHECK(size <= target.size());
  }
}

TEST_CASE("parameters that a question does not have are named, and those that it has") {
  const auto fault = [](const std::string& query) {
    return NamesFault(Ask("/x?" + query), {"from", "to"}, {"metric", "label."});
  };
  CHECK(fault("").empty());
  CHECK(fault("from=1&to=2&metric=a&metric=b&label.x=1&label.y=2").empty());
  CHECK(fault("frm=1") ==
        "frm is no parameter of this question; allowed: from, to, metric, label.{name}");
  CHECK(fault("from=1&from=2") == "from is given more than once; allowed: once");
  CHECK(fault("label.=1").starts_with("label. is no parameter"));
  CHECK(NamesFault(Ask("/x?a"), {}) == "a is no parameter of this question; allowed: none");
  CHECK(fault(std::string(5000, 'n')).size() < 200);
  CHECK(fault("a%0Ab=1").find('\n') == std::string::npos);
}
