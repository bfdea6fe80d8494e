#pragma once

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

// The samples under packaging/sample: a key behind "#" (without a space) shows its default.
namespace haidang {

inline std::string ReadSample(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The sample with every such key taken into use.
inline std::string Uncommented(const std::string& sample) {
  return std::regex_replace(sample, std::regex("(^|\n)#([a-z\\[])"), "$1$2");
}

// The sample with a key that nobody knows in `section`.
inline std::string WithUnknownKey(std::string sample, const std::string& section) {
  const std::string head = "\n[" + section + "]\n";
  return sample.insert(sample.find(head) + head.size(), "zzzzzzzz = 1\n");
}

// The keys that a fault about an unknown key lists as allowed.
inline std::vector<std::string> KeysAllowedBy(const std::string& fault) {
  std::vector<std::string> keys;
  const std::string_view marker = "allowed: ";
  std::string rest = fault.substr(fault.find(marker) + marker.size()) + ", ";
  for (size_t comma; (comma = rest.find(", ")) != std::string::npos; rest.erase(0, comma + 2)) {
    keys.push_back(rest.substr(0, comma));
  }
  return keys;
}

}  // namespace haidang
