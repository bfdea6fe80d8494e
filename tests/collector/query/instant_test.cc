#include "collector/instant.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/collector/world.h"

using namespace haidang;
using namespace haidang::collector;
using namespace haidang::collector::testing;

namespace {

FleetNow Copy(World& world, const InstantQuestion& question) {
  return CopyFleet(*world.fleet, {}, world.ingest->Now(),
                   [&](const SeriesDef& def) { return IsAskedFor(question, def); });
}

std::vector<std::pair<std::string, double>> Answer(World& world, const InstantQuestion& question) {
  const auto columns = AnswerInstant(Copy(world, question), question, 1000);
  REQUIRE(columns);
  std::vector<std::pair<std::string, double>> out;
  for (const query::Column& column : *columns) {
    REQUIRE(column.values.size() == 1);
    CHECK(column.times_ms.size() == 1);
    const auto disk = column.series.labels.find("disk");
    out.emplace_back(column.machine + (disk == column.series.labels.end() ? "" : disk->second),
                     column.values[0]);
  }
  return out;
}

InstantQuestion Question(const char* metric, const char* over = "",
                         std::optional<std::string_view> matcher = {}) {
  InstantQuestion question;
  question.metric = metric;
  question.over = over;
  if (matcher) question.matchers.push_back(*store::ParseMatcher(*matcher));
  return question;
}

struct Disks : World {
  Disks() {
    for (int i = 1; i <= 3; ++i) {
      TestAgent agent("pc-" + std::to_string(i), static_cast<uint64_t>(i));
      agent.site = i == 3 ? "B" : "A";
      const uint64_t first = agent.Declare({"avail", {{"disk", "/"}}});
      const uint64_t first_size = agent.Declare({"size", {{"disk", "/"}}}, DataType::kUInt64);
      const uint64_t data = agent.Declare({"avail", {{"disk", "/d"}}});
      const uint64_t data_size = agent.Declare({"size", {{"disk", "/d"}}}, DataType::kUInt64);
      const uint64_t name = agent.Declare({"name", {}}, DataType::kString);
      Receive(agent.Birth());
      Receive(agent.Live({.number = 1,
                          .values = {{first, 10.0 * i},
                                     {first_size, uint64_t{100}},
                                     {data, 50.0},
                                     {data_size, static_cast<uint64_t>(i == 2 ? 0 : 100 * i)},
                                     {name, std::string("x")}},
                          .full = true}));
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Disks, "the last values of all machines, by machine") {
  CHECK(
      Answer(*this, Question("size", "", "disk=/d")) ==
      std::vector<std::pair<std::string, double>>{{"pc-1/d", 100}, {"pc-2/d", 0}, {"pc-3/d", 300}});
  CHECK(Answer(*this, Question("avail", "", "site=B")).size() == 2);
  CHECK(Answer(*this, Question("name")).empty());
  CHECK(Answer(*this, Question("nothing")).empty());
}

TEST_CASE_METHOD(Disks, "the fullest disks are the smallest of one metric over another") {
  InstantQuestion question = Question("avail", "size");
  question.smallest = 3;
  CHECK(Answer(*this, question) == std::vector<std::pair<std::string, double>>{
                                       {"pc-1/", 0.1}, {"pc-3/d", 50.0 / 300}, {"pc-2/", 0.2}});
  question.smallest.reset();
  question.largest = 2;
  CHECK(Answer(*this, question) ==
        std::vector<std::pair<std::string, double>>{{"pc-1/d", 0.5}, {"pc-3/", 0.3}});
  question.largest = 100;  // over zero is unknown
  CHECK(Answer(*this, question).size() == 5);
  question.over = "nothing";
  CHECK(Answer(*this, question).empty());
}

TEST_CASE_METHOD(Disks, "what is old is not now, and too many are refused") {
  const InstantQuestion question = Question("avail");
  CHECK_FALSE(AnswerInstant(Copy(*this, question), question, 5));
  clock.Advance(std::chrono::minutes(5));
  CHECK(Answer(*this, question).empty());
}
