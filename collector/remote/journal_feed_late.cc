#include <algorithm>
#include <set>
#include <utility>

#include "collector/remote/journal_feed.h"
#include "collector/store/rows.h"

// Rows that came after newer ones of their machine: what they say, and what they make known of the
// rows behind them, up to the next full batch.
namespace haidang::remote {

bool JournalFeed::IsTaken(int64_t time_ms) const {
  return options_.out_of_order.count() > 0 && time_ms >= newest_ms_ - options_.out_of_order.count();
}

Status JournalFeed::SettleLate(WriteRequests* out, Slice& slice) {
  if (late_machines_.empty()) return {};
  if (out != nullptr) out->Flush();
  for (const int64_t machine : late_machines_) {
    if (auto done = SettleLate(machines_.at(machine), out, slice); !done) return done;
  }
  late_machines_.clear();
  late_rows_ = 0;
  if (out != nullptr) {
    out->Mark(position_);
    out->Flush();
  }
  return {};
}

Status JournalFeed::SettleLate(Machine& machine, WriteRequests* out, Slice& slice) {
  bool wanted = false;
  for (Late& late : machine.late) {
    if (!late.wanted) continue;
    late.wanted = IsTaken(late.time_ms);
    wanted = wanted || late.wanted;
    if (!late.wanted) slice.late += late.stated;
  }
  // What is older than the last full batch changes nothing that is known now.
  if (!wanted) {
    std::erase_if(machine.late, [&](const Late& late) { return late.time_ms < machine.full_ms; });
  }
  Status done;
  if (!machine.late.empty()) {
    std::sort(machine.late.begin(), machine.late.end());
    if (out != nullptr && options_.requests.native_histograms) {
      // Prometheus takes late numbers, and refuses a request for a late native histogram.
      done = ScanLate(machine, Teller(out, Teller::What::kNumbers));
      out->Flush();
      if (done) done = ScanLate(machine, Teller(out, Teller::What::kHistograms));
      out->Flush();
    } else {
      done = ScanLate(machine, Teller(out));
    }
  }
  machine.late.clear();
  return done;
}

Status JournalFeed::ScanLate(Machine& machine, Teller teller) {
  store::ScanQuestion question;
  question.machine = machine.id;
  question.from_ms = machine.late.front().time_ms;
  question.to_ms = machine.head_ms;
  for (const auto& [spool, layout] : machine.spools) {
    auto [known, fresh] = machine.layouts.try_emplace(layout);
    if (fresh) {
      if (auto done = LearnLayout(machine, layout); !done) return done;
    }
    question.speakers.emplace(spool, known->second.aliases);
  }
  for (uint32_t slot = 0; slot < machine.series_rows.size(); ++slot) {
    question.slots.emplace(machine.series_rows[slot], slot);
  }
  std::map<std::pair<int64_t, uint64_t>, bool> late;  // wanted
  for (const Late& row : machine.late) late[{row.spool, row.number}] = row.wanted;
  const int64_t last_ms = machine.late.back().time_ms;
  enum class Reach { kNone, kHead, kTold } reach = Reach::kNone;
  Told past;
  Status failed;
  auto done = store::Scan(directory_->db(), question)
                  .Run([&](const store::TickRow& row, const store::Head& head) {
                    const auto found = late.find({row.spool, row.number});
                    const bool full = (row.flags & store::kFlagFull) != 0;
                    if (found != late.end()) {
                      reach = found->second || (reach == Reach::kTold && !full) ? Reach::kTold
                                                                                : Reach::kHead;
                    }
                    if (reach == Reach::kTold && row.time_ms > past.last_ms) {
                      auto standing = directory_->StandingOf(machine.id, row.time_ms);
                      if (!standing) {
                        failed = standing.error();
                        return false;
                      }
                      teller.Tell(machine.series, row, head, *standing, past);
                    }
                    if (row.spool == machine.head_spool && row.number == machine.head_number) {
                      machine.heads[row.spool] = head;
                    }
                    if (found == late.end() && full) {
                      reach = Reach::kNone;
                      past = {};
                    }
                    return reach != Reach::kNone || row.time_ms < last_ms;
                  });
  if (!failed) return failed;
  if (!done) return done;
  // The receiver knows of the newest tick what it was told now.
  if (machine.told.tick_ms == past.tick_ms && machine.told.last_ms == past.tick_ms &&
      machine.told.spool == past.spool && machine.told.number == past.number) {
    machine.told = std::move(past);
  }
  return {};
}

}  // namespace haidang::remote
