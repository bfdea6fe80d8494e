#pragma once

#include <span>

#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

// One step forward; never changed once released, only followed by another.
struct Migration {
  int version;      // the schema's version after it
  const char* sql;  // statements without parameters
};

// All steps, ascending from 1. docs/store-format.md describes the result.
std::span<const Migration> Migrations();

// Brings `db` from whatever version it has to the last of `steps`, each step in a transaction of
// its own. A file of a newer version is refused.
Status Migrate(Database& db, std::span<const Migration> steps);

}  // namespace haidang::store
