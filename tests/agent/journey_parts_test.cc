#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "agent/journey/html_form.h"
#include "agent/journey/json_value.h"
#include "agent/journey/take.h"

using namespace haidang;
using namespace haidang::agent;

TEST_CASE("form fields: however a page writes them") {
  const auto find = [](std::string_view html, std::string_view name = "t") {
    return FindFormField(html, name).value_or("(none)");
  };
  CHECK(find("<input type=\"hidden\" name=\"t\" value=\"a1\">") == "a1");
  CHECK(find("<INPUT VALUE='a1' TYPE=hidden NAME='t'/>") == "a1");
  CHECK(find("<input value=a1 name=t>") == "a1");
  CHECK(find("<input\n\tname = t\n value\n=\n\"a 1\" disabled>") == "a 1");
  CHECK(find("<input name=t value=a/b>") == "a/b");
  CHECK(find("<input/name='t'/value=\"x\">") == "x");
  CHECK(find("<input name=t>").empty());
  CHECK(find("<input name=t value>").empty());
  CHECK(find("<input name=t value=''>").empty());
  CHECK(find("<input name=t value=1 value=2 name=u>") == "1");
  CHECK(find("<input name=t value='a>b'>") == "a>b");
  CHECK(find("<input name=T value=1><input name=t value=2><input name=t value=3>") == "2");
  CHECK(find("<input data-name=t value=1><inputs name=t value=2><input name=t value=3>") == "3");
  CHECK(find("<meta content='xyz==' name='csrf-token'>", "csrf-token") == "xyz==");
  CHECK(find("<meta name=t content=m><input name=t value=i>") == "m");
  CHECK(find("<meta name=t value=1>").empty());
  CHECK(find("a < b <input name=t value=1>") == "1");
  CHECK(find("<<input name=t value=1>") == "1");
}

TEST_CASE("form fields: references are decoded") {
  const auto find = [](std::string_view value) {
    return *FindFormField("<input name='a&amp;b' value=\"" + std::string(value) + "\">", "a&b");
  };
  CHECK(find("&lt;&gt;&amp;&quot;&apos;&#39;&#x2F;&#X2f;&#47") == "<>&\"''///");
  CHECK(find("&#7841;&#x1F600;") == "ạ😀");
  CHECK(find("&#0;&#xD800;&#x110000;&#99999999999999;") == "\ufffd\ufffd\ufffd\ufffd");
  CHECK(find("&bogus; & &# &#x; &#xg;") == "&bogus; & &# &#x; &#xg;");
  CHECK(find("a&nbsp;b") == "a\u00a0b");
  CHECK(find("&amp;lt;") == "&lt;");
}

TEST_CASE("form fields: what is no element is not taken for one") {
  const auto find = [](std::string html) {
    return FindFormField(html + "<input name=t value=right>", "t").value_or("(none)");
  };
  const std::string trap = "<input name=t value=wrong>";
  CHECK(find("<!-- " + trap + " -->") == "right");
  CHECK(find("<!-- -- > " + trap + " --!>") == "right");
  CHECK(find("<!-->") == "right");
  CHECK(find("<!--->") == "right");
  CHECK(find("<script>var a = '" + trap + "';</script>") == "right");
  CHECK(find("<SCRIPT type=x>" + trap + "</scripts>" + trap + "</Script >") == "right");
  CHECK(find("<style>" + trap + "</style>") == "right");
  CHECK(find("<textarea name=x>" + trap + "</textarea>") == "right");
  CHECK(find("<title>" + trap + "</title>") == "right");
  CHECK(find("<a title='" + trap + "'>") == "right");
  CHECK(find("</a title='" + trap + "'>") == "right");
  CHECK(find("<!doctype html><?php ?>") == "right");
  CHECK(find("<![CDATA[x]]>") == "right");
  CHECK(find("<script/>" + trap) == "(none)");  // it stays open, whatever the slash says
  CHECK(find("<!-- ") == "(none)");
  CHECK(find("<plaintext>") == "(none)");
  CHECK(find("<a b='") == "(none)");
  for (const char* cut :
       {"<", "<i", "<input", "<input name=t", "<input name=t value=", "<input name",
        "<input name=t value='x", "<input name=t value=x", "<!", "<!-", "<!--", "</", "<script",
        "<script>", "<script></", "<script></script"}) {
    INFO(cut);
    CHECK_FALSE(FindFormField(cut, "t"));
  }
}

TEST_CASE("form fields: time grows with the page, not faster") {
  const auto repeat = [](std::string_view piece) {
    std::string page;
    while (page.size() < 1U << 20) page += piece;
    return page;
  };
  for (const char* piece :
       {"<", "<!--", "<!-- --", "<script>", "<script></", "<a ", "<a b='", "<a b=\"", "&#", "</",
        "<input name=", "<input name=&", "=", "<!", "<a b=c ", "<title></titl", "--", "&#x00000"}) {
    INFO(piece);
    const std::string page = repeat(piece);
    const auto begin = std::chrono::steady_clock::now();
    FindFormField(page, "t");
    FindFormField("<input name=t value='" + page, "t");
    DecodeHtmlText(page);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(3));
  }
}

TEST_CASE("JSON values: what stands at a pointer, as JSON text") {
  const auto at = [](std::string_view text, std::string_view pointer, size_t max = 100) {
    return *PickJsonValue(text, *ParseJsonPointer(pointer), max);
  };
  const std::string text =
      R"({"a":[1,2.50,true,null,"x\ny"],"b":{"c~d/e":-1e3,"f":{}},"":7,"a b":[[],[{"z":[1,2]}]]})";
  CHECK(at(text, "/a/0").json == "1");
  CHECK(at(text, "/a/1").json == "2.50");
  CHECK(at(text, "/a/2").json == "true");
  CHECK(at(text, "/a/3").kind == JsonKind::kNull);
  CHECK(at(text, "/a/4").text == "x\ny");
  CHECK(at(text, "/a/4").json == R"("x\ny")");
  CHECK(at(text, "/b/c~0d~1e").json == "-1e3");
  CHECK(at(text, "/b").json == R"({"c~d/e":-1e3,"f":{}})");
  CHECK(at(text, "/").json == "7");
  CHECK(at(text, "/a b").json == R"([[],[{"z":[1,2]}]])");
  CHECK(at(text, "/a b/1/0/z/1").json == "2");
  CHECK(at(text, "", 10).kind == JsonKind::kTooLarge);
  CHECK(at(text, "", 10).json.empty());
  for (const char* missing :
       {"/a/5", "/a/01", "/a/-", "/c", "/a/0/0", "/b/f/x", "/b/c", "/a b/0/0"}) {
    INFO(missing);
    CHECK(at(text, missing).kind == JsonKind::kMissing);
  }
  CHECK(at("18446744073709551615", "").json == "18446744073709551615");
  CHECK(at("123456789012345678901234567890", "").json == "123456789012345678901234567890");
  // Of two with one key the later counts, whatever was there before.
  CHECK(at(R"({"a":1,"a":2})", "/a").json == "2");
  CHECK(at(R"({"a":{"b":1},"a":2})", "/a/b").kind == JsonKind::kMissing);
  CHECK(at(R"({"a":2,"a":{"b":1}})", "/a/b").json == "1");
  CHECK(at(R"({"a":[1],"a":[[2]]})", "/a/0").json == "[2]");
  for (const char* bad : {"", "{", "<html>", "1 2", "{\"a\":1,}", "\"\xff\"", "[1"}) {
    INFO(bad);
    CHECK_FALSE(PickJsonValue(bad, {}, 100).ok());
  }
  CHECK_FALSE(PickJsonValue(std::string(100, '['), {}, 100).ok());
}

namespace {

std::string Taken(TakeFrom from, std::string what, const TakeAnswer& answer) {
  const auto rule = MakeTakeRule("x", from, std::move(what));
  if (!rule) return "refused: " + rule.error().message;
  const auto value = Take(*rule, answer);
  return value ? *value : "error: " + value.error().message;
}

}  // namespace

TEST_CASE("values taken from headers: the last answer's, of any case") {
  const TakeAnswer answer{
      {},
      "HTTP/1.1 100 Continue\r\nX-A: 0\r\n\r\n"
      "HTTP/1.1 302 Found\r\nLocation: /one\r\nX-A: 1\r\n\r\n"
      "HTTP/1.1 200 OK\r\nlocation:   /two \t\r\nSet-Cookie: a\nSet-Cookie: b\r\n"
      "Empty:\r\nno colon\r\n\r\n",
      {}};
  CHECK(Taken(TakeFrom::kHeader, "Location", answer) == "/two");
  CHECK(Taken(TakeFrom::kHeader, "SET-COOKIE", answer) == "a");
  CHECK(Taken(TakeFrom::kHeader, "Empty", answer).empty());
  CHECK(Taken(TakeFrom::kHeader, "X-A", answer) == "error: the answer has no header \"X-A\"");
  CHECK(Taken(TakeFrom::kHeader, "a b", answer).substr(0, 8) == "refused:");
  CHECK(Taken(TakeFrom::kHeader, "", answer).substr(0, 8) == "refused:");
}

TEST_CASE("values taken from cookies") {
  const std::vector<std::string> lines = {
      "#HttpOnly_motcua.example\tFALSE\t/\tTRUE\t0\tSID\told",
      "bad",
      "a\tb\tc",
      ".motcua.example\tTRUE\t/x\tFALSE\t1795355280\tSID\tnew=1",
      "h\tFALSE\t/\tFALSE\t0\tE\t",
      "h\tFALSE\t/\tFALSE\t0\tF"};
  const TakeAnswer answer{{}, {}, lines};
  CHECK(Taken(TakeFrom::kCookie, "SID", answer) == "new=1");
  CHECK(Taken(TakeFrom::kCookie, "E", answer).empty());
  CHECK(Taken(TakeFrom::kCookie, "F", answer).empty());
  CHECK(Taken(TakeFrom::kCookie, "sid", answer) == "error: the answer has no cookie \"sid\"");
}

TEST_CASE("values taken from pages and JSON, and their bounds") {
  const std::string page = "<input name=sectok value='a&amp;b'> Mã: H49-7.";
  CHECK(Taken(TakeFrom::kField, "sectok", {page, {}, {}}) == "a&b");
  CHECK(Taken(TakeFrom::kField, "other", {page, {}, {}}) ==
        "error: the answer has no form field \"other\"");
  CHECK(Taken(TakeFrom::kRegex, "Mã: (\\S+)\\.", {page, {}, {}}) == "H49-7");
  CHECK(Taken(TakeFrom::kRegex, "zzz", {page, {}, {}}) ==
        "error: nothing on the page matches the regular expression for \"x\"");
  CHECK(Taken(TakeFrom::kRegex, "(", {page, {}, {}}).substr(0, 8) == "refused:");
  CHECK(Taken(TakeFrom::kRegex, "(a+)+$", {std::string(40, 'a') + "!", {}, {}}) ==
        "error: the regular expression for \"x\" took too long");
  const std::string json =
      R"({"id":12.50,"ok":true,"name":"Đỗ","list":[],"none":null,"z":"\u0000"})";
  CHECK(Taken(TakeFrom::kJson, "/id", {json, {}, {}}) == "12.50");
  CHECK(Taken(TakeFrom::kJson, "/ok", {json, {}, {}}) == "true");
  CHECK(Taken(TakeFrom::kJson, "/name", {json, {}, {}}) == "Đỗ");
  CHECK(Taken(TakeFrom::kJson, "/list", {json, {}, {}}) ==
        "error: what the JSON has at \"/list\" is no text, number, true or false");
  CHECK(Taken(TakeFrom::kJson, "/none", {json, {}, {}}).substr(0, 6) == "error:");
  CHECK(Taken(TakeFrom::kJson, "/gone", {json, {}, {}}) ==
        "error: the JSON has nothing at \"/gone\"");
  CHECK(Taken(TakeFrom::kJson, "/z", {json, {}, {}}) ==
        "error: the value for \"x\" has a zero byte");
  CHECK(Taken(TakeFrom::kJson, "/id", {page, {}, {}}).substr(0, 6) == "error:");
  CHECK(Taken(TakeFrom::kJson, "id", {json, {}, {}}).substr(0, 8) == "refused:");
  const std::string long_value =
      "<input name=t value=" + std::string(kMaxTakenBytes + 1, 'a') + ">";
  CHECK(Taken(TakeFrom::kField, "t", {long_value, {}, {}}) ==
        "error: the value for \"x\" has 8193 bytes; allowed: at most 8192");
  CHECK(Taken(TakeFrom::kJson, "", {"\"" + std::string(kMaxTakenBytes, 'a') + "\"", {}, {}}) ==
        std::string(kMaxTakenBytes, 'a'));
}

TEST_CASE("what an answer's JSON must say") {
  const auto check = [](std::string_view body, std::string_view pointer, std::string_view value) {
    const auto expectation = MakeJsonExpectation(pointer, value);
    REQUIRE(expectation.ok());
    const Status met = CheckJson(body, std::span(&*expectation, 1));
    return met ? "" : met.error().message;
  };
  const std::string body = R"({"ok":true,"n":1,"s":"ok","o":{"b":[1,2],"a":null}})";
  CHECK(check(body, "/ok", "true").empty());
  CHECK(check(body, "/n", "1.0").empty());
  CHECK(check(body, "/s", "\"ok\"").empty());
  CHECK(check(body, "/o", R"( { "a" : null , "b" : [ 1 , 2.0 ] } )").empty());
  CHECK(check(body, "/o/a", "null").empty());
  CHECK(check(body, "/ok", "1") == "what the JSON has at \"/ok\" is not what is expected");
  CHECK(check(body, "/gone", "null") == "the JSON has nothing at \"/gone\"");
  CHECK(check("<html>", "/ok", "true").substr(0, 18) == "the answer is no J");
  const std::string large = "{\"ok\":\"" + std::string(100'000, 'a') + "\"}";
  CHECK(check(large, "/ok", "true") == "what the JSON has at \"/ok\" is not what is expected");
  CHECK_FALSE(MakeJsonExpectation("/ok", "ok").ok());
  CHECK_FALSE(MakeJsonExpectation("/ok", "").ok());
  CHECK_FALSE(MakeJsonExpectation("ok", "1").ok());
  CHECK_FALSE(MakeJsonExpectation("/ok", "\"" + std::string(5000, 'a') + "\"").ok());
}
