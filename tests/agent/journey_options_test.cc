#include "agent/journey/journey_options.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "agent/options.h"
#include "tests/support/sample_config.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;

namespace {

const std::string kJourney = "[[journey]]\nname = \"j\"\n";
const std::string kStep = "[[journey.step]]\nname = \"s\"\nurl = \"http://a/\"\n";

// The fault without "agent.toml:"; "" where there is none.
std::string Fault(const std::string& toml) {
  const auto options = ParseOptions(toml, "agent.toml", Need::kReading);
  if (options.ok()) return "";
  const std::string& text = options.error().message;
  REQUIRE(text.starts_with("agent.toml:"));
  CHECK(text.find("allowed: ") != std::string::npos);
  return text.substr(11);
}

std::string OfJourney(const std::string& keys) { return Fault(kJourney + keys + "\n" + kStep); }
std::string OfStep(const std::string& keys) { return Fault(kJourney + kStep + keys + "\n"); }

}  // namespace

TEST_CASE("journeys: what is configured, and what stands where nothing is") {
  const auto options = ParseOptions(kJourney + kStep, "agent.toml", Need::kReading);
  REQUIRE(options.ok());
  REQUIRE(options->journeys.size() == 1);
  const JourneyOptions& journey = options->journeys[0];
  CHECK(journey.interval == 1min);
  CHECK(journey.shared);
  const StepOptions& step = journey.steps[0];
  CHECK(step.rules.method == "GET");
  CHECK(step.rules.timeout == 10s);
  CHECK(step.rules.max_redirects == 5);
  CHECK(step.rules.max_body == 1048576);
  CHECK_FALSE(step.rules.may_send_again);
  CHECK_FALSE(step.rules.max_time);
  CHECK_FALSE(step.rules.keep_answer);
  CHECK(OfStep("form = { a = \"b\" }\nreads = true").empty());
  CHECK(OfStep("json = '{}'\nwrites = true").empty());
  CHECK(OfStep("method = \"DELETE\"\nwrites = true").empty());
}

TEST_CASE("journeys: a proxy is read once, for all that connects through it") {
  const auto options = ParseOptions(kJourney + "proxy = \"http://proxy.example:3128\"\n" + kStep,
                                    "agent.toml", Need::kReading);
  REQUIRE(options.ok());
  const HttpAccess& access = options->journeys[0].steps[0].rules.access;
  const Url server = ParseUrl("https://motcua.example/").value();
  CHECK(access.PeerFor(server).host == "proxy.example");
  CHECK(access.PeerFor(server).port == 3128);
  CHECK(HttpAccess().PeerFor(server) == server);
}

TEST_CASE("journeys: the sample shows each key's default, and every key") {
  const std::string sample = Uncommented(ReadSample(SAMPLE));
  const size_t begin = sample.find("\n[[journey]]\n");
  const std::string shown = sample.substr(begin, sample.find("\n[path]") - begin);
  const auto journeys = [](const std::string& toml) {
    const auto options = ParseOptions(toml, "agent.toml", Need::kReading);
    INFO((options ? "" : options.error().message));
    REQUIRE(options.ok());
    REQUIRE(options->journeys.size() == 1);
    return options->journeys[0];
  };
  const JourneyOptions given = journeys(shown);
  const JourneyOptions bare = journeys(kJourney + kStep);
  CHECK(given.interval == bare.interval);
  CHECK(given.shared == bare.shared);
  CHECK(given.secrets.empty());
  const StepOptions& step = given.steps[0];
  const StepOptions& plain = bare.steps[0];
  CHECK(step.rules.method == plain.rules.method);
  CHECK(step.rules.timeout == plain.rules.timeout);
  CHECK(step.rules.status == plain.rules.status);
  CHECK(step.rules.contains == plain.rules.contains);
  CHECK(step.rules.lacks == plain.rules.lacks);
  CHECK(step.rules.max_body == plain.rules.max_body);
  CHECK(step.rules.max_redirects == plain.rules.max_redirects);
  CHECK(step.rules.access.family == plain.rules.access.family);
  CHECK(step.rules.access.proxy == plain.rules.access.proxy);
  CHECK(step.rules.access.ca_file == plain.rules.access.ca_file);
  CHECK(step.rules.access.client_cert_file == plain.rules.access.client_cert_file);
  CHECK(step.rules.access.client_key_file == plain.rules.access.client_key_file);
  CHECK(step.think_time == plain.think_time);
  CHECK(step.rules.may_send_again == plain.rules.may_send_again);
  CHECK((step.takes.empty() && step.expectations.empty() && step.depends_on.empty()));
  CHECK((step.query.empty() && step.headers.empty()));
  for (const std::string& fault : {OfJourney("zzzzzzzz = 1"), OfStep("zzzzzzzz = 1")}) {
    for (const std::string& key : KeysAllowedBy(fault)) {
      INFO(key);
      CHECK((key == "step" || shown.find(key + " = ") != std::string::npos));
    }
  }
}

TEST_CASE("journeys: nothing is sent that may change something without the operator's word") {
  for (const char* keys : {"form = { a = \"b\" }", "json = '{}'", "method = \"POST\"",
                           "method = \"PUT\"", "method = \"DELETE\"", "method = \"PATCH\""}) {
    INFO(keys);
    const std::string fault = OfStep(keys);
    CHECK(fault.find("journey[0].step[0].method: is ") != std::string::npos);
    CHECK(fault.find("reads = true") != std::string::npos);
    CHECK(fault.find("writes = true") != std::string::npos);
    CHECK_FALSE(OfStep(std::string(keys) + "\nreads = false\nwrites = false").empty());
    CHECK_FALSE(OfStep(std::string(keys) + "\nreads = true\nwrites = true").empty());
  }
}

TEST_CASE("journeys: each wrong value is told with its line, key and what is allowed") {
  const std::vector<std::pair<std::string, std::string>> journeys = {
      {"interval = \"0s\"", "3: journey[0].interval: "},
      {"share = \"all\"", "3: journey[0].share: "},
      {"timeout = \"1ms\"", "3: journey[0].timeout: "},
      {"think_time = \"1h\"", "3: journey[0].think_time: "},
      {"ip = 4", "3: journey[0].ip: "},
      {"ip = \"5\"", "3: journey[0].ip: "},
      {"proxy = \"https://p:1\"", "3: journey[0].proxy: "},
      {"proxy = \"p:1\"", "3: journey[0].proxy: "},
      {"client_cert = \"/x\"", "3: journey[0].client_cert: "},
      {"client_key = \"/x\"", "3: journey[0].client_key: "},
      {"headers = { \"A b\" = \"x\" }", "3: journey[0].headers: "},
      {"headers = { A = \"{x}\" }", "3: journey[0].headers: "},
      {"headers = { A = \"x\\ny\" }", "3: journey[0].headers: "},
      {"secrets = { 9a = \"file:/x\" }", "3: journey[0].secrets: "},
      {"secrets = { a = \"file:x\" }", "3: journey[0].secrets: "},
      {"khong-co = 1", "3: journey[0].khong-co: "},
      {"step = []", ""},
  };
  for (const auto& [keys, want] : journeys) {
    INFO(keys);
    const std::string fault = OfJourney(keys);
    CHECK_FALSE(fault.empty());
    CHECK(fault.starts_with(want));
  }
  const std::vector<std::pair<std::string, std::string>> steps = {
      {"method = \"get\"", "6: journey[0].step[0].method: "},
      {"method = \"GET\"\nform = { a = \"1\" }", "6: journey[0].step[0].method: "},
      {"form = { a = \"1\" }\njson = '{}'\nreads = true", "7: journey[0].step[0].json: "},
      {"form = \"a=1\"\nreads = true", "6: journey[0].step[0].form: "},
      {"form = { a = \"{khong-co}\" }\nreads = true",
       "6: journey[0].step[0].form: uses {khong-co}"},
      {"form = { a = \"{secret.x}\" }\nreads = true",
       "6: journey[0].step[0].form: uses {secret.x}"},
      {"query = { a = \"{\" }", "6: journey[0].step[0].query: "},
      {"json = '{\"a\":{x}}'\nreads = true", "6: journey[0].step[0].json: uses {x}"},
      {"status = [99]", "6: journey[0].step[0].status: "},
      {"contains = \"x\"", "6: journey[0].step[0].contains: "},
      {"contains = [\"\"]", "6: journey[0].step[0].contains: "},
      {"lacks = [\"\"]", "6: journey[0].step[0].lacks: "},
      {"max_time = \"0s\"", "6: journey[0].step[0].max_time: "},
      {"max_body = 0", "6: journey[0].step[0].max_body: "},
      {"max_redirects = 21", "6: journey[0].step[0].max_redirects: "},
      {"timeout = \"10min\"", "6: journey[0].step[0].timeout: "},
      {"think_time = \"1h\"", "6: journey[0].step[0].think_time: "},
      {"depends_on = [\"a,b\"]", "6: journey[0].step[0].depends_on: "},
      {"reads = 1", "6: journey[0].step[0].reads: "},
      {"writes = \"yes\"", "6: journey[0].step[0].writes: "},
      {"headers = { \"\" = \"x\" }", "6: journey[0].step[0].headers: "},
      {"take = [ { name = \"t\" } ]", "6: journey[0].step[0].take[0].name: "},
      {"take = [ { name = \"t\", field = \"a\", regex = \"b\" } ]",
       "6: journey[0].step[0].take[0].name: "},
      {"take = [ { name = \"1 t\", field = \"a\" } ]", "6: journey[0].step[0].take[0].name: "},
      {"take = [ { name = \"t\", regex = \"(\" } ]", "6: journey[0].step[0].take[0].regex: "},
      {"take = [ { name = \"t\", json = \"a\" } ]", "6: journey[0].step[0].take[0].json: "},
      {"expect_json = [ { pointer = \"/a\", value = \"{\" } ]",
       "6: journey[0].step[0].expect_json[0].value: "},
      {"khong-co = 1", "6: journey[0].step[0].khong-co: "},
  };
  for (const auto& [keys, want] : steps) {
    INFO(keys);
    const std::string fault = OfStep(keys);
    INFO(fault);
    CHECK_FALSE(fault.empty());
    CHECK(fault.starts_with(want));
  }
}

TEST_CASE("journeys: a proxy's password is refused wherever it is written, and not repeated") {
  for (const char* keys : {
           "proxy = \"http://u:Matkhau9@p:1\"",
           "proxy = \"http://u:Matkhau9@p:1",
           "proxy = http://u:Matkhau9@p:1",
           "proxy = \"http://u:Mat khau9@p:1\"",
           "proxy = \"http://u:Matkhau9\\u0001@p:1\"",
           "proxy = \"ftp://u:Matkhau9@p:1\"",
           "proxy = \"https://u:Matkhau9@p:1\"",
           "proxy = \"u:Matkhau9@p:1\"",
           "proxy = [\"http://u:Matkhau9@p:1\"]",
           "proxies = \"http://u:Matkhau9@p:1\"",
           "headers = { Proxy-Authorization = \"Basic Matkhau9\" }",
           "headers = { proxy-authorization = \"Basic Matkhau9\" }",
       }) {
    INFO(keys);
    const std::string fault = OfJourney(keys);
    CHECK(fault.starts_with("3:"));
    CHECK(fault.find("khau9") == std::string::npos);
  }
  CHECK(OfStep("headers = { Proxy-Authorization = \"Basic Matkhau9\" }").find("khau9") ==
        std::string::npos);
}

TEST_CASE("journeys: a step's header takes the place of its journey's, whatever their case") {
  const auto options =
      ParseOptions(kJourney + "headers = { Accept-Language = \"vi\", X-A = \"a\" }\n" + kStep +
                       "headers = { accept-language = \"en\" }\n",
                   "agent.toml", Need::kReading);
  REQUIRE(options.ok());
  const NamedTemplates& headers = options->journeys[0].steps[0].headers;
  REQUIRE(headers.size() == 2);
  CHECK(headers[0].first == "X-A");
  CHECK(headers[1].first == "accept-language");
}

TEST_CASE("journeys: names stand once; variables come before their use, and never name a server") {
  CHECK(Fault(kJourney + kStep + kStep).starts_with("7: journey[0].step[1].name: is that of two"));
  CHECK(
      Fault(kJourney + kStep + kJourney + kStep).starts_with("7: journey[1].name: is that of two"));
  CHECK(Fault(kJourney).find("journey[0].step: is missing") != std::string::npos);
  CHECK(Fault(kJourney + "[[journey.step]]\nname = \"a,b\"\nurl = \"http://a/\"\n")
            .find("step[0].name: holds a comma") != std::string::npos);
  const auto url = [](const std::string& text) {
    return Fault(kJourney + kStep + "take = [ { name = \"t\", field = \"t\" } ]\n" +
                 "[[journey.step]]\nname = \"b\"\nurl = \"" + text + "\"\n");
  };
  CHECK(url("http://a/{t}?x={t}").empty());
  for (const char* bad : {"{t}", "http://{t}/", "http://a{t}/", "http://a:{t}/", "{t}://a/",
                          "http://{t}@a/", "ftp://a/{t}", "http://a/{u}", "http://u:p@a/{t}"}) {
    INFO(bad);
    CHECK(url(bad).starts_with("9: journey[0].step[1].url: "));
  }
  // A step's own values are not known when it is sent.
  CHECK_FALSE(
      OfStep("take = [ { name = \"t\", field = \"t\" } ]\nquery = { a = \"{t}\" }").empty());
  CHECK(Fault("[[probe]]\njourney = \"j\"\nstep = \"s\"\nurl = \"http://a/\"\n" + kJourney + kStep)
            .find("is also that of a [[probe]]'s journey") != std::string::npos);
}

TEST_CASE("journeys: no more than their bounds") {
  std::string steps;
  for (int i = 0; i < 33; ++i) {
    steps += "[[journey.step]]\nname = \"s" + std::to_string(i) + "\"\nurl = \"http://a/\"\n";
  }
  CHECK_FALSE(Fault(kJourney + steps).empty());
  std::string journeys;
  for (int i = 0; i < 129; ++i) {
    journeys += "[[journey]]\nname = \"j" + std::to_string(i) + "\"\n" + kStep;
  }
  CHECK_FALSE(Fault(journeys).empty());
}

TEST_CASE("journeys: a secret in its place is refused, and not repeated") {
  for (const char* value :
       {"\"Matkhau9\"", "\"file:Matkhau9\"", "\"Matkhau9\\n\"", "[\"Matkhau9\"]",
        "{ x = \"Matkhau9\" }", "\"credential:Matkhau9/..\""}) {
    INFO(value);
    for (const std::string& keys :
         {std::string("secrets = { canbo = ") + value + " }", std::string("secrets = ") + value}) {
      if (keys.starts_with("secrets = { x")) continue;  // that is a secret x
      const std::string fault = OfJourney(keys);
      INFO(fault);
      CHECK(fault.find(".secrets") != std::string::npos);
      CHECK(fault.find("Matkhau9") == std::string::npos);
    }
  }
  const std::string number = OfJourney("secrets = { canbo = 90817263 }");
  CHECK(number.find("90817263") == std::string::npos);
  CHECK_FALSE(number.empty());
}

TEST_CASE("journeys: files that they name are looked at before the agent runs") {
  const haidang::testing::TempDir dir;
  const std::string secret = dir / "secret";
  const auto check = [&](const std::string& keys) {
    const auto file = ConfigFile::Parse(kJourney + keys + "\n" + kStep, "agent.toml");
    REQUIRE(file.ok());
    ConfigTable root = (*file)->root();
    const auto journeys = ReadJourneyOptions(root);
    REQUIRE_FALSE((*file)->error());
    ConfigTable again = (*file)->root();
    CheckJourneyFiles(again, journeys);
    const auto error = (*file)->error();
    return error ? error->message : "";
  };
  const std::string keys = "secrets = { canbo = \"file:" + secret + "\" }";
  CHECK(check("").empty());  // the system's CAs, and no certificate of its own
  CHECK(check(keys).find("secret canbo: ") != std::string::npos);
  std::ofstream(secret) << "Matkhau9\n";
  chmod(secret.c_str(), 0644);
  CHECK(check(keys).find("secret canbo: ") != std::string::npos);
  CHECK(check(keys).find("Matkhau9") == std::string::npos);
  chmod(secret.c_str(), 0600);
  CHECK(check(keys).empty());
  CHECK(check("ca = \"/khong-co\"").find("journey[0].ca: ") != std::string::npos);
  CHECK(
      check("client_cert = \"/khong-co\"\nclient_key = \"/khong-co\"").find("journey[0].client_") !=
      std::string::npos);
}
