#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/database.h"
#include "core/result.h"

// The stand-in's database: dossiers in SQLite behind a bounded pool of connections, as many small
// office systems have it. Its search reads every row, so that it slows as dossiers accumulate and
// as people search at once.
namespace haidang::onestop {

struct Dossier {
  int64_t id = 0;
  std::string code;       // "06685.2026.000123"
  std::string applicant;  // full name
  std::string procedure;
  std::string status;
  std::string received;  // "2026-03-09"
  std::string due;
  std::string note;
};

struct StoreOptions {
  std::string path;     // database file, made where it is absent
  int connections = 4;  // searches that run at once; the rest wait in a queue
  // Readers wait for writers, as in many old databases; else they read beside them (WAL).
  bool rollback_journal = false;
};

// Thread-safe.
class Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options);

  // Dossiers whose applicant, note or code holds `text` (case and diacritics do not matter), newest
  // first, at most 50.
  Result<std::vector<Dossier>> Search(std::string_view text);
  Result<std::optional<Dossier>> Find(int64_t id);
  // Gives the new dossier its code and dates; returns its id.
  Result<int64_t> Submit(Dossier dossier);
  // Adds `count` made-up dossiers, the same ones for the same count before.
  Status Seed(int64_t count);
  Result<int64_t> Count();

  // A slow disk: every use of a connection takes so much longer, while others wait for it.
  void SetDelay(std::chrono::milliseconds delay) { delay_ms_ = delay.count(); }
  // A pool that somebody emptied: so many connections are kept back from now on, 0 none. Waits
  // until they are free.
  void Hold(int connections);
  // A table that somebody locked: another connection holds the database's exclusive lock until it
  // is told otherwise. With rollback_journal nobody can read meanwhile, else nobody can write.
  Status SetLocked(bool locked);

 private:
  // A connection out of the pool, given back when destroyed.
  class Lease {
   public:
    explicit Lease(Store& store);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Database& operator*() { return *db_; }
    Database* operator->() { return db_; }

   private:
    Store& store_;
    Database* db_;
  };

  Store() = default;

  std::vector<std::unique_ptr<Database>> connections_;
  std::mutex pool_mutex_;
  std::condition_variable pool_free_;
  std::vector<Database*> free_;
  std::mutex write_mutex_;  // one writer at a time, as SQLite has it
  std::atomic<int64_t> delay_ms_ = 0;
  StoreOptions options_;

  std::mutex trouble_mutex_;  // of the two below
  std::vector<std::unique_ptr<Lease>> held_;
  std::unique_ptr<Database> locker_;
};

}  // namespace haidang::onestop
