#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/store/store.h"
#include "core/query.h"
#include "core/result.h"

namespace haidang::detect {

// What a finding is about: there is at most one open finding of each key.
struct FindingKey {
  // "machine_vanished", "probe_failed", "response_slow", "check_failed", "objective_burning"
  std::string kind;
  std::string machine;  // "" of an objective, which is the province's
  std::string journey;
  std::string step;  // of a check: its name
  auto operator<=>(const FindingKey&) const = default;
};

FindingKey KeyOf(const query::Finding& finding);

// The findings that are open, and what of them is not on disk yet. Loop thread only.
class FindingBook {
 public:
  static constexpr size_t kMaxOpen = 100000;
  // What changes of an open finding is known at once and on disk after this; so many at once.
  static constexpr int64_t kAmendMs = 60'000;
  static constexpr size_t kAmendAtOnce = 500;

  // `open`: what the store holds as open; `last_id`: the highest id ever given.
  FindingBook(std::vector<query::Finding> open, int64_t last_id);

  bool IsOpen(const FindingKey& key) const { return open_.contains(key); }
  // Gives it its id. Nothing where one of this key is open, or too many are.
  void Open(query::Finding finding);
  // Its evidence as it is now: these take the place of what stands under their names. Nothing where
  // it is not open.
  struct Evidence {
    std::map<std::string, double> numbers{};
    std::map<std::string, std::string> words{};
  };
  void Amend(const FindingKey& key, const Evidence& now, int64_t now_ms);
  // The open one of this key; null where there is none.
  const query::Finding* Find(const FindingKey& key) const;
  // Adds to its evidence how long it was open, and `why` where it is not "". Nothing where it is
  // not open.
  void Close(const FindingKey& key, int64_t now_ms, const std::string& why);

  const std::map<FindingKey, query::Finding>& open() const { return open_; }

  // At each second: what was amended a while ago is to be saved.
  void Tick(int64_t now_ms);

  bool unsaved() const { return !unsaved_.empty(); }
  Status Flush(store::Store& store);
  void Saved() { unsaved_.clear(); }

 private:
  std::map<FindingKey, query::Finding> open_;
  std::map<int64_t, query::Finding> unsaved_;  // by id
  // What was amended and not saved since: when it was first, each once.
  std::deque<std::pair<int64_t, FindingKey>> amended_;
  std::set<FindingKey> amended_keys_;
  int64_t last_id_;
};

}  // namespace haidang::detect
