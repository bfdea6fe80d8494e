#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/store/block/block.h"
#include "collector/store/open_windows.h"
#include "collector/store/rows.h"
#include "core/io/database.h"
#include "core/result.h"
#include "core/sparkplug/batch.h"

namespace haidang::store {

// Reads what the journal has of a window and makes the block of it. It writes nothing: the one
// writer does. One thread at a time, and a connection of its own.
class Compactor {
 public:
  static Result<std::unique_ptr<Compactor>> Open(const std::string& path);

  struct Made {
    BlockRow row;            // `row.bytes` is empty where the journal had nothing for it
    int64_t unreadable = 0;  // rows whose bytes are no batch: damaged on disk
  };
  // The next part of the window, or its last part with what came since: at most kMaxBlockTicks rows
  // of the journal, in order of arrival.
  Result<Made> Make(const Window& window);

 private:
  explicit Compactor(Database db) : db_(std::move(db)) {}
  struct Reading;
  Status ReadParts(Reading& reading);
  Status FindRows(Reading& reading);
  Status ReadRows(Reading& reading);
  Status LearnAliases(int64_t spool, Reading& reading);
  void Take(const TickRow& row, const sparkplug::BatchView& batch, Reading& reading);

  Database db_;
  sparkplug::BatchDecoder decoder_;
};

}  // namespace haidang::store
