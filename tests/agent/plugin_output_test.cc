#include "agent/sources/plugin_output.h"

#include <catch2/catch.hpp>
#include <random>

using namespace haidang::agent;

namespace {

// The only value of a plug-in that printed `data`; nothing bad.
PluginValue One(const std::string& data) {
  const PluginOutput output = ParsePluginOutput("OK|" + data);
  INFO(data);
  CHECK(output.bad == 0);
  REQUIRE(output.values.size() == 1);
  return output.values[0];
}

double Number(const std::string& value) {
  const auto number = One("x=" + value).number;
  REQUIRE(number);
  return *number;
}

size_t Bad(const std::string& data) {
  const PluginOutput output = ParsePluginOutput("OK|" + data);
  return output.bad;
}

}  // namespace

TEST_CASE("what Debian's plug-ins print") {
  PluginOutput output = ParsePluginOutput(
      "LOAD OK - total load average: 2.72, 2.17, 1.78|load1=2.720;5.000;10.000;0; "
      "load5=2.170;5.000;10.000;0; load15=1.780;5.000;10.000;0; \n");
  CHECK(output.text == "LOAD OK - total load average: 2.72, 2.17, 1.78");
  CHECK(output.bad == 0);
  REQUIRE(output.values.size() == 3);
  CHECK(output.values[0].label == "load1");
  CHECK(output.values[0].unit.empty());
  CHECK(output.values[0].number == 2.72);
  CHECK(output.values[0].warning == PluginRange{{}, 5.0});
  CHECK(output.values[0].critical == PluginRange{{}, 10.0});
  CHECK(output.values[0].possible == PluginRange{0.0, {}});

  output = ParsePluginOutput(
      "DISK OK - free space: / 51576MiB (52% inode=97%);| "
      "/=48663363584B;243497277849;257024904396;0;270552530944\n");
  CHECK(output.bad == 0);
  REQUIRE(output.values.size() == 1);
  CHECK(output.values[0].label == "/");
  CHECK(output.values[0].unit == "bytes");
  CHECK(output.values[0].number == 48663363584.0);
  CHECK(output.values[0].possible == PluginRange{0.0, 270552530944.0});

  output = ParsePluginOutput(
      "PING OK - Packet loss = 0%, RTA = 0.12 ms|rta=0.125000ms;100.000000;500.000000;0.000000 "
      "pl=25%;20;60;0;");
  REQUIRE(output.values.size() == 2);
  CHECK(output.values[0].unit == "seconds");
  CHECK(*output.values[0].number == Approx(0.000125));
  CHECK(*output.values[0].critical.max == Approx(0.5));
  CHECK(output.values[1].unit == "ratio");
  CHECK(*output.values[1].number == Approx(0.25));
  CHECK(*output.values[1].warning.max == Approx(0.2));

  output = ParsePluginOutput("connect to address 127.0.0.1 and port 1: Connection refused\n");
  CHECK(output.text == "connect to address 127.0.0.1 and port 1: Connection refused");
  CHECK(output.values.empty());
  CHECK(output.bad == 0);
}

TEST_CASE("more lines, and performance data behind them") {
  const PluginOutput output = ParsePluginOutput(
      "DISK OK - free space: / 3326 MB | /=2643MB;5948;5958;0;5968\n"
      "/ 15272 MB\n/boot 68 MB\n/home 69357 MB | /boot=68MB;88;93;0;98\n"
      "/home=69357MB;253404;253409;0;253414\n'/var/log'=818MB | x=1\n");
  CHECK(output.text == "DISK OK - free space: / 3326 MB");
  CHECK(output.bad == 1);  // the third "|"
  REQUIRE(output.values.size() == 5);
  CHECK(output.values[1].label == "/boot");
  CHECK(output.values[2].number == 69357e6);
  CHECK(output.values[3].label == "/var/log");
}

TEST_CASE("labels") {
  CHECK(One("'free space'=1").label == "free space");
  CHECK(One("'it''s'=1").label == "it's");
  CHECK(One("'a=b'=1").label == "a=b");
  CHECK(One("C:\\=1").label == "C:\\");
  CHECK(One("'C:\\ %'=1").label == "C:\\ %");
  CHECK(One("ổ_đĩa=1").label == "ổ_đĩa");
  CHECK(One("'a\x01\xFF'=1").label == "a?\xEF\xBF\xBD");
  CHECK(One(std::string(300, 'x') + "=1").label == std::string(kMaxPluginLabel, 'x'));
  CHECK(Bad("=1") == 1);
  CHECK(Bad("''=1") == 1);
  CHECK(Bad("'x=1") == 1);
  CHECK(Bad("'x'1") == 1);
  CHECK(Bad("x") == 1);
  CHECK(Bad("'") == 1);
  CHECK(Bad("a=1 a=2") == 1);  // each label once
}

TEST_CASE("units become base units") {
  CHECK(Number("1") == 1);
  CHECK(Number("-1.5") == -1.5);
  CHECK(Number("+1") == 1);
  CHECK(Number(".5") == 0.5);
  CHECK(Number("1e3") == 1000);
  CHECK(Number("1.5e-05s") == 1.5e-5);
  CHECK(Number("2s") == 2);
  CHECK(Number("20ms") == Approx(0.02));
  CHECK(Number("20us") == Approx(2e-5));
  CHECK(Number("50%") == 0.5);
  CHECK(Number("5B") == 5);
  CHECK(Number("5KB") == 5000);
  CHECK(Number("5kB") == 5000);
  CHECK(Number("5TB") == 5e12);
  CHECK(Number("5EB") == 5e18);
  CHECK(Number("5KiB") == 5120);
  CHECK(Number("1GiB") == 1073741824);
  CHECK(One("x=3c").counter);
  CHECK(One("x=3c").unit.empty());
  CHECK_FALSE(One("x=3C").counter);
  CHECK(One("x=3C").unit == "C");
  CHECK(One("x=3°C").unit == "°C");
  CHECK(One("x=3rpm").unit == "rpm");
  CHECK_FALSE(One("x=U").number);
  CHECK_FALSE(One("x=U;1;2").number);
  for (const char* bad :
       {"x=", "x=abc", "x=nan", "x=inf", "x=1,5", "x=1.2.3", "x=0x10", "x=1e999", "x=1e308KB",
        "x=-", "x=;1;2", "x=1=2", "x=1abcdefghijklmnopqrstuvwxyz", "x=1\xFF"}) {
    INFO(bad);
    const PluginOutput output = ParsePluginOutput("|" + std::string(bad));
    CHECK(output.bad == 1);
    CHECK(output.values.empty());
  }
}

TEST_CASE("thresholds are ranges of what is good") {
  const auto range = [](const std::string& text) { return One("x=1;" + text).warning; };
  CHECK(range("") == PluginRange{});
  CHECK(range("10") == PluginRange{{}, 10.0});
  CHECK(range("10:") == PluginRange{10.0, {}});
  CHECK(range("~:10") == PluginRange{{}, 10.0});
  CHECK(range("10:20") == PluginRange{10.0, 20.0});
  CHECK(range("-5:5") == PluginRange{-5.0, 5.0});
  CHECK(range("@10:20") == PluginRange{});
  CHECK(range("@10") == PluginRange{});
  CHECK(One("x=1ms;10:20").warning == PluginRange{10.0 * 1e-3, 20.0 * 1e-3});
  CHECK(One("x=1%;80%;90%").critical == PluginRange{{}, 90 * 0.01});
  CHECK(One("x=1%;;90;0;100").possible == PluginRange{0.0, 1.0});
  CHECK(One("x=1;;;;").critical == PluginRange{});
  CHECK(One("x=1;;;;;;;;").label == "x");
  // The value is good all the same.
  for (const char* bad :
       {"x=1;a", "x=1;20:10", "x=1;1:2:3", "x=1;10ms", "x=1;@", "x=1;;;a", "x=1;;;;b"}) {
    const PluginOutput output = ParsePluginOutput("|" + std::string(bad));
    INFO(bad);
    CHECK(output.bad == 1);
    REQUIRE(output.values.size() == 1);
    CHECK(output.values[0].number == 1.0);
  }
}

TEST_CASE("hostile output is bounded") {
  CHECK(ParsePluginOutput("").text.empty());
  CHECK(ParsePluginOutput("|").values.empty());
  CHECK(ParsePluginOutput("\n\n\n").text.empty());
  CHECK(ParsePluginOutput(std::string("a\0b\x1B[31m\r\n", 9)).text == "a?b?[31m");
  CHECK(ParsePluginOutput(std::string(100'000, 'x')).text.size() == kMaxPluginText);
  std::string many = "|";
  for (int i = 0; i < 5000; ++i) many += std::to_string(i) + "=1 ";
  const PluginOutput output = ParsePluginOutput(many);
  CHECK(output.values.size() == kMaxPluginValues);
  CHECK(output.bad == 5000 - kMaxPluginValues);
  for (const char* piece : {"' ", "'' ", "= ", "x= ", "'x ", "x=1;"}) {
    std::string text = "|";
    while (text.size() < 64 << 10) text += piece;
    CHECK(ParsePluginOutput(text).values.size() <= 1);
  }
  std::mt19937 random(7);
  const std::string alphabet = "'=;|:@~ \n%0123456789.-eEUKiBmsc\xFF\x01";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t length = random() % 60; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    const PluginOutput any = ParsePluginOutput(text);
    CHECK(any.values.size() + any.bad <= text.size());
  }
}
