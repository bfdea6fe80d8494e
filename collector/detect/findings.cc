#include "collector/detect/findings.h"

#include <algorithm>
#include <utility>

namespace haidang::detect {

FindingKey KeyOf(const query::Finding& finding) {
  return {finding.kind, finding.machine, finding.journey, finding.step};
}

FindingBook::FindingBook(std::vector<query::Finding> open, int64_t last_id) : last_id_(last_id) {
  for (query::Finding& finding : open) {
    FindingKey key = KeyOf(finding);
    open_.emplace(std::move(key), std::move(finding));
  }
}

void FindingBook::Open(query::Finding finding) {
  FindingKey key = KeyOf(finding);
  if (open_.size() >= kMaxOpen || open_.contains(key)) return;
  finding.id = ++last_id_;
  unsaved_[finding.id] = finding;
  open_.emplace(std::move(key), std::move(finding));
}

const query::Finding* FindingBook::Find(const FindingKey& key) const {
  const auto it = open_.find(key);
  return it == open_.end() ? nullptr : &it->second;
}

void FindingBook::Amend(const FindingKey& key, const Evidence& now, int64_t now_ms) {
  const auto it = open_.find(key);
  if (it == open_.end()) return;
  bool changed = false;
  const auto take = [&changed](auto& old, const auto& fresh) {
    for (const auto& [name, value] : fresh) {
      const auto [at, added] = old.try_emplace(name, value);
      changed = changed || added || at->second != value;
      at->second = value;
    }
  };
  take(it->second.numbers, now.numbers);
  take(it->second.words, now.words);
  if (changed && amended_keys_.insert(key).second) amended_.emplace_back(now_ms, key);
}

void FindingBook::Tick(int64_t now_ms) {
  for (size_t i = 0; i < kAmendAtOnce && !amended_.empty(); ++i) {
    const auto& [since_ms, key] = amended_.front();
    // A clock that stepped back must not put it off for ever.
    if (since_ms <= now_ms && now_ms - since_ms < kAmendMs) return;
    if (const query::Finding* finding = Find(key)) unsaved_[finding->id] = *finding;
    amended_keys_.erase(key);
    amended_.pop_front();
  }
}

void FindingBook::Close(const FindingKey& key, int64_t now_ms, const std::string& why) {
  auto node = open_.extract(key);
  if (node.empty()) return;
  query::Finding finding = std::move(node.mapped());
  finding.closed_ms = std::max(now_ms, finding.opened_ms);
  finding.numbers["open_seconds"] =
      static_cast<double>(*finding.closed_ms - finding.opened_ms) / 1000;
  if (!why.empty()) finding.words["closed_because"] = why;
  unsaved_[finding.id] = std::move(finding);
}

Status FindingBook::Flush(store::Store& store) {
  for (const auto& [id, finding] : unsaved_) {
    if (auto done = store.Put(finding); !done) return done;
  }
  return {};
}

}  // namespace haidang::detect
