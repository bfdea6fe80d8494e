#pragma once

#include "core/io/database.h"
#include "core/result.h"

namespace haidang::agent {

// The statements that are run again and again, compiled once. They must not outlive the Database.
struct SpoolStatements {
  Statement insert_batch;    // id, age_ms, bytes
  Statement delete_batches;  // first, last
  Statement first_batch;     // → id
  Statement batch_size;      // id → age_ms, length
  Statement batch_bytes;     // id → bytes
  Statement run;             // id, below id → id, age_ms, bytes: the oldest that stand alone
  Statement insert_pack;     // first, last, age_ms, bytes
  Statement delete_pack;     // first
  Statement pack_at;    // row → first, last, age_ms, length: the pack that begins there or before
  Statement pack_from;  // row → the same: the pack that begins there or after
  Statement pack_bytes;    // first → bytes
  Statement save_next;     // next, reason, id
  Statement put_settled;   // first, last
  Statement drop_settled;  // first

  static Result<SpoolStatements> Prepare(Database& db);
};

}  // namespace haidang::agent
