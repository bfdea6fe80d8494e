#include "tests/support/durable_vfs.h"

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <sstream>
#include <stdexcept>

namespace haidang::testing {
namespace {

struct State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  bool remember = false;
  uint64_t written = 0;
  uint64_t syncs = 0;
  std::map<std::string, std::string> durable;  // by path
};
State* state = nullptr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// SQLite gives us szOsFile bytes: ours, then the real file's.
struct File {
  sqlite3_file base;
  const char* path;  // SQLite keeps it as long as the file is open
};
sqlite3_file* Real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}

int Close(sqlite3_file* file) { return Real(file)->pMethods->xClose(Real(file)); }
int Read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return Real(file)->pMethods->xRead(Real(file), to, size, at);
}
int Write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  state->written += static_cast<uint64_t>(size);
  return Real(file)->pMethods->xWrite(Real(file), from, size, at);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Real(file)->pMethods->xTruncate(Real(file), size);
}
int Sync(sqlite3_file* file, int flags) {
  ++state->syncs;
  const char* path = reinterpret_cast<File*>(file)->path;
  if (state->remember) {  // in place of the disk
    if (path != nullptr) state->durable[path] = ReadAll(path);
    return SQLITE_OK;
  }
  return Real(file)->pMethods->xSync(Real(file), flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int lock) { return Real(file)->pMethods->xLock(Real(file), lock); }
int Unlock(sqlite3_file* file, int lock) { return Real(file)->pMethods->xUnlock(Real(file), lock); }
int CheckReserved(sqlite3_file* file, int* out) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
}
int Control(sqlite3_file* file, int op, void* arg) {
  return Real(file)->pMethods->xFileControl(Real(file), op, arg);
}
int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
int Characteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, out);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}

const sqlite3_io_methods kMethods = {
    2,        Close,         Read,    Write,      Truncate,        Sync,   FileSize, Lock,
    Unlock,   CheckReserved, Control, SectorSize, Characteristics, ShmMap, ShmLock,  ShmBarrier,
    ShmUnmap, nullptr,       nullptr};

int Open(sqlite3_vfs*, sqlite3_filename path, sqlite3_file* file, int flags, int* out) {
  reinterpret_cast<File*>(file)->path = path;
  const int rc = state->real->xOpen(state->real, path, Real(file), flags, out);
  file->pMethods = rc == SQLITE_OK ? &kMethods : nullptr;
  return rc;
}

int Delete(sqlite3_vfs*, const char* path, int sync) {
  state->durable.erase(path);
  return state->real->xDelete(state->real, path, sync);
}

}  // namespace

DurableVfs::DurableVfs() {
  if (state != nullptr) throw std::logic_error("one DurableVfs at a time");
  state = new State;
  state->real = sqlite3_vfs_find(nullptr);
  state->vfs = *state->real;
  state->vfs.zName = "durable";
  state->vfs.pNext = nullptr;
  state->vfs.szOsFile = static_cast<int>(sizeof(File)) + state->real->szOsFile;
  state->vfs.xOpen = Open;
  state->vfs.xDelete = Delete;
  sqlite3_vfs_register(&state->vfs, 1);
}

DurableVfs::~DurableVfs() {
  sqlite3_vfs_unregister(&state->vfs);
  sqlite3_vfs_register(state->real, 1);
  delete state;
  state = nullptr;
}

void DurableVfs::Remember(bool remember) { state->remember = remember; }

void DurableVfs::TakeAsDurable(const std::string& path) {
  for (const char* suffix : {"", "-wal"}) {
    if (std::filesystem::exists(path + suffix)) {
      state->durable[path + suffix] = ReadAll(path + suffix);
    }
  }
}

void DurableVfs::CopyDurable(const std::string& path, const std::string& to) const {
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::remove(to + suffix);
    const auto durable = state->durable.find(path + suffix);
    if (durable == state->durable.end()) continue;
    std::ofstream(to + suffix, std::ios::binary) << durable->second;
  }
  std::filesystem::remove(to + "-shm");
}

uint64_t DurableVfs::bytes_written() const { return state->written; }
uint64_t DurableVfs::syncs() const { return state->syncs; }

}  // namespace haidang::testing
