#include <cstdlib>
#include <filesystem>

#include "collector/store/for_each.h"
#include "collector/store/statements.h"
#include "collector/store/store.h"
#include "core/log.h"

// That the file does not grow for ever.
namespace haidang::store {
namespace {

constexpr int kIncremental = 2;               // of PRAGMA auto_vacuum
constexpr int64_t kSpareShare = 16;           // one in so many pages may be free
constexpr uintmax_t kSpareBytes = 256 << 20;  // left on the disk

Result<int64_t> Number(Database& db, const char* sql) {
  int64_t number = 0;
  auto read = ForEach(db, sql, [&](const Statement& s) { number = s.Int(0); });
  if (!read) return read.error();
  return number;
}

}  // namespace

// A file of an earlier version is written anew, once.
void Store::MakeShrinkable() {
  const auto mode = Number(db_, "PRAGMA auto_vacuum");
  if (!mode || *mode == kIncremental) return;
  std::error_code failed;
  const uintmax_t size = std::filesystem::file_size(path(), failed);
  const auto space = std::filesystem::space(std::filesystem::path(path()).parent_path(), failed);
  // The copy, and the log through which it goes.
  if (failed || space.available < 2 * size + kSpareBytes) {
    spdlog::warn(
        "{}: there is no room to write it anew ({} MiB are needed), so it keeps its size whatever "
        "is deleted; make room and start again",
        path(), (2 * size + kSpareBytes) >> 20);
    return;
  }
  spdlog::info("{}: is written anew, once, so that it can shrink: {} MiB", path(), size >> 20);
  if (auto done = db_.Exec("VACUUM"); !done) {
    spdlog::warn("{}; it keeps its size whatever is deleted", done.error().message);
    return;
  }
  if (auto done = db_.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); !done) {
    spdlog::warn("{}", done.error().message);
  }
}

Status Store::Shrink(const Clock& clock, std::chrono::microseconds budget) {
  Statement& count = *statements_->free_pages;
  auto row = count.Step();
  if (!row) return row.error();
  const int64_t pages = count.Int(1);
  int64_t excess = count.Int(0) - std::max(options_.spare_pages, pages / kSpareShare);
  count.Reset();
  if (excess <= 0) return {};
  if (auto begun = Begin(); !begun) return begun;
  const int64_t end_ns = clock.MonotonicNs() + budget.count() * 1000;
  Statement& shrink = *statements_->shrink;
  // One page at each step.
  for (; excess > 0 && clock.MonotonicNs() < end_ns; --excess) {
    auto moved = shrink.Step();
    if (!moved) {
      Rollback();
      return moved.error();
    }
    if (!*moved) return {};
  }
  shrink.Reset();
  return {};
}

}  // namespace haidang::store
