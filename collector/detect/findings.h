#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/store/store.h"
#include "core/query.h"
#include "core/result.h"

namespace haidang::detect {

// What a finding is about: there is at most one open finding of each key.
struct FindingKey {
  std::string kind;  // "machine_vanished", "probe_failed", "response_slow"
  std::string machine;
  std::string journey;
  std::string step;
  auto operator<=>(const FindingKey&) const = default;
};

FindingKey KeyOf(const query::Finding& finding);

// The findings that are open, and what of them is not on disk yet. Loop thread only.
class FindingBook {
 public:
  static constexpr size_t kMaxOpen = 100000;

  // `open`: what the store holds as open; `last_id`: the highest id ever given.
  FindingBook(std::vector<query::Finding> open, int64_t last_id);

  bool IsOpen(const FindingKey& key) const { return open_.contains(key); }
  // Gives it its id. Nothing where one of this key is open, or too many are.
  void Open(query::Finding finding);
  // Adds to its evidence how long it was open, and `why` where it is not "". Nothing where it is
  // not open.
  void Close(const FindingKey& key, int64_t now_ms, const std::string& why);

  const std::map<FindingKey, query::Finding>& open() const { return open_; }

  bool unsaved() const { return !unsaved_.empty(); }
  Status Flush(store::Store& store);
  void Saved() { unsaved_.clear(); }

 private:
  std::map<FindingKey, query::Finding> open_;
  std::map<int64_t, query::Finding> unsaved_;  // by id
  int64_t last_id_;
};

}  // namespace haidang::detect
