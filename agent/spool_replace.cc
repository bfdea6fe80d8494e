#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <new>
#include <utility>

#include "agent/sqlite_spool.h"
#include "core/log.h"

// Which database the spool works on: its file, another one where that is damaged, or one in memory
// where there can be none.
namespace haidang::agent {
namespace {

bool HasContent(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return !error && size > 0;
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options, const Clock& clock,
                                           std::function<uint64_t()> random64) {
  const Status claimed = options.claim();
  Result<SpoolFile> file = claimed ? OpenSpoolFile(options.path, options.machine, clock)
                                   : OpenSpoolInMemory(claimed.error());
  if (!file) return file.error();
  auto spool = std::make_unique<SqliteSpool>(std::move(options), clock, std::move(random64),
                                             std::move(file).value());
  if (Status loaded = spool->Start(); !loaded) return loaded.error();
  return std::unique_ptr<Spool>(std::move(spool));
}

Status SqliteSpool::Start() {
  const Status loaded = Load();
  if (!loaded) NoteFault();
  if (!damaged_) return loaded;
  Replace();
  return {};
}

// The file turned out to be damaged while we used it. What waited in it is lost, counted, and told
// to the collector under the spool ids that it had.
void SqliteSpool::Replace() {
  const Books lost = books_;
  const size_t waited = waiting_batches();
  const uint64_t last_alias = names_.last_alias();
  const uint8_t bd_seq = bd_seq_;
  sql_.reset();
  { const Database closed = std::move(db_); }
  memory_.clear();
  memory_bytes_ = 0;
  const auto begin = [&](Result<SpoolFile> file) -> Status {
    if (Status s = Use(std::move(file)); !s) return s;
    return InTransaction([&] { return CarryOn(lost, last_alias, bd_seq); });
  };
  const Status begun = begin(ReplaceSpoolFile(options_.path, options_.machine, clock_));
  // In memory nothing but the want of memory stands in the way.
  if (!begun && !begin(OpenSpoolInMemory(begun.error()))) throw std::bad_alloc();
  books_.dropped = lost.dropped + waited;
}

// In a transaction, in a new file. Its aliases are others than those of the old one, whose spool
// ids stand below all that is recorded in it.
Status SqliteSpool::CarryOn(const Books& lost, uint64_t last_alias, uint8_t bd_seq) {
  bd_seq_ = bd_seq;
  if (Status s = SaveBdSeq(); !s) return s;
  if (Status s = names_.ContinueAfter(db_, last_alias); !s) return s;
  const int64_t shift = current_base() - LastRow(std::prev(lost.spools.end())) - 1;
  for (auto spool = lost.spools.begin(); spool != lost.spools.end(); ++spool) {
    if (spool->second.next == 1) continue;
    SpoolId old = spool->second;
    old.reason = "corrupt";
    if (Status s = InsertSpool(spool->first + shift, old); !s) return s;
    books_.spools.emplace(spool->first + shift, std::move(old));
    const RowSet settled = lost.settled.Within(spool->first + 1, LastRow(spool));
    for (const auto& [first, last] : settled.ranges()) {
      books_.settled.Add(first + shift, last + shift);
    }
  }
  books_.ended = lost.ended;
  return LeaveSpools();
}

Status SqliteSpool::Use(Result<SpoolFile> file) {
  if (!file) return file.error();
  sql_.reset();
  db_ = std::move(file->db);
  in_memory_ = file->in_memory;
  books_ = {};
  damaged_ = false;
  full_sync_ = false;
  synced_ns_.reset();
  return Load();
}

// Where the disk still has no room, the next try comes later.
void SqliteSpool::ReturnToFile() {
  if (clock_.MonotonicNs() < return_ns_) return;
  const bool waits = waiting_batches() > 0;
  // The two give the same aliases to other series: what waits here cannot go into an old file.
  if (waits && HasContent(options_.path)) return;
  return_ns_ = clock_.MonotonicNs() + kReturnEveryNs;
  if (!options_.claim()) return;
  if (waits && !CopyToFile()) return;
  DatabaseFault fault = DatabaseFault::kNone;
  Result<Database> db = OpenSpoolDatabase(options_.path, options_.machine, clock_, fault);
  if (!db) return;
  SqliteSpool file(options_, clock_, random64_, SpoolFile{std::move(db).value(), false});
  if (!file.Load() || !file.books_.begun) return;
  if (!file.InTransaction([&] { return file.TakeEnded(*this); })) return;
  file.bd_seq_ = bd_seq_;  // that of the connection that is up
  if (!file.SaveBdSeq()) return;
  Adopt(std::move(file));
  spdlog::info("{}: there is room again; batches are written to the file, {} of which wait in it",
               options_.path, waiting_batches());
}

// All that is in memory into a new file; false where there is no room.
bool SqliteSpool::CopyToFile() {
  const int fd = open(options_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  if (!InTransaction([&] { return SaveSettled(); })) return false;
  Result<Statement> copy = db_.Prepare("VACUUM INTO ?");
  if (copy && copy->Bind(1, std::string_view(options_.path)).Run()) return true;
  std::remove(options_.path.c_str());
  return false;
}

// Goes on with another's file in place of our own.
void SqliteSpool::Adopt(SqliteSpool&& other) {
  const uint64_t dropped = books_.dropped;
  sql_.reset();
  db_ = std::move(other.db_);
  in_memory_ = other.in_memory_;
  opened_ns_ = other.opened_ns_;
  age_base_ms_ = other.age_base_ms_;
  synced_ns_ = other.synced_ns_;
  full_sync_ = other.full_sync_;
  sql_ = std::move(other.sql_);
  run_ = other.run_;
  books_ = std::move(other.books_);
  books_.dropped = dropped;
  names_ = std::move(other.names_);
}

}  // namespace haidang::agent
