#include "agent/journey/journey_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "agent/journey/header_name.h"
#include "core/http_token.h"
#include "core/io/tls_files.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxJourneys = 128;
constexpr size_t kMaxSteps = 32;
constexpr size_t kMaxFields = 64;
constexpr size_t kMaxHeaders = 32;
constexpr size_t kMaxTexts = 16;
constexpr size_t kMaxTakes = 16;

// What steps take from their journey where they say nothing.
struct Defaults {
  std::chrono::milliseconds timeout{10000};
  std::chrono::milliseconds think_time{0};
  HttpAccess access;
  NamedTemplates headers;
};

// Reads one journey; knows which variables there are so far.
class JourneyReader {
 public:
  explicit JourneyReader(ConfigTable& table) : table_(table) {}

  JourneyOptions Read() {
    journey_.name = table_.RequiredString("name", 64);
    journey_.interval = table_.Duration("interval", journey_.interval, 1s, 24h);
    journey_.shared = table_.OneOf("share", "site", {"site", "none"}) == "site";
    defaults_.timeout = table_.Duration("timeout", defaults_.timeout, 100ms, 5min);
    defaults_.think_time = table_.Duration("think_time", defaults_.think_time, 0s, 10min);
    ReadAccess();
    ReadSecretSources();
    defaults_.headers = ReadTemplates(table_, "headers", TemplateUse::kHeader, kMaxHeaders);
    std::vector<ConfigTable> steps = table_.Tables("step", kMaxSteps);
    if (steps.empty()) table_.Fault("step", "is missing; allowed: at least one [[journey.step]]");
    for (ConfigTable& step : steps) ReadStep(step);
    table_.Finish();
    return std::move(journey_);
  }

 private:
  void ReadAccess() {
    HttpAccess& access = defaults_.access;
    const std::string ip = table_.OneOf("ip", "any", {"any", "4", "6"});
    access.family = ip == "4" ? IpFamily::kV4 : ip == "6" ? IpFamily::kV6 : IpFamily::kAny;
    if (const std::string text = table_.String("proxy", "", 2048); !text.empty()) {
      const auto proxy = ParseUrl(text);
      if (!proxy || proxy->tls) {
        table_.Fault("proxy", (proxy ? "must begin with http://" : proxy.error().message) +
                                  "; allowed: \"http://proxy.example:3128\"");
      } else {
        access.proxy = *proxy;
      }
    }
    access.ca_file = table_.String("ca", "");
    access.client_cert_file = table_.String("client_cert", "");
    access.client_key_file = table_.String("client_key", "");
    if (access.client_cert_file.empty() != access.client_key_file.empty()) {
      table_.Fault(access.client_cert_file.empty() ? "client_key" : "client_cert",
                   "stands alone; allowed: client_cert and client_key together");
    }
  }

  void ReadSecretSources() {
    for (const auto& [name, text] : table_.Texts("secrets", kMaxFields)) {
      const auto source = ParseSecretSource(text);
      if (!IsVariableName(name)) {
        table_.Fault("secrets", "\"" + Printable(name, 64) +
                                    "\" is no name; allowed: letters, digits, _ and -");
      } else if (!source) {
        table_.Fault("secrets", "of \"" + name + "\" " + source.error().message);
      } else {
        journey_.secrets.emplace(name, *source);
        known_.insert("secret." + name);
      }
    }
  }

  Template ParseTemplate(ConfigTable& table, std::string_view key, std::string_view text,
                         TemplateUse use) {
    auto parsed = Template::Parse(text, use);
    if (!parsed) {
      table.Fault(key, parsed.error().message);
      return {};
    }
    for (const std::string& variable : parsed->variables()) {
      if (known_.contains(variable)) continue;
      const std::string all = known_.empty() ? "none is known here" : Known();
      table.Fault(key,
                  fmt::format("uses {{{}}}, which no earlier step takes and which is no secret; "
                              "allowed: {}",
                              variable, all));
    }
    return std::move(*parsed);
  }

  std::string Known() const {
    std::string all;
    for (const std::string& name : known_) all += (all.empty() ? "{" : ", {") + name + "}";
    return all;
  }

  static void CheckHeaderName(ConfigTable& table, const std::string& name) {
    if (!IsHttpToken(name)) {
      table.Fault("headers", "\"" + Printable(name, 64) +
                                 "\" is no header of HTTP; allowed: { Accept-Language = \"vi\" }");
    } else if (SameHeaderName(name, "Proxy-Authorization")) {
      table.Fault("headers",
                  "must not hold " + name +
                      ", which a server of HTTPS would get in the proxy's place; allowed: a proxy "
                      "that asks for no password");
    }
  }

  NamedTemplates ReadTemplates(ConfigTable& table, std::string_view key, TemplateUse use,
                               size_t max) {
    NamedTemplates all;
    for (const auto& [name, text] : table.Texts(key, max)) {
      if (use == TemplateUse::kHeader) CheckHeaderName(table, name);
      all.emplace_back(name, ParseTemplate(table, key, text, use));
    }
    return all;
  }

  void ReadStep(ConfigTable& table) {
    StepOptions step;
    ProbeOptions& rules = step.rules;
    rules.journey = journey_.name;
    rules.step = table.RequiredString("name", 64);
    rules.access = defaults_.access;
    if (rules.step.find(',') != std::string::npos) {
      table.Fault("name", "holds a comma; allowed: 1 to 64 bytes without commas");
    }
    for (const StepOptions& other : journey_.steps) {
      if (other.rules.step != rules.step) continue;
      table.Fault("name", "is that of two steps; allowed: each name once in a journey");
    }
    ReadRequest(table, step);
    ReadExpectations(table, step);
    rules.timeout = table.Duration("timeout", defaults_.timeout, 100ms, 5min);
    rules.max_body = static_cast<size_t>(
        table.Integer("max_body", static_cast<int64_t>(rules.max_body), 1, 64 << 20));
    rules.max_redirects = static_cast<int>(table.Integer("max_redirects", 5, 0, 20));
    step.think_time = table.Duration("think_time", defaults_.think_time, 0s, 10min);
    step.depends_on = table.Strings("depends_on", {}, kMaxTexts);
    for (const std::string& service : step.depends_on) {
      if (service.empty() || service.size() > 64 || service.find(',') != std::string::npos) {
        table.Fault("depends_on", "holds \"" + Printable(service, 64) +
                                      "\"; allowed: names of 1 to 64 bytes without commas");
      }
    }
    ReadTakes(table, step);
    rules.keep_answer = !step.takes.empty() || !step.expectations.empty();
    table.Finish();
    journey_.steps.push_back(std::move(step));
  }

  void ReadRequest(ConfigTable& table, StepOptions& step) {
    ProbeOptions& rules = step.rules;
    const std::string url = table.RequiredString("url", 2048);
    if (!url.empty()) {
      step.url = ParseTemplate(table, "url", url, TemplateUse::kUrl);
      CheckUrl(table, step.url);
    }
    step.query = ReadTemplates(table, "query", TemplateUse::kQuery, kMaxFields);
    step.headers = defaults_.headers;
    for (auto& header : ReadTemplates(table, "headers", TemplateUse::kHeader, kMaxHeaders)) {
      std::erase_if(step.headers,
                    [&](const auto& other) { return SameHeaderName(other.first, header.first); });
      step.headers.push_back(std::move(header));
    }
    step.has_form = table.Has("form");
    step.form = ReadTemplates(table, "form", TemplateUse::kForm, kMaxFields);
    step.has_json = table.Has("json");
    const std::string json = table.String("json", "", 64 << 10);
    if (step.has_json) step.json = ParseTemplate(table, "json", json, TemplateUse::kJson);
    if (step.has_form && step.has_json) {
      table.Fault("json", "stands beside form; allowed: one of them");
    }
    const bool sends = step.has_form || step.has_json;
    if (step.has_form) rules.content_type = "application/x-www-form-urlencoded";
    if (step.has_json) rules.content_type = "application/json";
    rules.method = table.OneOf("method", sends ? "POST" : "GET",
                               {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"});
    const bool asks = rules.method == "GET" || rules.method == "HEAD";
    if (asks && sends) {
      table.Fault("method", "is " + rules.method + ", which sends no form or JSON; allowed: POST");
    }
    const bool reads = table.Bool("reads", false);
    const bool writes = table.Bool("writes", false);
    rules.may_send_again = reads || writes;
    if (reads && writes) {
      table.Fault("reads", "stands beside writes; allowed: one of them");
    } else if (!asks && !rules.may_send_again) {
      table.Fault("method",
                  "is " + rules.method +
                      ", which may change something; allowed: with reads = true where it changes "
                      "nothing (a sign-in, a search), or writes = true where it may");
    }
  }

  // With something harmless in place of every variable.
  static void CheckUrl(ConfigTable& table, const Template& url) {
    const auto filled = url.Fill([](std::string_view) { return std::string_view("x"); });
    if (!filled) return;  // a fault was told
    if (const auto parsed = ParseUrl(*filled); !parsed) {
      table.Fault("url", parsed.error().message + "; allowed: \"https://host/path\"");
    }
  }

  void ReadExpectations(ConfigTable& table, StepOptions& step) {
    ProbeOptions& rules = step.rules;
    rules.status = table.Integers("status", {}, 100, 599);
    rules.contains = ReadTexts(table, "contains");
    rules.lacks = ReadTexts(table, "lacks");
    if (table.Has("max_time")) rules.max_time = table.Duration("max_time", 1s, 1ms, 5min);
    for (ConfigTable& one : table.Tables("expect_json", kMaxTexts)) {
      auto expectation =
          MakeJsonExpectation(one.String("pointer", "", 1024), one.RequiredString("value", 4096));
      if (!expectation) {
        one.Fault("value", expectation.error().message);
      } else {
        step.expectations.push_back(std::move(*expectation));
      }
      one.Finish();
    }
  }

  static std::vector<std::string> ReadTexts(ConfigTable& table, std::string_view key) {
    std::vector<std::string> texts = table.Strings(key, {}, kMaxTexts);
    for (const std::string& text : texts) {
      if (text.empty() || text.size() > 1024) {
        table.Fault(key,
                    "holds a text that is empty or longer than 1024 bytes; allowed: 1 to 1024");
      }
    }
    return texts;
  }

  void ReadTakes(ConfigTable& table, StepOptions& step) {
    static constexpr std::pair<std::string_view, TakeFrom> kFrom[] = {
        {"field", TakeFrom::kField},
        {"regex", TakeFrom::kRegex},
        {"json", TakeFrom::kJson},
        {"header", TakeFrom::kHeader},
        {"cookie", TakeFrom::kCookie}};
    for (ConfigTable& one : table.Tables("take", kMaxTakes)) {
      const std::string name = one.RequiredString("name", 64);
      if (!name.empty() && !IsVariableName(name)) {
        one.Fault("name", "is no name of a variable; allowed: letters, digits, _ and -");
      }
      int given = 0;
      for (const auto& [key, from] : kFrom) {
        if (!one.Has(key)) continue;
        ++given;
        auto rule = MakeTakeRule(name, from, one.String(key, "", 1024));
        if (!rule) {
          one.Fault(key, rule.error().message);
        } else {
          step.takes.push_back(std::move(*rule));
        }
      }
      if (given != 1) {
        one.Fault("name", "is taken from " + std::string(given == 0 ? "nothing" : "two places") +
                              "; allowed: one of field, regex, json, header, cookie");
      }
      one.Finish();
      known_.insert(name);
    }
  }

  ConfigTable& table_;
  JourneyOptions journey_;
  Defaults defaults_;
  std::set<std::string> known_;  // variables
};

}  // namespace

std::vector<JourneyOptions> ReadJourneyOptions(ConfigTable& root) {
  std::vector<JourneyOptions> journeys;
  for (ConfigTable& table : root.Tables("journey", kMaxJourneys)) {
    JourneyOptions journey = JourneyReader(table).Read();
    for (const JourneyOptions& other : journeys) {
      if (other.name == journey.name) {
        table.Fault("name", "is that of two journeys; allowed: each name once");
      }
    }
    journeys.push_back(std::move(journey));
  }
  return journeys;
}

namespace {

// Neither file is needed: the system's CAs are used, and no certificate is shown.
std::optional<TlsFault> FindFault(const HttpAccess& access) {
  MqttOptions tls;
  tls.ca_file = access.ca_file;
  tls.cert_file = access.client_cert_file;
  tls.key_file = access.client_key_file;
  if (!tls.ca_file.empty()) return FindTlsFault(tls);
  return tls.cert_file.empty() ? std::nullopt : FindOwnTlsFault(tls);
}

}  // namespace

void CheckJourneyFiles(ConfigTable& root, const std::vector<JourneyOptions>& journeys) {
  size_t i = 0;
  for (ConfigTable& table : root.Tables("journey", kMaxJourneys)) {
    const JourneyOptions& journey = journeys[i++];
    // Its steps have theirs from the journey.
    if (const auto fault = FindFault(journey.steps.front().rules.access)) {
      const std::string key = fault->key == "ca" ? "ca" : "client_" + std::string(fault->key);
      table.Fault(key, fault->what);
    }
    if (const auto secrets = ReadSecrets(journey); !secrets) {
      table.Fault("secrets", secrets.error().message);
    }
  }
}

Result<Secrets> ReadSecrets(const JourneyOptions& journey) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  Secrets secrets;
  for (const auto& [name, source] : journey.secrets) {
    const Status added = secrets.Add(name, source, credentials == nullptr ? "" : credentials);
    if (!added) return Error{"secret " + name + ": " + added.error().message};
  }
  return secrets;
}

}  // namespace haidang::agent
