#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/item_trouble.h"
#include "agent/sources/json_pick.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/sample.h"

namespace haidang::agent {

// A number of a JSON document, and the series that it becomes.
struct JsonSeries {
  JsonPointer pointer;
  std::string text;  // of the pointer, for messages
  SeriesId series;
  bool work_done = false;  // haidang_volume_total: a whole number that only grows
};

// What [[http_json]] and [[exec_json]] share.
struct JsonOptions {
  std::string name;
  std::vector<JsonSeries> series;
};

// What the sections of a configuration may have but once: series of two sources would be one.
struct JsonTaken {
  std::set<std::string, std::less<>> names;
  std::set<std::pair<std::string, std::string>> volumes;  // system and kind
};

// The keys `name`, [[….value]] and [[….volume]] of `table`, which is not finished yet.
JsonOptions ReadJsonOptions(ConfigTable& table, JsonTaken& taken);

// A document that is asked for again and again, and its series. Loop thread only.
class JsonItem {
 public:
  static constexpr size_t kMaxBytes = 1U << 20;  // of a document

  // `source` begins the lines of its log. `clock` must outlive it.
  JsonItem(std::string_view source, JsonOptions options, const Clock& clock);

  void Answered(std::string_view document);
  // There is no document, because of `why`: its series have no value.
  void Failed(std::string_view why);

  // What the last answer brought; nothing before the first.
  void Report(std::vector<Reading>& readings) const;

 private:
  JsonOptions options_;
  std::vector<JsonPointer> pointers_;  // of options_.series
  ItemTrouble trouble_;
  std::optional<bool> success_;
  std::vector<Value> values_;  // of options_.series
};

}  // namespace haidang::agent
