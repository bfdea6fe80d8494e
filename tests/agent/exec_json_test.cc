#include "agent/sources/exec_json.h"

#include <cmath>
#include <fstream>

#include "tests/agent/log_capture.h"
#include "tests/agent/source_reading.h"
#include "tests/support/loop_runner.h"
#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::LogCapture;
using haidang::testing::RunUntil;

namespace {

const std::string kSuccess = R"(haidang_json_success{name="dem"})";
const std::string kValue = R"(haidang_json_value{key="ton",name="dem"})";
const std::string kVolume = R"(haidang_volume_total{kind="tra-cuu",system="mot-cua"})";

// A program that is `line` of the shell's language.
std::vector<ExecJsonOptions> ReadConfig(const std::string& line, const std::string& more) {
  const std::string head = "[[exec_json]]\nname = \"dem\"\n";
  const std::string command = "command = [\"/bin/sh\", \"-c\", '''" + line + "''']\n";
  const std::string series =
      "[[exec_json.value]]\nkey = \"ton\"\npointer = \"/ton\"\n"
      "[[exec_json.volume]]\nsystem = \"mot-cua\"\nkind = \"tra-cuu\"\npointer = \"/xong\"\n";
  const auto file = ConfigFile::Parse(head + command + more + series, "agent.toml");
  REQUIRE(file.ok());
  ConfigTable root = (*file)->root();
  JsonTaken taken;
  auto options = ReadExecJsonOptions(root, taken);
  INFO((*file)->error().value_or(Error{}).message);
  REQUIRE_FALSE((*file)->error());
  return options;
}

struct Bench {
  explicit Bench(const std::string& line, const std::string& more = "")
      : loop(MakeLoop()),
        source(MakeExecJsonSource(std::make_shared<ChildRunner>(*loop, clock), clock, 0ms,
                                  ReadConfig(line, more))) {}

  std::map<std::string, double> Round() {
    source->Prepare();
    REQUIRE(RunUntil(*loop, [&] { return source->Ready(); }));
    return haidang::testing::Read(*source).values;
  }

  SystemClock clock;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Source> source;
};

}  // namespace

TEST_CASE("what a program writes is series") {
  Bench bench(R"(echo "{\"ton\": 3.5, \"xong\": $DA_XONG}"; echo thêm >&2)",
              "environment = { DA_XONG = \"4500\" }\n");
  CHECK(haidang::testing::Read(*bench.source).values.empty());  // nothing is known yet
  const auto values = bench.Round();
  CHECK(values.size() == 3);
  CHECK(values.at(kSuccess) == 1);
  CHECK(values.at(kValue) == 3.5);
  CHECK(values.at(kVolume) == 4500);
}

TEST_CASE("a program that fails, hangs, floods or writes no JSON has no value, and says why") {
  const std::pair<const char*, const char*> cases[] = {
      {R"(echo '{"ton":1,"xong":1}'; echo 'psql: không kết nối được' >&2; exit 2)",
       "exec_json dem: sh ended with exit code 2: psql: không kết nối được"},
      {"sleep 60", "exec_json dem: sh has not ended after"},
      {"kill -9 $$", "exec_json dem: sh "},
      {"yes", "exec_json dem: sh has written more than"},
      {"head -c 3000 /dev/urandom", "exec_json dem: the answer is no JSON"},
      {"true", "exec_json dem: the answer is no JSON"},
  };
  for (const auto& [line, why] : cases) {
    INFO(line);
    const LogCapture log;
    Bench bench(line, "timeout = 2\n");
    const auto values = bench.Round();
    CHECK(values.size() == 3);
    CHECK(values.at(kSuccess) == 0);
    CHECK(std::isnan(values.at(kValue)));
    CHECK(std::isnan(values.at(kVolume)));
    INFO(log.text());
    CHECK(log.text().find(why) != std::string::npos);
  }
}

TEST_CASE("a program that still runs is not begun again, and its last numbers stand") {
  const haidang::testing::TempDir directory;
  Bench bench("cd " + directory.path() +
                  R"(; echo x >> runs; [ -e slow ] && sleep 60; echo '{"ton":1,"xong":2}')",
              "interval = 1\n");
  CHECK(bench.Round().at(kValue) == 1);
  std::ofstream(directory / "slow") << "";
  REQUIRE(RunUntil(*bench.loop, [&] {
    bench.source->Prepare();
    return !bench.source->Ready();
  }));
  bench.source->Prepare();
  CHECK(haidang::testing::Read(*bench.source).values.at(kValue) == 1);
}
