#include "agent/test_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/log.h"

namespace haidang::agent {
namespace {

// What stands first in the pending file, always as long: the ledger's size, the lines' size, the
// key.
constexpr char kHeadFormat[] = "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n";
constexpr size_t kHeadSize = size_t{4} * 17;

int OpenFile(const std::string& path, int flags) {
  return open(path.c_str(), flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

uint64_t SizeOf(int fd) {
  struct stat about {};
  return fstat(fd, &about) == 0 ? static_cast<uint64_t>(about.st_size) : 0;
}

void Require(bool done, const std::string& path) {
  if (done) return;
  spdlog::critical("{}: cannot be written: {}; the ledger would have a hole", path,
                   std::strerror(errno));
  spdlog::shutdown();
  std::_Exit(EXIT_FAILURE);
}

bool WriteAll(int fd, std::string_view bytes) {
  return write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::string ReadAll(int fd) {
  std::string text(SizeOf(fd), '\0');
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return text;
}

}  // namespace

Result<std::unique_ptr<TestLedger>> TestLedger::Open(const std::string& path, std::string machine,
                                                     Spool& spool) {
  const int ledger = OpenFile(path, O_APPEND);
  const int pending = ledger < 0 ? -1 : OpenFile(path + ".pending", 0);
  if (pending < 0) {
    const int failure = errno;
    if (ledger >= 0) close(ledger);
    return Error{"--test-ledger " + path + ": cannot be written: " + std::strerror(failure)};
  }
  std::unique_ptr<TestLedger> opened(new TestLedger(path, std::move(machine), ledger, pending));
  if (Status recovered = opened->Recover(spool); !recovered.ok()) return recovered.error();
  return opened;
}

TestLedger::TestLedger(std::string path, std::string machine, int ledger, int pending)
    : path_(std::move(path)), machine_(std::move(machine)), ledger_(ledger), pending_(pending) {}

TestLedger::~TestLedger() {
  close(ledger_);
  close(pending_);
}

Status TestLedger::Recover(Spool& spool) {
  const std::string text = ReadAll(pending_);
  uint64_t ledger_size = 0;
  uint64_t lines_size = 0;
  uint64_t spool_id = 0;
  uint64_t number = 0;
  // One that is not whole was being written: its batch was not stored yet, nothing was appended.
  const bool whole = std::sscanf(text.c_str(), "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
                                 &ledger_size, &lines_size, &spool_id, &number) == 4 &&
                     text.size() == kHeadSize + lines_size;
  if (whole) {
    const auto waiting = spool.WaitingOf(spool_id, number, number);
    if (!waiting) return waiting.error();
    Require(ftruncate(ledger_, static_cast<off_t>(ledger_size)) == 0, path_);
    if (!waiting->empty()) Append(std::string_view(text).substr(kHeadSize));
  }
  Clear();
  return {};
}

void TestLedger::Intend(uint64_t spool_id, uint64_t number, std::string lines) {
  lines_ = std::move(lines);
  char head[kHeadSize + 1];
  std::snprintf(head, sizeof head, kHeadFormat, SizeOf(ledger_), uint64_t{lines_.size()}, spool_id,
                number);
  Require(lseek(pending_, 0, SEEK_SET) == 0 && WriteAll(pending_, head + lines_), path_);
}

void TestLedger::Stored() {
  Append(lines_);
  Clear();
}

void TestLedger::Refused() { Clear(); }

void TestLedger::Append(std::string_view lines) { Require(WriteAll(ledger_, lines), path_); }

void TestLedger::Clear() { Require(ftruncate(pending_, 0) == 0, path_ + ".pending"); }

}  // namespace haidang::agent
