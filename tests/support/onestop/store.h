#pragma once

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
};

}  // namespace haidang::onestop
