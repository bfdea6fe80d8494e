#include <bit>
#include <catch2/catch.hpp>
#include <set>

#include "collector/acknowledger.h"
#include "collector/grants.h"
#include "collector/held.h"
#include "collector/places.h"
#include "collector/rebirths.h"
#include "collector/roles.h"

using namespace haidang;
using namespace haidang::collector;

TEST_CASE("held messages are bounded by machine and in all, the oldest go first") {
  Held held({.machine_bytes = 10, .all_bytes = 18});
  CHECK(held.Add(1, "aaaa") == 0);
  CHECK(held.Add(1, "bbbb") == 0);
  CHECK(held.Add(1, "cccc") == 1);  // "aaaa" goes
  CHECK(held.Add(2, "dddddddd") == 0);
  CHECK(held.bytes() == 16);
  CHECK(held.Add(3, "eeeee") == 1);  // the oldest of all goes: "bbbb"
  CHECK(held.Take(1) == std::vector<std::string>{"cccc"});
  CHECK(held.Take(1).empty());
  CHECK(held.Add(4, "more than ten") == 1);
  CHECK(held.Take(4).empty());
  CHECK(held.messages() == 2);
  CHECK(held.bytes() == 13);
}

TEST_CASE("rebirths are asked at doubling distances of one machine, and at a rate of all") {
  Rebirths rebirths({.first_wait_ms = 10, .last_wait_ms = 40, .per_second = 1000, .burst = 3});
  CHECK(rebirths.Ask(1, 0));
  CHECK_FALSE(rebirths.Ask(1, 9));
  CHECK(rebirths.Ask(1, 10));
  CHECK_FALSE(rebirths.Ask(1, 29));
  CHECK(rebirths.Ask(1, 30));
  CHECK(rebirths.Ask(1, 70));
  CHECK(rebirths.Ask(1, 110));  // no longer than the last wait
  rebirths.Born(1);
  CHECK(rebirths.Ask(1, 111));
  for (int64_t machine = 2; machine < 4; ++machine) CHECK(rebirths.Ask(machine, 111));
  CHECK_FALSE(rebirths.Ask(4, 111));
  CHECK(rebirths.Ask(4, 112));
}

TEST_CASE("an acknowledgement names the cumulative number and at most 32 ranges, in turn") {
  store::RangeSet set;
  size_t cursor = 0;
  CHECK(DescribeCommitted(set, cursor).cumulative == 0);
  set.Add(1, 10);
  for (uint64_t n = 12; n < 112; n += 2) set.Add(n);  // 50 ranges of one
  std::set<uint64_t> told;
  for (int i = 0; i < 2; ++i) {
    const auto committed = DescribeCommitted(set, cursor);
    CHECK(committed.cumulative == 10);
    REQUIRE(committed.ranges.size() == sparkplug::kMaxCommittedRanges);
    for (size_t k = 0; k < committed.ranges.size(); ++k) {
      CHECK(set.Contains(committed.ranges[k].first));
      if (k > 0) CHECK(committed.ranges[k - 1].last + 1 < committed.ranges[k].first);
      told.insert(committed.ranges[k].first);
    }
  }
  CHECK(told.size() == 50);
}

TEST_CASE("the inventory's place counts first, by its dates, else the birth's") {
  query::Snapshot snapshot;
  snapshot.sites = {{"06652", "Hồng Gai cũ", "commune", "", 0, 1000},
                    {"06652", "Phường Hồng Gai", "commune", "22", 1000, {}}};
  snapshot.placements = {{"pc-1", "06652", "workstation", 500, 2000}};
  snapshot.objectives = {{"mot-cua", "", 3, 5}, {"mot-cua", "tra-cuu", 2, 5}};
  const Places places(snapshot);
  CHECK(places.Of("pc-1", "told", "server", 100) == Place{"told", "", "server"});
  CHECK(places.Of("pc-1", "told", "server", 600) == Place{"06652", "Hồng Gai cũ", "workstation"});
  CHECK(places.Of("pc-1", "told", "server", 1000).site_name == "Phường Hồng Gai");
  CHECK(places.Of("pc-1", "told", "server", 2000) == Place{"told", "", "server"});
  CHECK(places.Of("pc-2", "06652", "server", 5000).site_name == "Phường Hồng Gai");
  REQUIRE(places.ObjectiveOf("mot-cua", "tra-cuu") != nullptr);
  CHECK(places.ObjectiveOf("mot-cua", "tra-cuu")->seconds == 2);
  CHECK(places.ObjectiveOf("mot-cua", "nop")->seconds == 3);
  CHECK(places.ObjectiveOf("khac", "") == nullptr);
}

namespace {

struct Series {
  SeriesTable table;
  std::vector<const SeriesDef*> slots;
  store::AliasTable aliases;
  sparkplug::BatchHeader header;
  store::Head head;

  void Add(const char* metric, Labels labels) {
    const uint32_t slot = static_cast<uint32_t>(slots.size());
    slots.push_back(
        table.Intern({metric, std::move(labels)}, DataType::kDouble, MetricType::kGauge, ""));
    aliases.Set(32 + slot, {slot, 0, DataType::kDouble});
  }
  void Tick(const std::vector<double>& values) {
    std::vector<sparkplug::SampleView> samples;
    for (size_t i = 0; i < values.size(); ++i) {
      samples.push_back(
          {32 + i, {sparkplug::WireValue::Kind::kDouble, std::bit_cast<uint64_t>(values[i]), {}}});
    }
    ++header.number;
    header.groups = 1;
    head.Apply(1, header, samples, aliases);
  }
};

}  // namespace

TEST_CASE("the CPUs' busy share is that of the time between the last two batches") {
  Series s;
  for (const char* mode : {"idle", "iowait", "user", "system"}) {
    s.Add("node_cpu_seconds_total", {{"cpu", "0"}, {"mode", mode}});
    s.Add("node_cpu_seconds_total", {{"cpu", "1"}, {"mode", mode}});
  }
  const Roles roles = FindRoles(s.slots);
  CHECK(roles.cpus == 2);
  CpuMeter meter;
  s.Tick({100, 100, 1, 1, 10, 10, 5, 5});
  meter.Update(roles, s.head, false);
  CHECK_FALSE(meter.busy_ratio());
  s.Tick({110, 105, 2, 1, 12, 20, 5, 7});  // 16 idle and waiting, 14 busy
  meter.Update(roles, s.head, true);
  CHECK(meter.busy_ratio().value() == Approx(14.0 / 30));
  meter.Update(roles, s.head, false);
  CHECK_FALSE(meter.busy_ratio());
  s.Tick({1, 1, 0, 0, 1, 1, 0, 0});  // booted anew
  meter.Update(roles, s.head, true);
  CHECK_FALSE(meter.busy_ratio());
}

TEST_CASE("the fullest disk is one that people fill") {
  Series s;
  struct Disk {
    const char *mountpoint, *fstype;
    double size, avail, read_only;
  };
  const double gb = 1e9;
  const std::vector<Disk> disks = {
      {"/", "ext4", 100 * gb, 60 * gb, 0}, {"/data", "xfs", 50 * gb, 10 * gb, 0},
      {"/cdrom", "iso9660", gb, 0, 0},     {"/ro", "ext4", gb, 0, 1},
      {"/boot/efi", "vfat", 5e7, 1e6, 0},  {"/run", "tmpfs", gb, 0, 0}};
  std::vector<double> values;
  for (const Disk& disk : disks) {
    const Labels labels{
        {"device", disk.mountpoint}, {"fstype", disk.fstype}, {"mountpoint", disk.mountpoint}};
    s.Add("node_filesystem_size_bytes", labels);
    s.Add("node_filesystem_avail_bytes", labels);
    s.Add("node_filesystem_readonly", labels);
    values.insert(values.end(), {disk.size, disk.avail, disk.read_only});
  }
  s.Tick(values);
  const auto fullest = FullestDisk(FindRoles(s.slots), s.head);
  REQUIRE(fullest);
  CHECK(fullest->mountpoint == "/data");
  CHECK(fullest->used_ratio == Approx(0.8));
}

TEST_CASE(
    "backlog that no birth told of is granted a rate too, what is sent again now and then is not") {
  Grants grants({.total = 1000, .machine = 400, .machine_min = 1});
  for (int64_t now_ms = 0; now_ms < 600000; now_ms += 10000) {
    grants.Came(1, now_ms);
    CHECK(grants.Due(now_ms).empty());
  }
  for (int i = 0; i < 8; ++i) grants.Came(2, 600000);
  CHECK(grants.Due(600000).empty());
  grants.Came(2, 600001);
  const std::vector<Grants::Grant> due = grants.Due(600001);
  REQUIRE(due.size() == 1);
  CHECK(due[0].machine == 2);
  CHECK(due[0].batches_per_second == 400);
  grants.Came(2, 620000);
  CHECK(grants.Due(640000).empty());
  CHECK(grants.catching_up() == 1);
}

TEST_CASE("what may be sent late is shared evenly among those who are catching up") {
  Grants grants({.total = 1000, .machine = 400, .machine_min = 1});
  const auto told = [&](int64_t now_ms) {
    std::map<int64_t, double> all;
    for (const Grants::Grant& grant : grants.Due(now_ms))
      all[grant.machine] = grant.batches_per_second;
    return all;
  };
  using Told = std::map<int64_t, double>;
  CHECK(told(0).empty());
  grants.Wants(1, 0);
  CHECK(told(0) == Told{{1, 400}});
  CHECK(told(100).empty());
  grants.Wants(2, 1000);
  CHECK(told(1000) == Told{{2, 400}});
  grants.Wants(3, 2000);
  grants.Wants(4, 2000);
  // Those that were told lately hear it five seconds later.
  CHECK(told(2000) == Told{{3, 250}, {4, 250}});
  CHECK(told(6000) == Told{{1, 250}, {2, 250}});
  for (const int64_t machine : {1, 2}) grants.Came(machine, 30000);
  // The others fell silent: their share goes back.
  CHECK(told(32001) == Told{{1, 400}, {2, 400}});
  CHECK(grants.catching_up() == 2);
  grants.Untold(1);
  CHECK(told(32002) == Told{{1, 400}});
  grants.Came(1, 40000);
  grants.Wants(1, 40001);  // born again: it forgot
  CHECK(told(40001) == Told{{1, 400}});
  for (int64_t machine = 10; machine < 5010; ++machine) grants.Wants(machine, 41000);
  CHECK(told(41000).at(10) == 1);
}
