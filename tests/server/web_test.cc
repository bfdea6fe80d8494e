// The pages' texts: all in the catalogues, the same keys in both languages, none inline.
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

std::vector<Asset> Pages() {
  std::vector<Asset> pages;
  for (const Asset& asset : Assets()) {
    if (asset.type.starts_with("text/html")) pages.push_back(asset);
  }
  CHECK(pages.size() == 3);
  return pages;
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

TEST_CASE("each reason why a probe failed has words") {  // docs/architecture.md lists them
  const json vi = json::parse(File("/i18n/vi.json"));
  for (const char* reason : {"dns",         "dns_timeout",      "refused",
                             "unreachable", "connect_timeout",  "tls_timeout",
                             "timeout",     "transfer_timeout", "slow",
                             "tls_expired", "tls_name",         "tls_untrusted",
                             "tls",         "closed",           "protocol",
                             "redirect",    "status",           "content",
                             "too_large",   "internal"}) {
    INFO(reason);
    CHECK(vi.contains(std::string("reason.") + reason));
  }
}

TEST_CASE("every key that the pages use is in the catalogues, and every key there is used") {
  const json vi = json::parse(File("/i18n/vi.json"));
  const std::string scripts = AllScripts();
  std::set<std::string> used;
  for (const Asset& page : Pages()) {
    used.merge(Matches(std::string(page.body), R"re(data-i18n(?:-label)?="([^"]+)")re"));
  }
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

TEST_CASE("no text stands in the pages themselves but the product's name") {
  for (const Asset& page : Pages()) {
    INFO(page.path);
    std::string html(page.body);
    for (const char* attribute : {"alt=\"[^\"]", "placeholder=", "aria-label=", " title=\""}) {
      CHECK_FALSE(std::regex_search(html, std::regex(attribute)));
    }
    html = std::regex_replace(html, std::regex("<title>Hải Đăng</title>"), "");
    html = std::regex_replace(html, std::regex("<[^>]*>"), "");
    CHECK(html.find_first_not_of(" \n\t") == std::string::npos);
  }
  for (const unsigned char c : std::regex_replace(AllScripts(), std::regex("//[^\n]*"), "")) {
    // Vietnamese letters lie outside ASCII; en dash and "đ" for folding are in format.js and
    // chart.js.
    if (c >= 0xE1 && c <= 0xE1) FAIL("Vietnamese text within a script");
  }
}

TEST_CASE("the pages ask nothing of anybody else and run under their own policy") {
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
  for (const Asset& page : Pages()) {
    INFO(page.path);
    const std::string html(page.body);
    CHECK_FALSE(std::regex_search(html, std::regex("<script(?![^>]*src=)")));
    CHECK_FALSE(std::regex_search(html, std::regex(" on[a-z]+=")));
    CHECK(html.find("style=") == std::string::npos);
    CHECK(html.find("<style") == std::string::npos);
  }
}

TEST_CASE("all that a page or a script names is served") {
  for (const Asset& asset : Assets()) {
    const std::string body(asset.body);
    INFO(asset.path);
    if (asset.type.starts_with("text/html")) {
      for (const auto& path : Matches(body, R"re((?:src|href)="(/[^"]*)")re")) File(path);
    } else if (asset.path.ends_with(".js")) {
      for (const auto& name : Matches(body, R"re(from "\./([^"]+)")re")) File("/" + name);
    }
  }
}
