#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace haidang {

// A TOML table that is read strictly: each key is taken by name, type and range; what was not taken
// is refused by Finish(). The first fault is kept, so that callers read everything and check once;
// but where a required key is missing, and an unknown one stands in its table or in one around it,
// the unknown one is told: it is the misspelt one.
//
//   ConfigTable root = file.root();
//   options.interval = root.Duration("interval", options.interval, 1s, 1h);
//   root.Finish();  // unknown keys
//   if (const auto error = file.error()) return *error;
//   // "agent.toml:7: intervall: unknown key, did you mean interval?; allowed: interval"
//
// Not thread-safe. Tables must not outlive their ConfigFile.
class ConfigTable;

class ConfigFile {
 public:
  // Reads and parses; an Error names file, line and column. Files above 1 MiB are refused.
  static Result<std::unique_ptr<ConfigFile>> Load(const std::string& path);
  static Result<std::unique_ptr<ConfigFile>> Parse(std::string_view text, std::string path);
  ~ConfigFile();
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;

  ConfigTable root();
  // The first fault that any table of this file met: "file:line: key: what; allowed: …".
  std::optional<Error> error() const;

  struct State;

 private:
  explicit ConfigFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class ConfigTable {
 public:
  // The sub-table `key`, an empty one where it is absent.
  ConfigTable Table(std::string_view key);
  // The array of tables `key`, empty where it is absent; more than `max` is a fault.
  std::vector<ConfigTable> Tables(std::string_view key, size_t max = 256);
  bool Has(std::string_view key) const;

  std::string String(std::string_view key, std::string fallback, size_t max_bytes = 4096);
  std::string RequiredString(std::string_view key, size_t max_bytes = 4096);
  std::string OneOf(std::string_view key, std::string fallback,
                    std::initializer_list<std::string_view> allowed);
  bool Bool(std::string_view key, bool fallback);
  int64_t Integer(std::string_view key, int64_t fallback, int64_t min, int64_t max);
  double Number(std::string_view key, double fallback, double min, double max);
  // A number is seconds; a string is a number with "ms", "s", "min", "h" or "d" ("15s", "1.5h").
  std::chrono::milliseconds Duration(std::string_view key, std::chrono::milliseconds fallback,
                                     std::chrono::milliseconds min, std::chrono::milliseconds max);
  std::vector<std::string> Strings(std::string_view key, std::vector<std::string> fallback,
                                   size_t max = 256);
  // As RequiredString.
  std::vector<std::string> RequiredStrings(std::string_view key, size_t max = 256);
  std::vector<int64_t> Integers(std::string_view key, std::vector<int64_t> fallback, int64_t min,
                                int64_t max, size_t max_count = 256);
  // The table `key` of texts, whose keys may be anything; empty where it is absent.
  std::map<std::string, std::string, std::less<>> Texts(std::string_view key, size_t max = 64);

  // Records a fault of the caller's own at `key`; `what` ends in "; allowed: …".
  void Fault(std::string_view key, std::string_view what);
  // Refuses keys that were not asked for.
  void Finish();

 private:
  friend class ConfigFile;
  // The node `key` (toml::node, null where absent), which is known from now on.
  const void* Take(std::string_view key);
  // Fault(): `key` is required and missing.
  void Miss(std::string_view key, std::string_view allowed);
  // Fault(): "<must>, is <what stands there>; allowed: <allowed>".
  void Refuse(std::string_view key, std::string_view must, std::string_view allowed);

  ConfigTable(ConfigFile::State* state, const void* table, std::string path);
  ConfigFile::State* state_;
  const void* table_;  // toml::table, null where absent
  std::string path_;   // "probe[0].", for messages
  std::vector<std::string> known_;
};

}  // namespace haidang
