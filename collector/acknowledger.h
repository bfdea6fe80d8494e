#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "collector/machine.h"
#include "collector/metrics.h"
#include "core/io/mqtt_session.h"

namespace haidang::collector {

// Hands a message to the broker; false where it cannot now.
using Publish = std::function<bool(MqttMessage)>;

// Says `Node Control/Committed`: at once after a birth, else at most every `every_ms` a machine,
// all that was committed in between at once. Loop thread only.
class Acknowledger {
 public:
  Acknowledger(uint64_t store_id, std::string group, int64_t every_ms, Publish publish,
               Metrics& metrics);

  // Something of `spool` is to be acknowledged once it is committed.
  void Due(Machine& machine, Spool& spool, bool at_once);

  // Sends what is due. Required: nothing is staged, so that memory says what the disk has.
  void Send(Moment now);

  // Everything that is due, whenever it was said last; for the end.
  void SendAll(Moment now);

  size_t waiting() const { return queue_.size(); }

 private:
  void SendWhere(Moment now, bool all);
  bool SendMachine(Machine& machine, Moment now);

  uint64_t store_id_;
  std::string group_;
  int64_t every_ms_;
  Publish publish_;
  Metrics& metrics_;
  std::vector<Machine*> queue_;
};

// What is told of one spool: the cumulative number and up to kMaxCommittedRanges further ranges.
// Where there are more, they are told in turn: `cursor` moves on with each call.
sparkplug::Committed DescribeCommitted(const store::RangeSet& committed, size_t& cursor);

}  // namespace haidang::collector
