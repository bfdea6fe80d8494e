#pragma once

#include <map>
#include <string>
#include <utility>

#include "core/io/database.h"
#include "core/result.h"

namespace haidang::store {

// The tables, indexes, views and triggers of a database, SQLite's own left out: (kind, name) → the
// statement that makes it.
using SchemaObjects = std::map<std::pair<std::string, std::string>, std::string>;
Result<SchemaObjects> ReadSchema(Database& db);

// What a store of this program's schema version has.
Result<SchemaObjects> ExpectedSchema();

// Whether two statements make the same: blanks, quotes and the case of words aside.
bool SameSchema(const std::string& a, const std::string& b);

}  // namespace haidang::store
