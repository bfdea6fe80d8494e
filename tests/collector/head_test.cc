#include "collector/store/head.h"

#include <bit>
#include <catch2/catch.hpp>
#include <vector>

using namespace haidang;
using namespace haidang::store;
using sparkplug::BatchHeader;
using sparkplug::SampleView;
using Kind = sparkplug::WireValue::Kind;

namespace {

constexpr int64_t kSpool = 3;

// Aliases 32 and 33 in group 0, 34 in group 1; 35 is text, 36 beyond the cap.
AliasTable Table() {
  AliasTable table;
  table.Set(32, {0, 0, DataType::kDouble});
  table.Set(33, {1, 0, DataType::kInt64});
  table.Set(34, {2, 1, DataType::kDouble});
  table.Set(35, {3, 1, DataType::kString});
  table.Set(36, {AliasEntry::kIgnored, 1, DataType::kDouble});
  return table;
}

SampleView Number(uint64_t alias, double value) {
  return {alias, {Kind::kDouble, std::bit_cast<uint64_t>(value), {}}};
}
SampleView Nothing(uint64_t alias) { return {alias, {Kind::kNull, 0, {}}}; }

BatchHeader Header(uint64_t number, bool full = false, uint64_t groups = 3) {
  BatchHeader header;
  header.number = number;
  header.wall_ms = static_cast<int64_t>(number) * 15000;
  header.full = full;
  header.groups = groups;
  return header;
}

}  // namespace

TEST_CASE("not stated means unchanged from one batch to the next") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1.5), Number(34, 7)}, table);
  head.Apply(kSpool, Header(2), std::vector{Number(34, 8)}, table);
  CHECK(head.Number(0) == 1.5);
  CHECK(head.Number(2) == 8);
  CHECK_FALSE(head.Number(1));
  CHECK(head.number() == 2);
  CHECK(head.full_number() == 1);
  CHECK_FALSE(head.has_hole());
}

TEST_CASE("over a hole everything is unknown until it is stated") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1), Number(34, 7)}, table);
  head.Apply(kSpool, Header(3), std::vector{Number(34, 8)}, table);
  CHECK_FALSE(head.Number(0));
  CHECK(head.Number(2) == 8);
  CHECK(head.has_hole());
  head.Apply(kSpool, Header(4, true), std::vector{Number(32, 2)}, table);
  CHECK(head.Number(0) == 2);
  CHECK_FALSE(head.Number(2));  // a full batch leaves out what has no value
  CHECK_FALSE(head.has_hole());
}

TEST_CASE("a group that was not read is unknown, and stays so until stated") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1), Number(34, 7)}, table);
  head.Apply(kSpool, Header(2, false, 1), {}, table);
  CHECK(head.Number(0) == 1);
  CHECK_FALSE(head.Number(2));
  head.Apply(kSpool, Header(3, false, 3), {}, table);
  CHECK_FALSE(head.Number(2));
  head.Apply(kSpool, Header(4, false, 3), std::vector{Number(34, 9)}, table);
  CHECK(head.Number(2) == 9);
}

TEST_CASE("null is unknown and not zero") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1)}, table);
  head.Apply(kSpool, Header(2), std::vector{Nothing(32)}, table);
  CHECK_FALSE(head.Known(0));
  CHECK(head.ValueOf(0) == Value(Null{}));
  head.Apply(kSpool, Header(3), {}, table);
  CHECK_FALSE(head.Known(0));
}

TEST_CASE("another spool id begins anew, at the next number too") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1)}, table);
  head.Apply(kSpool + 1, Header(2), std::vector{Number(34, 2)}, table);
  CHECK_FALSE(head.Number(0));
  CHECK(head.Number(2) == 2);
  CHECK(head.full_number() == 0);
}

TEST_CASE(
    "texts are texts, what does not fit its datatype is unknown, ignored aliases do nothing") {
  const AliasTable table = Table();
  Head head;
  const std::string reason = "timeout";
  const std::vector<SampleView> samples = {{35, {Kind::kText, 0, reason}},
                                           Number(36, 5),
                                           {33, {Kind::kInt, static_cast<uint64_t>(-4), {}}},
                                           {34, {Kind::kText, 0, reason}},
                                           Number(99, 1)};
  head.Apply(kSpool, Header(1, true), samples, table);
  CHECK(head.Text(3) == "timeout");
  CHECK_FALSE(head.Number(3));
  CHECK(head.Number(1) == -4);
  CHECK_FALSE(head.Number(2));
  CHECK_FALSE(head.Text(2));
  CHECK_FALSE(head.Known(77));
}

TEST_CASE("a head that forgets knows nothing and needs a full batch") {
  const AliasTable table = Table();
  Head head;
  head.Apply(kSpool, Header(1, true), std::vector{Number(32, 1)}, table);
  head.Forget();
  CHECK_FALSE(head.Known(0));
  head.Apply(kSpool, Header(2), {}, table);
  CHECK_FALSE(head.Known(0));
  CHECK(head.has_hole());
}
