#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/remote/directory.h"
#include "collector/remote/options.h"
#include "collector/remote/teller.h"
#include "collector/remote/write_request.h"
#include "collector/store/scan.h"
#include "core/sparkplug/batch.h"

namespace haidang::remote {

// Where a feed begins. Ids are the journal's.
struct FeedStart {
  int64_t cursor = 0;     // rows up to this one were told
  int64_t lead_from = 0;  // from this one on they are read again, to know what is known at `cursor`
  // Rows up to this one may have been told before a crash: each as a whole, or in part where it is
  // the newest of its machine that was.
  int64_t doubtful = 0;
};

// Some rows, as requests.
struct Slice {
  std::vector<Request> requests;
  int64_t position = 0;    // rows up to this one are in it or in what came before
  bool caught_up = false;  // there was no row behind it
  uint64_t late = 0;       // samples that the receiver takes no more
  uint64_t expired = 0;    // samples of rows that were passed over
  int64_t gone_rows = 0;   // that the journal had not any more
};

// Reads the journal in the order of arrival, and makes of it what one receiver is to be told
// (docs/remote-write.md). Workers: one thread at a time, and a connection of its own.
class JournalFeed {
 public:
  static constexpr int64_t kMaxRows = 512;  // of a slice

  static Result<std::unique_ptr<JournalFeed>> Open(const std::string& path,
                                                   const RemoteOptions& options,
                                                   const FeedStart& start);

  // What follows; bounded. Rows before `skip_to` are passed over. At `wall_ms` machines of which
  // nothing comes any more end. After an Error this one is of no use: begin another one.
  Result<Slice> Next(int64_t skip_to, int64_t wall_ms);

 private:
  enum class Mode { kLead, kSkip, kTell };

  // A row that came after a newer one of its machine.
  struct Late {
    int64_t time_ms = 0;
    int64_t spool = 0;
    uint64_t number = 0;
    uint64_t stated = 0;  // samples
    bool wanted = true;   // the receiver is to be told
    bool operator<(const Late& other) const { return time_ms < other.time_ms; }
  };
  struct Layout {
    store::AliasTable aliases;
    bool complete = true;  // it had room for every alias
  };
  struct Machine {
    int64_t id = 0;
    std::vector<const ToldSeries*> series;  // by slot
    std::vector<int64_t> series_rows;       // by slot
    std::map<int64_t, int64_t> spools;      // to layouts
    std::map<int64_t, Layout> layouts;
    std::map<int64_t, store::Head> heads;  // by spool, of rows in the order of time
    int64_t head_ms = 0;                   // the newest row
    int64_t head_spool = 0;
    uint64_t head_number = 0;
    int64_t full_ms = 0;  // the newest full batch
    Told told;
    std::vector<Late> late;
  };
  struct Row {
    int64_t id = 0;
    int64_t machine = 0;
    store::TickRow tick;
    std::string_view payload;
  };

  JournalFeed(std::unique_ptr<Directory> directory, const RemoteOptions& options,
              const FeedStart& start);

  Status CatchUp();
  Status ReadSome(Mode mode, int64_t limit_id, WriteRequests* out, Slice& slice);
  Status Take(const Row& row, Mode mode, WriteRequests* out, Slice& slice);
  Status TakeBatch(Machine& machine, const Row& row, const sparkplug::BatchView& batch, Mode mode,
                   WriteRequests* out, Slice& slice);
  Status TellTick(Machine& machine, const store::TickRow& row, WriteRequests* out, Slice& slice);
  Status Learn(Machine& machine, const Row& row, const sparkplug::BatchView& batch);
  Status LearnLayout(Machine& machine, int64_t layout_id);
  // It refuses a request for one sample of which it has a newer one.
  bool IsStrict() const {
    return options_.out_of_order.count() == 0 || options_.requests.native_histograms;
  }
  static uint64_t Stated(const sparkplug::BatchView& batch, const store::AliasTable& aliases);
  bool IsTaken(int64_t time_ms) const;
  Status SettleLate(WriteRequests* out, Slice& slice);
  Status SettleLate(Machine& machine, WriteRequests* out, Slice& slice);
  Status ScanLate(Machine& machine, Teller teller);
  Status EndGone(int64_t wall_ms, WriteRequests& out);

  const std::unique_ptr<Directory> directory_;
  const RemoteOptions options_;
  FeedStart start_;
  int64_t position_;       // as Slice's
  int64_t newest_ms_ = 0;  // of what the receiver was told
  sparkplug::BatchDecoder decoder_;
  std::map<int64_t, Machine> machines_;
  std::vector<int64_t> late_machines_;
  size_t late_rows_ = 0;
};

}  // namespace haidang::remote
