// haidang-fake-systemd ROOT: the stand-in for systemd below ROOT, for tests that are no C++. Each
// line of standard input, "UNIT ACTIVE-STATE", sets one unit's state, and is answered with "ok"
// once it counts. Ends with its standard input.
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "tests/agent/fake_systemd.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: haidang-fake-systemd ROOT\n", stderr);
    return 2;
  }
  try {
    haidang::testing::FakeSystemd systemd(std::string(argv[1]) + "/");
    std::map<std::string, haidang::testing::FakeUnit> units;
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string name;
      std::string state;
      if (!(words >> name >> state)) {
        std::fprintf(stderr, "haidang-fake-systemd: not \"UNIT ACTIVE-STATE\": %s\n", line.c_str());
        return 2;
      }
      units[name].active = state;
      systemd.Set(units);
      std::cout << "ok" << std::endl;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "haidang-fake-systemd: %s\n", error.what());
    return 1;
  }
  return 0;
}
