#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/io/database.h"
#include "core/result.h"

struct sqlite3_blob;

namespace haidang {

// Reads parts of blobs of one column, a row after the other, without the rest of them (SQLite's
// incremental I/O). Must not outlive the Database; one thread, and within a transaction of its own,
// so that a row stays as it was.
class BlobReader {
 public:
  // `table` and `column` live as long as the reader.
  BlobReader(Database& db, const char* table, const char* column)
      : db_(db), table_(table), column_(column) {}

  // To the blob of this row. An Error where there is no such row.
  Status Open(int64_t row);
  // Required: Open.
  size_t size() const;
  // Required: Open; offset + length <= size().
  Status Read(size_t offset, size_t length, std::string& into);

 private:
  struct Closer {
    void operator()(sqlite3_blob* blob) const;
  };
  Error Failed() const;

  Database& db_;
  const char* table_;
  const char* column_;
  std::unique_ptr<sqlite3_blob, Closer> blob_;
};

}  // namespace haidang
