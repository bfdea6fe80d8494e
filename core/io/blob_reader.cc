#include "core/io/blob_reader.h"

#include <sqlite3.h>

namespace haidang {

void BlobReader::Closer::operator()(sqlite3_blob* blob) const { sqlite3_blob_close(blob); }

Status BlobReader::Open(int64_t row) {
  if (blob_ != nullptr && sqlite3_blob_reopen(blob_.get(), row) == SQLITE_OK) return {};
  // After a failed reopen the handle is of no use.
  blob_.reset();
  sqlite3_blob* blob = nullptr;
  const int opened = sqlite3_blob_open(db_.native(), "main", table_, column_, row, 0, &blob);
  blob_.reset(blob);
  return opened == SQLITE_OK ? Status() : Failed();
}

size_t BlobReader::size() const { return static_cast<size_t>(sqlite3_blob_bytes(blob_.get())); }

Status BlobReader::Read(size_t offset, size_t length, std::string& into) {
  into.resize(length);
  const int read = sqlite3_blob_read(blob_.get(), into.data(), static_cast<int>(length),
                                     static_cast<int>(offset));
  return read == SQLITE_OK ? Status() : Failed();
}

Error BlobReader::Failed() const {
  return Error{db_.path() + ": " + table_ + "." + column_ + ": " + sqlite3_errmsg(db_.native())};
}

}  // namespace haidang
