#pragma once

#include <string_view>

#include "core/io/database.h"

namespace haidang::store {

// Calls `visit(statement)` for each row of `sql`.
template <typename Visit>
Status ForEach(Database& db, std::string_view sql, Visit&& visit) {
  auto statement = db.Prepare(sql);
  if (!statement) return statement.error();
  for (;;) {
    auto row = statement->Step();
    if (!row) return row.error();
    if (!*row) return {};
    visit(*statement);
  }
}

}  // namespace haidang::store
