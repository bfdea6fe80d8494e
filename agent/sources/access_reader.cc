#include "agent/sources/access_reader.h"

#include <utility>

#include "agent/sources/access_state.h"
#include "agent/sources/text.h"
#include "core/io/files.h"
#include "core/log.h"
#include "core/utf8.h"

namespace haidang::agent {
namespace {

// A minute at 15 s: a power cut in between makes up to a minute's lines be counted again from where
// they stand, not doubled.
constexpr uint64_t kSyncEvery = 4;  // stores

}  // namespace

AccessReader::AccessReader(const std::string& root, AccessLogOptions options,
                           std::string state_path, uint64_t bytes_per_run)
    : options_(std::move(options)),
      state_path_(std::move(state_path)),
      counts_(std::make_unique<AccessCounts>(options_.groups, options_.volumes)),
      follower_(root, {.pattern = options_.pattern,
                       .from_start = state_path_.empty(),
                       .bytes_per_run = bytes_per_run}) {}

Result<std::shared_ptr<const AccessReport>> AccessReader::Run() {
  if (const Status loaded = Load(); !loaded) return loaded.error();
  // That a series has begun must outlast a power cut before it is told in full: told as zero once
  // more it would seem to have begun anew.
  const bool begins = settled_ && counts_->Begin();
  const auto read = follower_.Run(*this);
  settled_ = settled_ || (read && *read) || state_path_.empty();
  if (state_path_.empty()) counts_->Begin();
  const Status stored = Store(begins);
  if (!read) return read.error();
  auto report = std::make_shared<AccessReport>();
  report->settled = settled_;
  report->unread_bytes = follower_.unread_bytes();
  if (!stored) report->store_fault = stored.error().message;
  if (settled_) {
    counts_->Report(options_.name, report->readings);
    for (size_t i = 0; i < options_.volumes.size(); ++i) {
      report->volumes.push_back(counts_->volume(i));
    }
  }
  return std::shared_ptr<const AccessReport>(std::move(report));
}

void AccessReader::Line(std::string& note, std::string_view line) {
  AccessLine request;
  switch (options_.format.Parse(line, note, request)) {
    case LineKind::kRequest:
      return counts_->Request(request);
    case LineKind::kRemark:
      return;
    case LineKind::kBad:
      return counts_->Bad();
  }
}

// For the directives that tell what comes after them.
void AccessReader::Passed(std::string& note, std::string_view head) {
  if (!options_.format.has_directives()) return;
  while (!head.empty()) {
    const std::string_view line = TakeLine(head);
    AccessLine ignored;
    if (line.starts_with('#')) static_cast<void>(options_.format.Parse(line, note, ignored));
  }
}

void AccessReader::Lost(const std::string& path) {
  counts_->Lost();
  spdlog::warn("access_log {}: what was written last to {} could not be found any more",
               options_.name, Printable(path));
}

Status AccessReader::Load() {
  if (loaded_ || state_path_.empty()) return {};
  auto text = ReadStateFile(state_path_);
  if (!text) return text.error();
  loaded_ = true;
  if (!*text) return {};
  auto tails = ParseAccessState(**text, *counts_);
  if (tails) {
    follower_.Restore(std::move(*tails));
    stored_ = std::move(**text);
    return {};
  }
  counts_ = std::make_unique<AccessCounts>(options_.groups, options_.volumes);
  counts_->Lost();
  spdlog::warn("access_log {}: {} {}; goes on at the end of the log", options_.name, state_path_,
               tails.error().message);
  return {};
}

Status AccessReader::Store(bool sync) {
  if (state_path_.empty()) return {};
  std::string text = FormatAccessState(follower_.states(), *counts_);
  if (text == stored_) return {};
  const Status written = ReplaceFile(state_path_, text, 0640, sync || stores_ % kSyncEvery == 0);
  ++stores_;
  if (written) stored_ = std::move(text);
  return written;
}

}  // namespace haidang::agent
