#include "collector/store/audit_schema.h"

#include <cctype>

#include "collector/store/for_each.h"
#include "collector/store/schema.h"

namespace haidang::store {

Result<SchemaObjects> ReadSchema(Database& db) {
  SchemaObjects objects;
  auto read = ForEach(db,
                      "SELECT type, name, coalesce(sql, '') FROM sqlite_schema"
                      " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                      [&](const Statement& s) {
                        objects[{std::string(s.Text(0)), std::string(s.Text(1))}] = s.Text(2);
                      });
  if (!read) return read.error();
  return objects;
}

Result<SchemaObjects> ExpectedSchema() {
  auto db = Database::Open(":memory:", {});
  if (!db) return db.error();
  if (auto made = Migrate(*db, Migrations()); !made) return made.error();
  return ReadSchema(*db);
}

bool SameSchema(const std::string& a, const std::string& b) {
  const auto plain = [](const std::string& sql) {
    std::string words;
    for (const char c : sql) {
      const auto letter = static_cast<unsigned char>(c);
      if (std::isspace(letter) != 0 || c == '"' || c == '`') continue;
      words.push_back(static_cast<char>(std::tolower(letter)));
    }
    return words;
  };
  return plain(a) == plain(b);
}

}  // namespace haidang::store
