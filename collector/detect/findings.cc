#include "collector/detect/findings.h"

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
