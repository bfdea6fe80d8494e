// The page's texts: all in the catalogues, the same keys in both languages, none inline.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "server/assets.h"

using haidang::server::Asset;
using haidang::server::Assets;
using nlohmann::json;

namespace {

std::string File(const std::string& path) {
  for (const Asset& asset : Assets()) {
    if (asset.path == path) return std::string(asset.body);
  }
  FAIL(path + " is not served");
  return "";
}

std::set<std::string> Matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::set<std::string> all;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    all.insert((*it)[1]);
  }
  return all;
}

std::string AllScripts() {
  std::string all;
  for (const Asset& asset : Assets()) {
    if (asset.path.ends_with(".js")) all += asset.body;
  }
  return all;
}

}  // namespace

TEST_CASE("both languages have the same keys and places") {
  const json vi = json::parse(File("/i18n/vi.json"));
  const json en = json::parse(File("/i18n/en.json"));
  for (const auto& [key, text] : vi.items()) {
    INFO(key);
    REQUIRE(en.contains(key));
    CHECK_FALSE(text.get<std::string>().empty());
    CHECK_FALSE(en[key].get<std::string>().empty());
    const char* place = R"(\{(\w+)\})";
    CHECK(Matches(text, place) == Matches(en[key], place));
  }
  CHECK(vi.size() == en.size());
}

TEST_CASE("every key that the page uses is in the catalogues, and every key there is used") {
  const json vi = json::parse(File("/i18n/vi.json"));
  const std::string scripts = AllScripts();
  const std::string html = File("/");
  std::set<std::string> used = Matches(html, R"re(data-i18n(?:-label)?="([^"]+)")re");
  for (const std::string& key : Matches(scripts, R"re("([a-z]+\.[A-Za-z0-9_]+)")re")) {
    if (vi.contains(key) || scripts.find("text(\"" + key + "\"") != std::string::npos) {
      used.insert(key);
    }
  }
  for (const std::string& key : used) {
    INFO(key);
    CHECK(vi.contains(key));
  }
  const std::set<std::string> made = Matches(scripts, R"re(`([a-z]+)\.\$\{)re");
  for (const auto& [key, text] : vi.items()) {
    INFO(key);
    CHECK((used.contains(key) || made.contains(key.substr(0, key.find('.')))));
  }
}

TEST_CASE("no text stands in the page itself but the product's name") {
  std::string html = File("/");
  html = std::regex_replace(html, std::regex("<title>Hải Đăng</title>"), "");
  html = std::regex_replace(html, std::regex("<[^>]*>"), "");
  CHECK(html.find_first_not_of(" \n\t") == std::string::npos);
  for (const char* attribute : {"alt=\"[^\"]", "placeholder=", "aria-label=", " title=\""}) {
    CHECK_FALSE(std::regex_search(File("/"), std::regex(attribute)));
  }
  for (const unsigned char c : std::regex_replace(AllScripts(), std::regex("//[^\n]*"), "")) {
    // Vietnamese letters lie outside ASCII; en dash and "đ" for folding are in format.js and
    // chart.js.
    if (c >= 0xE1 && c <= 0xE1) FAIL("Vietnamese text within a script");
  }
}

TEST_CASE("the page asks nothing of anybody else and runs under its own policy") {
  for (const Asset& asset : Assets()) {
    if (asset.path.starts_with("/api/")) continue;
    const std::string body(asset.body);
    INFO(asset.path);
    const std::string without =
        std::regex_replace(body, std::regex("http://www\\.w3\\.org/2000/svg"), "");
    CHECK(without.find("http://") == std::string::npos);
    CHECK(without.find("https://") == std::string::npos);
    CHECK(without.find("eval(") == std::string::npos);
    CHECK(without.find("innerHTML") == std::string::npos);
  }
  const std::string html = File("/");
  CHECK_FALSE(std::regex_search(html, std::regex("<script(?![^>]*src=)")));
  CHECK_FALSE(std::regex_search(html, std::regex(" on[a-z]+=")));
  CHECK(html.find("style=") == std::string::npos);
}
