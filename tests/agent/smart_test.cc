#include "agent/sources/smart.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "agent/sources/text.h"
#include "tests/agent/log_capture.h"
#include "tests/agent/script.h"
#include "tests/agent/source_reading.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loop_runner.h"

using namespace haidang;
using namespace haidang::agent;
using namespace std::chrono_literals;
using haidang::testing::FakeClock;
using haidang::testing::LogCapture;
using haidang::testing::Read;
using haidang::testing::RunUntil;
using haidang::testing::Script;
using haidang::testing::TempDir;

namespace {

const std::string kFixtures = std::string(FIXTURES) + "/smartctl/";

std::string Fixture(const std::string& name) { return ReadSmallFile(kFixtures + name).value(); }

SmartState State(const std::string& name) {
  const auto state = ParseSmart(Fixture(name));
  REQUIRE(state.ok());
  return *state;
}

// A smartctl that answers with the fixtures, for disks of scan.json.
const char kSmartctl[] = R"(
echo "$*" >> "$dir/calls"
case "$*" in
  *--scan-open) cat "$fixtures/scan.json" ;;
  *" --device=sat /dev/sda") cat "$fixtures/ata_ssd.json"; exit 4 ;;
  *" --device=nvme /dev/nvme0") [ ! -e "$dir/asleep" ] || exit 3; cat "$fixtures/nvme.json" ;;
  *" --device=megaraid,1 /dev/bus/0") cat "$fixtures/sas.json" ;;
  *" --device=megaraid,2 /dev/bus/0") cat "$fixtures/raid_error.json"; exit 2 ;;
  *" --device=scsi /dev/sdb") head -c 3000 /dev/zero ;;
  *) echo "wrong: $*" >&2; exit 1 ;;
esac
)";

struct Bench {
  explicit Bench(SmartOptions options) : loop(MakeLoop()) {
    runner = std::make_shared<ChildRunner>(*loop, system);
    source = MakeSmartSource(runner, clock, 15s, options);
  }

  haidang::testing::ReadResult Round() {
    source->Prepare();
    CHECK(RunUntil(*loop, [&] { return runner->running() == 0 && runner->waiting() == 0; }));
    CHECK(source->Ready());
    return Read(*source);
  }

  SystemClock system;
  FakeClock clock;
  std::unique_ptr<Loop> loop;
  std::shared_ptr<ChildRunner> runner;
  std::unique_ptr<Source> source;
};

SmartOptions Using(const TempDir& dir, const std::string& script) {
  SmartOptions options;
  options.command.argv = {Script(dir, "smartctl", script)};
  options.command.environment = {{"dir", dir.path()}, {"fixtures", kFixtures}};
  return options;
}

SmartOptions Parse(const std::string& text, std::string* error = nullptr) {
  auto file = ConfigFile::Parse(text, "agent.toml").value();
  ConfigTable root = file->root();
  auto options = ReadSmartOptions(root);
  root.Finish();
  if (error != nullptr) *error = file->error() ? file->error()->message : "";
  return options;
}

}  // namespace

TEST_CASE("smartctl's words on an ATA SSD") {
  SmartState state = State("ata_ssd.json");
  CHECK(state.model == "Samsung SSD 870 EVO 500GB");
  CHECK(state.serial == "S62ANJ0R300001X");
  CHECK(state.firmware == "SVT02B6Q");
  CHECK(state.protocol == "ATA");
  CHECK(state.passed == true);
  CHECK(state.temperature_celsius == 35.0);
  CHECK(*state.wear_ratio == Approx(0.07));
  CHECK(state.power_on_seconds == 21034.0 * 3600);
  CHECK(state.power_cycles == 57U);
  CHECK(state.reallocated_sectors == 3U);
  CHECK_FALSE(state.pending_sectors);
  CHECK(state.media_errors == 2U);
  CHECK_FALSE(state.spare_ratio);
  CHECK(*State("ata_statistics.json").wear_ratio == Approx(0.04));  // ATA's own, not the maker's
}

TEST_CASE("smartctl's words on a failing hard disk, whose raw values hold more than a count") {
  const SmartState state = State("ata_failing.json");
  CHECK(state.passed == false);
  CHECK(state.reallocated_sectors == 1976U);
  CHECK(state.pending_sectors == 536U);
  CHECK(state.media_errors == 212U);
  CHECK_FALSE(state.wear_ratio);  // it has none
}

TEST_CASE("smartctl's words on NVMe and SAS disks") {
  SmartState state = State("nvme.json");
  CHECK(state.protocol == "NVMe");
  CHECK(*state.wear_ratio == Approx(0.12));
  CHECK(*state.spare_ratio == Approx(0.97));
  CHECK(state.media_errors == 1U);
  CHECK(state.temperature_celsius == 44.0);
  CHECK_FALSE(state.reallocated_sectors);
  state = State("sas.json");
  CHECK(state.protocol == "SCSI");
  CHECK(state.model == "TOSHIBA AL15SEB24EQY");
  CHECK(state.firmware == "EF05");
  CHECK(state.reallocated_sectors == 7U);
  CHECK(state.media_errors == 3U);
  CHECK(state.power_on_seconds == 26280.0 * 3600);
  CHECK_FALSE(state.wear_ratio);
}

TEST_CASE("what smartctl cannot do, and what is not smartctl's") {
  const auto fault = [](const std::string& text) {
    const auto state = ParseSmart(text);
    REQUIRE_FALSE(state.ok());
    return state.error().message;
  };
  CHECK(fault(Fixture("raid_error.json")) ==
        "Smartctl open device: /dev/bus/0 [megaraid_disk_02] failed: INQUIRY failed");
  CHECK(fault("") == "not valid JSON");
  CHECK(fault("{\"smartctl\": {\"exit_status\": 1}}") == "smartctl cannot ask it");
  for (const char* other : {"{}", "{\"smartctl\": 1}", "{\"smartctl\": {\"exit_status\": \"0\"}}",
                            "{\"smartctl\": {\"exit_status\": 0.5}}"}) {
    CHECK(fault(other) == "is not what smartctl writes");
  }
  CHECK_THAT(fault(std::string(kMaxSmartJson + 1, ' ')), Catch::Contains("above the limit"));
  CHECK_THAT(fault(std::string(100, '[')), Catch::Contains("too deeply"));
  // Whatever is cut, or of another type, harms nothing.
  for (const char* name : {"ata_ssd.json", "ata_statistics.json", "nvme.json", "sas.json"}) {
    const std::string text = Fixture(name);
    for (size_t size = 0; size + 2 < text.size(); size += 7) {
      CHECK_FALSE(ParseSmart(text.substr(0, size)).ok());
    }
    for (size_t at = text.find(": "); at != std::string::npos; at = text.find(": ", at + 1)) {
      const size_t end = text.find_first_of(",\n", at);
      for (const char* value : {"null", "-1", "1e300", "[]", "{}", "\"x\"", "true"}) {
        std::string changed = text;
        if (text[at + 2] != '{' && text[at + 2] != '[')
          changed.replace(at + 2, end - at - 2, value);
        (void)ParseSmart(changed);
      }
    }
  }
}

TEST_CASE("disks that smartctl finds, and those that are named") {
  const auto found = ParseSmartScan(Fixture("scan.json"));
  REQUIRE(found.ok());
  REQUIRE(found->size() == 5);
  CHECK(LabelOf((*found)[0]) == "sda");
  CHECK(LabelOf((*found)[1]) == "nvme0");
  CHECK(LabelOf((*found)[2]) == "bus/0:megaraid,1");
  const auto scan = [](const std::string& devices) {
    return ParseSmartScan("{\"smartctl\":{\"exit_status\":0},\"devices\":[" + devices + "]}")
        .value();
  };
  CHECK(scan("").empty());
  CHECK(ParseSmartScan("{\"smartctl\":{\"exit_status\":0}}").value().empty());
  // Nothing goes onto a command line that is not a disk.
  CHECK(scan(R"({"name":"--version","type":"sat"})").empty());
  CHECK(scan(R"({"name":"/dev/sda","type":"-x"})").empty());
  CHECK(scan(R"({"name":"/dev/sda x","type":"sat"})").empty());
  CHECK(scan(R"({"name":7}, "x", null)").empty());
  CHECK(scan(R"({"name":"/dev/sda"}, {"name":"/dev/sda"})").size() == 1);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "{\"name\":\"/dev/d" + std::to_string(i) + "\"},";
  CHECK(scan(many + R"({"name":"/dev/x"})").size() == kMaxSmartDevices);

  CHECK(ParseSmartDevice("/dev/sda") == SmartDevice{"/dev/sda", ""});
  CHECK(ParseSmartDevice(" /dev/bus/0 -d megaraid,1") == SmartDevice{"/dev/bus/0", "megaraid,1"});
  for (const char* bad : {"", "sda", "/dev/", "/dev/sda -d", "/dev/sda -x sat", "/dev/sda sat",
                          "/dev/sda -d sat x", "/dev/sda -d -x"}) {
    CAPTURE(bad);
    CHECK_FALSE(ParseSmartDevice(bad));
  }
}

TEST_CASE("smart: all disks, one that cannot be asked, one that sleeps") {
  const LogCapture log;
  const TempDir dir;
  Bench bench(Using(dir, kSmartctl));
  CHECK(Read(*bench.source).values.empty());
  auto read = bench.Round();
  CHECK(read.error.empty());
  CHECK(read.values.at(R"(haidang_smart_success{device="sda"})") == 1);
  CHECK(read.values.at(R"(haidang_smart_passed{device="sda"})") == 1);
  CHECK(read.values.at(R"(haidang_smart_reallocated_sectors{device="sda"})") == 3);
  CHECK(read.values.at(R"(haidang_smart_wear_ratio{device="nvme0"})") == Approx(0.12));
  CHECK(read.values.at(R"(haidang_smart_temperature_celsius{device="bus/0:megaraid,1"})") == 33);
  CHECK(read.values.at(R"(haidang_smart_success{device="bus/0:megaraid,2"})") == 0);
  CHECK(read.values.at(R"(haidang_smart_success{device="sdb"})") == 0);
  CHECK(read.values.contains(
      R"(haidang_smart_info{device="nvme0",firmware="AGGA4104",model="KXG60ZNV512G TOSHIBA",protocol="NVMe",serial="59SA10AAAAAA"})"));
  CHECK(log.Count("smart bus/0:megaraid,2: Smartctl open device") == 1);
  CHECK(log.Count("smart sdb: not valid JSON") == 1);
  CHECK_THAT(ReadSmallFile(dir / "calls").value(),
             Catch::Contains("--json=c --scan-open\n") &&
                 Catch::Contains("--json=c --info --health --attributes --log=devstat "
                                 "--nocheck=standby,3 --device=sat /dev/sda\n"));
  // Not before its time; a sleeping disk stays as it was.
  std::filesystem::remove(dir / "calls");
  std::ofstream(dir / "asleep") << "";
  bench.clock.Advance(29min);
  bench.Round();
  CHECK_FALSE(std::filesystem::exists(dir / "calls"));
  bench.clock.Advance(1min);
  read = bench.Round();
  CHECK(std::filesystem::exists(dir / "calls"));
  CHECK(read.values.at(R"(haidang_smart_wear_ratio{device="nvme0"})") == Approx(0.12));
  // One that has always slept says nothing.
  Bench fresh(Using(dir, kSmartctl));
  read = fresh.Round();
  CHECK(read.values.contains(R"(haidang_smart_success{device="sda"})"));
  CHECK_FALSE(read.values.contains(R"(haidang_smart_success{device="nvme0"})"));
}

TEST_CASE("smart: the disks that are named, and no others") {
  const TempDir dir;
  SmartOptions options = Using(dir, kSmartctl);
  options.devices = {{"/dev/bus/0", "megaraid,1"}, {"/dev/none", ""}};
  Bench bench(options);
  const auto read = bench.Round();
  CHECK(read.values.at(R"(haidang_smart_success{device="bus/0:megaraid,1"})") == 1);
  CHECK(read.values.at(R"(haidang_smart_success{device="none"})") == 0);
  CHECK_THAT(ReadSmallFile(dir / "calls").value(), !Catch::Contains("scan"));
}

TEST_CASE("smart: a smartctl that does not work is the source's failure") {
  const TempDir dir;
  const auto error = [&](const std::string& script) {
    SmartOptions options = Using(dir, script);
    options.command.timeout = 300ms;
    return Bench(options).Round().error;
  };
  CHECK(error("exec sleep 100") == "smartctl has not ended after 0.3 s");
  CHECK(error("echo no >&2; exit 1") == "smartctl ended with exit code 1: no");
  CHECK(error("echo '<html>'") == "smartctl: not valid JSON");
  CHECK(error("head -c 400000 /dev/zero") == "smartctl wrote too much");
  SmartOptions missing;
  missing.command.argv = {dir / "none"};
  Bench bench(missing);
  CHECK(bench.Round().error == "none cannot be run: No such file or directory");
  // No disks at all is none.
  CHECK(error("echo '{\"smartctl\":{\"exit_status\":0}}'").empty());
}

TEST_CASE("[smart]") {
  CHECK_FALSE(Parse("").configured);
  const SmartOptions options = Parse(
      "[smart]\ncommand = [\"/usr/bin/sudo\", \"-n\", \"/usr/sbin/smartctl\"]\ninterval = "
      "\"1h\"\ndevices = [\"/dev/sda\", \"/dev/bus/0 -d megaraid,1\"]\n");
  CHECK(options.configured);
  CHECK(options.command.argv.size() == 3);
  CHECK(options.command.timeout == 30s);
  CHECK(options.interval == 1h);
  CHECK(options.devices.size() == 2);
  CHECK(WantsSmart("/", options));
  CHECK_FALSE(WantsSmart("/no/such/root/", Parse("")));
  std::string error;
  Parse("[smart]\ndevices = [\"sda\"]\n", &error);
  CHECK_THAT(error, Catch::Contains("smart.devices: \"sda\" is no disk; allowed: "));
  Parse("[smart]\ncommand = []\n", &error);
  CHECK_THAT(error, Catch::Contains("smart.command: does not begin with the path of a program"));
}
