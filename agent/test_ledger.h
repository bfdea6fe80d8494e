#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/spool.h"
#include "core/result.h"

namespace haidang::agent {

// For tests that compare what was read with what is stored, value by value: a file that gets a JSON
// line (core/ledger.h) for every value of every batch that the spool took, and of no other, also
// where the agent was killed at any moment. A batch's lines are first written, with the ledger's
// size, the batch's key and nothing else, to `path`.pending; then the batch is stored; then the
// lines are appended with one write and the pending file is emptied, before the batch is sent. A
// start that finds something pending cuts the ledger back to that size and appends the lines where
// the spool has the batch. A write that fails ends the process: a ledger with holes proves nothing.
// Loop thread only.
class TestLedger {
 public:
  // Settles what a killed agent left pending. `spool`: as it was opened, before anything is sent.
  static Result<std::unique_ptr<TestLedger>> Open(const std::string& path, std::string machine,
                                                  Spool& spool);
  ~TestLedger();

  const std::string& machine() const { return machine_; }

  // Before the spool is given the batch; `number` is the one that it will have.
  void Intend(uint64_t spool_id, uint64_t number, std::string lines);
  // The spool took it, or did not.
  void Stored();
  void Refused();

 private:
  TestLedger(std::string path, std::string machine, int ledger, int pending);
  Status Recover(Spool& spool);
  void Append(std::string_view lines);
  void Clear();

  const std::string path_;
  const std::string machine_;
  const int ledger_;  // descriptors
  const int pending_;
  std::string lines_;  // of the batch that is being stored
};

}  // namespace haidang::agent
