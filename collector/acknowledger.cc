#include "collector/acknowledger.h"

#include <algorithm>
#include <utility>

#include "core/sparkplug/command.h"
#include "core/sparkplug/topic.h"

namespace haidang::collector {

Acknowledger::Acknowledger(uint64_t store_id, std::string group, int64_t every_ms, Publish publish,
                           Metrics& metrics)
    : store_id_(store_id),
      group_(std::move(group)),
      every_ms_(every_ms),
      publish_(std::move(publish)),
      metrics_(metrics) {}

void Acknowledger::Due(Machine& machine, Spool& spool, bool at_once) {
  spool.ack_due = true;
  machine.ack_at_once = machine.ack_at_once || at_once;
  if (std::exchange(machine.ack_queued, true)) return;
  queue_.push_back(&machine);
}

void Acknowledger::Send(Moment now) { SendWhere(now, false); }
void Acknowledger::SendAll(Moment now) { SendWhere(now, true); }

void Acknowledger::SendWhere(Moment now, bool all) {
  std::erase_if(queue_, [&](Machine* machine) {
    const bool due = all || machine->ack_at_once || !machine->acked_mono_ms ||
                     now.mono_ms - *machine->acked_mono_ms >= every_ms_;
    if (!due || !SendMachine(*machine, now)) return false;
    machine->ack_queued = machine->ack_at_once = false;
    machine->acked_mono_ms = now.mono_ms;
    return true;
  });
}

bool Acknowledger::SendMachine(Machine& machine, Moment now) {
  for (const auto& spool : machine.spools) {
    if (!spool->ack_due) continue;
    size_t cursor = spool->ack_cursor;
    sparkplug::Committed committed = DescribeCommitted(spool->committed, cursor);
    committed.store_id = store_id_;
    committed.spool_id = spool->row.spool_id;
    committed.newest = spool->newest;
    committed.received_ms = spool->newest_received_ms;
    committed.sent_ms = now.wall_ms;
    if (machine.ack_at_once && spool->highest_crc) {  // who was rolled back has connected anew
      committed.check_number = spool->committed.Highest();
      committed.check_crc = *spool->highest_crc;
    }
    MqttMessage message;
    message.topic = sparkplug::ToString({sparkplug::MessageType::kNCmd, group_, machine.row.name});
    message.payload = sparkplug::EncodeCommitted(committed);
    if (!publish_(std::move(message))) return false;
    metrics_.acknowledgements.Increment();
    spool->ack_cursor = cursor;
    spool->ack_due = false;
  }
  return true;
}

sparkplug::Committed DescribeCommitted(const store::RangeSet& committed, size_t& cursor) {
  sparkplug::Committed told;
  told.cumulative = committed.Cumulative();
  const auto ranges = committed.ranges().subspan(told.cumulative > 0 ? 1 : 0);
  if (ranges.size() <= sparkplug::kMaxCommittedRanges) {
    told.ranges.assign(ranges.begin(), ranges.end());
    cursor = 0;
    return told;
  }
  for (size_t i = 0; i < sparkplug::kMaxCommittedRanges; ++i) {
    told.ranges.push_back(ranges[(cursor + i) % ranges.size()]);
  }
  cursor = (cursor + sparkplug::kMaxCommittedRanges) % ranges.size();
  std::sort(told.ranges.begin(), told.ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return told;
}

}  // namespace haidang::collector
