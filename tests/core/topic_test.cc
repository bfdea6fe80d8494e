#include "core/sparkplug/topic.h"

#include <catch2/catch.hpp>

using namespace haidang::sparkplug;

TEST_CASE(
    "topics of ours survive writing and reading [topics-nbirth-topic, topics-ndata-topic, "
    "topics-ndeath-topic, topics-ncmd-topic, host-topic-phid-birth-topic]") {
  const std::pair<Topic, const char*> known[] = {
      {{MessageType::kNBirth, "quang-ninh", "may-01"}, "spBv1.0/quang-ninh/NBIRTH/may-01"},
      {{MessageType::kNData, "quang-ninh", "may-01"}, "spBv1.0/quang-ninh/NDATA/may-01"},
      {{MessageType::kNDeath, "quang-ninh", "may-01"}, "spBv1.0/quang-ninh/NDEATH/may-01"},
      {{MessageType::kNCmd, "quang-ninh", "may-01"}, "spBv1.0/quang-ninh/NCMD/may-01"},
      {{MessageType::kState, "", "collector-1"}, "spBv1.0/STATE/collector-1"},
      {{MessageType::kNData, "tỉnh", "máy 7"}, "spBv1.0/tỉnh/NDATA/máy 7"}};
  for (const auto& [topic, text] : known) {
    CHECK(ToString(topic) == text);
    const auto parsed = ParseTopic(text);
    REQUIRE(parsed);
    CHECK(parsed->type == topic.type);
    CHECK(parsed->group == topic.group);
    CHECK(parsed->node == topic.node);
  }
}

TEST_CASE("other topics are refused") {
  const std::string longest(128, 'x');
  CHECK(ParseTopic("spBv1.0/g/NDATA/" + longest));
  const std::string bad[] = {"",
                             "spBv1.0",
                             "spBv1.0/",
                             "spBv1.0/g",
                             "spBv1.0/g/NDATA",
                             "spBv1.0/g/NDATA/",
                             "spBv1.0//NDATA/n",
                             "spBv1.0/g/NDATA/n/d",
                             "spBv1.0/g/DDATA/n",
                             "spBv1.0/g/DBIRTH/n/d",
                             "spBv1.0/g/ndata/n",
                             "spAv1.0/g/NDATA/n",
                             "spBv1.0/STATE",
                             "spBv1.0/STATE/",
                             "spBv1.0/g+/NDATA/n",
                             "spBv1.0/g/NDATA/#",
                             "spBv1.0/g/NDATA/n\n",
                             "spBv1.0/g/NDATA/\xFF",
                             std::string("spBv1.0/g/NDATA/n\0", 18),
                             "spBv1.0/g/NDATA/" + longest + "x",
                             "/spBv1.0/g/NDATA/n"};
  for (const std::string& text : bad) {
    INFO(text);
    const auto parsed = ParseTopic(text);
    REQUIRE_FALSE(parsed);
    CHECK_FALSE(parsed.error().message.empty());
  }
}
