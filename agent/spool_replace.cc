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
  Result<SpoolFile> file = OpenSpoolFile(options.path, clock);
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

// The file turned out to be damaged while we used it. What waited in it is lost, and counted.
void SqliteSpool::Replace() {
  const uint64_t dropped = books_.dropped + waiting_batches();
  const uint8_t bd_seq = bd_seq_;
  Unprepare();
  { const Database closed = std::move(db_); }
  memory_.clear();
  memory_bytes_ = 0;
  const auto begin = [&](Result<SpoolFile> file) -> Status {
    if (Status s = Use(std::move(file)); !s) return s;
    return InTransaction([&]() -> Status {
      bd_seq_ = bd_seq;
      if (Status s = SaveBdSeq(); !s) return s;
      current().reason = "corrupt";
      return SaveNext(std::prev(books_.spools.end()));
    });
  };
  const Status begun = begin(ReplaceSpoolFile(options_.path, clock_));
  // In memory nothing but the want of memory stands in the way.
  if (!begun && !begin(OpenSpoolInMemory(begun.error()))) throw std::bad_alloc();
  books_.dropped = dropped;
}

Status SqliteSpool::Use(Result<SpoolFile> file) {
  if (!file) return file.error();
  Unprepare();
  db_ = std::move(file->db);
  in_memory_ = file->in_memory;
  books_ = {};
  damaged_ = false;
  start_unsaved_ = false;
  return Load();
}

// Where the disk still has no room, the next try comes later.
void SqliteSpool::ReturnToFile() {
  if (clock_.MonotonicNs() < return_ns_) return;
  const bool waits = waiting_batches() > 0;
  // The two give the same aliases to other series: what waits here cannot go into an old file.
  if (waits && HasContent(options_.path)) return;
  return_ns_ = clock_.MonotonicNs() + kReturnEveryNs;
  if (waits && !CopyToFile()) return;
  DatabaseFault fault = DatabaseFault::kNone;
  Result<Database> db = OpenSpoolDatabase(options_.path, clock_, fault);
  if (!db) return;
  SqliteSpool file(options_, clock_, random64_, SpoolFile{std::move(db).value(), false});
  if (!file.Load() || file.start_unsaved_) return;
  file.bd_seq_ = bd_seq_;  // that of the connection that is up
  if (!file.SaveBdSeq()) return;
  Adopt(std::move(file));
  spdlog::info("{}: there is room again; batches are written to the file, {} of which wait in it",
               options_.path, books_.rows);
}

// All that is in memory into a new file; false where there is no room.
bool SqliteSpool::CopyToFile() {
  const int fd = open(options_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  Result<Statement> copy = db_.Prepare("VACUUM INTO ?");
  if (copy && copy->Bind(1, std::string_view(options_.path)).Run()) return true;
  std::remove(options_.path.c_str());
  return false;
}

// Goes on with another's file in place of our own.
void SqliteSpool::Adopt(SqliteSpool&& other) {
  const uint64_t dropped = books_.dropped;
  Unprepare();
  db_ = std::move(other.db_);
  in_memory_ = other.in_memory_;
  opened_ns_ = other.opened_ns_;
  age_base_ms_ = other.age_base_ms_;
  insert_ = std::move(other.insert_);
  delete_ = std::move(other.delete_);
  oldest_ = std::move(other.oldest_);
  min_row_ = std::move(other.min_row_);
  find_ = std::move(other.find_);
  waiting_ = std::move(other.waiting_);
  save_next_ = std::move(other.save_next_);
  books_ = std::move(other.books_);
  books_.dropped = dropped;
  names_ = std::move(other.names_);
}

}  // namespace haidang::agent
