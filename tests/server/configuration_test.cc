#include "server/configuration.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

using namespace haidang;
using namespace haidang::server;

namespace {

// A configuration that is right, file by file, until a test breaks one of them.
struct Files {
  testing::TempDir dir;
  std::string secret = dir / "secret", sites = dir / "sites.csv", inventory = dir / "inventory.csv",
              state = dir / "state", calendar = dir / "calendar.csv";

  Files() {
    Write(secret, "0123456789abcdef\n");
    ::chmod(secret.c_str(), 0640);
    Write(sites, "code,name,level,parent_code\n22,Quảng Ninh,province,\n");
    Write(inventory, "machine,site,class\npc-1,22,server\n");
    Write(calendar, "date,kind\n2026-04-27,off\n2026-04-26,work\n");
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  Result<Configuration> Load() {
    const std::string path = dir / "server.toml";
    Write(path, "[collector]\nsecret_file = \"" + secret + "\"\n[state]\ndirectory = \"" + state +
                    "\"\n[sites]\nfile = \"" + sites + "\"\n[inventory]\nfile = \"" + inventory +
                    "\"\n[calendar]\nfile = \"" + calendar + "\"\n");
    return LoadConfiguration(path);
  }
  std::string Refusal() {
    const auto configuration = Load();
    REQUIRE_FALSE(configuration);
    return configuration.error().message;
  }
};

}  // namespace

TEST_CASE_METHOD(Files, "what the options name is read; nothing is made") {
  const auto configuration = Load();
  if (!configuration) FAIL(configuration.error().message);
  REQUIRE(configuration->sites);
  CHECK(configuration->sites->rows[0].name == "Quảng Ninh");
  REQUIRE(configuration->inventory);
  CHECK(configuration->inventory->rows[0].machine == "pc-1");
  CHECK(configuration->calendar.week.size() == 7);
  CHECK(configuration->calendar.week == configuration->options.office_hours);
  CHECK(configuration->calendar.days ==
        std::vector<CalendarDay>{{"2026-04-26", true}, {"2026-04-27", false}});
  CHECK_FALSE(std::filesystem::exists(state));
}

TEST_CASE_METHOD(Files, "without a calendar offices are always open") {
  calendar = "";
  const auto configuration = Load();
  REQUIRE(configuration);
  CHECK(configuration->calendar == CalendarRules{});
}

TEST_CASE_METHOD(Files, "a fault of a named file is told at the key that names it") {
  using Catch::Contains;
  SECTION("secret missing") {
    secret = dir / "none";
    CHECK_THAT(Refusal(), Contains("server.toml:2: collector.secret_file: ") && Contains("none"));
  }
  SECTION("secret for everybody") {
    ::chmod(secret.c_str(), 0644);
    CHECK_THAT(Refusal(), Contains("server.toml:2: collector.secret_file: ") &&
                              Contains("chmod 0640 " + secret) && Contains("allowed: "));
  }
  SECTION("secret too short") {
    Write(secret, "short");
    CHECK_THAT(Refusal(), Contains("server.toml:2: collector.secret_file: ") && Contains("16"));
  }
  SECTION("state within a file") {
    state = sites + "/state";
    CHECK_THAT(Refusal(), Contains("server.toml:4: state.directory: ") && Contains("allowed: "));
  }
  SECTION("places missing") {
    sites = dir / "none.csv";
    CHECK_THAT(Refusal(), Contains("server.toml:6: sites.file: ") && Contains("none.csv"));
  }
  SECTION("places wrong") {
    Write(sites, "code,name,level,parent_code\n1,A,p,9\n");
    CHECK_THAT(Refusal(), Contains("server.toml:6: sites.file: ") && Contains("parent \"9\""));
  }
  SECTION("calendar missing") {
    calendar = dir / "none.csv";
    CHECK_THAT(Refusal(), Contains("server.toml:10: calendar.file: ") && Contains("none.csv"));
  }
  SECTION("calendar wrong") {
    Write(calendar, "date,kind\n2026-04-27,off\n2026-04-31,off\n");
    CHECK_THAT(Refusal(), Contains("server.toml:10: calendar.file: ") &&
                              Contains(calendar + ": line 3: date: \"2026-04-31\" is no day"));
  }
  SECTION("inventory wrong") {
    Write(inventory, "machine\n");
    CHECK_THAT(Refusal(), Contains("server.toml:8: inventory.file: ") && Contains(inventory));
  }
}
