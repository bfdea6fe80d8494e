#include "collector/remote/feed.h"

#include <algorithm>

#include "core/catalogue.h"
#include "core/log.h"

namespace haidang::remote {
namespace {

// Agents send all that they know every ten minutes.
constexpr int64_t kLeadMs = int64_t{20} * 60 * 1000;
constexpr int64_t kRetryMs = 10'000;  // after the store could not be read

}  // namespace

// What a worker does: it owns all that it touches.
struct Feed::Job {
  std::string path;
  RemoteOptions options;
  FeedStart start;
  std::shared_ptr<JournalFeed> reader;
  int64_t skip_to = 0;
  int64_t wall_ms = 0;
  std::optional<Result<Slice>> slice;

  void Run() {
    if (reader == nullptr) {
      auto opened = JournalFeed::Open(path, options, start);
      if (!opened) {
        slice.emplace(opened.error());
        return;
      }
      reader = std::move(*opened);
    }
    slice.emplace(reader->Next(skip_to, wall_ms));
  }
};

Feed::Feed(Loop& loop, const Clock& clock, const RemoteCounters& counters, RemoteOptions options,
           std::string path, const store::JournalTrail& trail)
    : loop_(loop),
      clock_(clock),
      counters_(counters),
      options_(std::move(options)),
      path_(std::move(path)),
      trail_(trail),
      losing_(clock),
      troubles_(clock) {
  row_.url = options_.url.shown;
}

Feed::~Feed() {
  Stop();
  mailbox_->closed = true;
}

Status Feed::Start(const std::optional<store::RemoteRow>& row, std::function<uint64_t()> random) {
  // Native histograms are refused where there is a newer one.
  const bool again = options_.out_of_order.count() > 0 && !options_.requests.native_histograms;
  row_.cursor = row_.kept = position_ = trail_.newest();
  if (row) {
    row_ = *row;
    saved_ = *row;
    position_ = again ? row->kept : row->cursor;
    doubtful_ = std::min(trail_.newest(), row->cursor + kMaxAhead);
  }
  auto sender = Sender::Start(options_, clock_, counters_, std::move(random),
                              [this, mailbox = mailbox_](const Outcome& outcome) {
                                {
                                  const std::lock_guard lock(mailbox->mutex);
                                  mailbox->outcomes.push_back(outcome);
                                }
                                loop_.Post([this, mailbox] {
                                  if (!mailbox->closed) Settle();
                                });
                              });
  if (!sender) return sender.error();
  sender_ = std::move(*sender);
  sender_->Offer(MetadataRequest(Catalogue()));
  ++offered_;
  return {};
}

void Feed::Stop() {
  stopped_ = true;
  if (sender_ == nullptr) return;
  sender_->Stop();
  Settle();
}

FeedStart Feed::StartAt(int64_t cursor, int64_t doubtful) const {
  return {cursor, trail_.FirstSince(trail_.ReceivedOf(cursor) - kLeadMs), doubtful};
}

int64_t Feed::FirstKept(int64_t tenths) const {
  const int64_t keep_ms = options_.keep.count() + options_.keep.count() / 10 * tenths;
  const int64_t keep_bytes = options_.keep_bytes + options_.keep_bytes / 10 * tenths;
  return std::max(trail_.FirstSince(clock_.WallMs() - keep_ms), trail_.FirstWithin(keep_bytes));
}

int64_t Feed::FirstNeeded() const {
  const int64_t from = std::min(row_.kept, saved_.kept);
  return std::max(StartAt(from, 0).lead_from, FirstKept(1));
}

void Feed::Go() {
  Measure();
  if (working_ || stopped_ || MonotonicMs() < retry_ms_) return;
  const int64_t skip_to = FirstKept(0);
  if (position_ + 1 >= skip_to &&
      (!sender_->HasRoom() || position_ - saved_.cursor > kMaxAhead - JournalFeed::kMaxRows)) {
    return;
  }
  auto job = std::make_shared<Job>();
  job->path = path_;
  job->options = options_;
  job->reader = reader_;
  if (reader_ == nullptr) job->start = StartAt(position_, doubtful_);
  job->skip_to = skip_to;
  job->wall_ms = clock_.WallMs();
  working_ = true;
  loop_.Work([job] { job->Run(); },
             [this, job, mailbox = mailbox_] {
               if (!mailbox->closed) Done(*job);
             });
}

void Feed::Done(Job& job) {
  working_ = false;
  if (!*job.slice) {
    // What it knew may be half of a slice.
    reader_.reset();
    retry_ms_ = MonotonicMs() + kRetryMs;
    if (troubles_.Met("read")) {
      spdlog::error("remote write to {}: the store could not be read: {}; trying again", url(),
                    job.slice->error().message);
    }
    return;
  }
  reader_ = job.reader;
  Slice& slice = **job.slice;
  offered_ += slice.requests.size();
  for (Request& request : slice.requests) sender_->Offer(std::move(request));
  position_ = slice.position;
  counters_.late.Increment(static_cast<double>(slice.late));
  TellLoss(slice);
  if (offered_ == settled_) Advance(position_);
  Measure();
  if (!slice.caught_up) Go();
}

void Feed::TellLoss(const Slice& slice) {
  if (slice.expired == 0 && slice.gone_rows == 0) {
    if (slice.caught_up && losing_.Over()) {
      spdlog::info(
          "remote write to {}: has all again that the store holds, without {} samples "
          "that were lost for it",
          url(), std::exchange(lost_, 0));
    }
    return;
  }
  counters_.expired.Increment(static_cast<double>(slice.expired));
  lost_ += slice.expired;
  // What waits with the sender is as old: the store does not wait for it.
  row_.cursor = row_.kept = position_;
  reached_.clear();
  if (!losing_.Met()) return;
  spdlog::warn(
      "remote write to {}: did not take samples for longer than they are kept for it (keep, "
      "keep_bytes); the oldest are lost for it, and counted, until it takes them again",
      url());
}

void Feed::Settle() {
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(mailbox_->mutex);
    outcomes.swap(mailbox_->outcomes);
  }
  settled_ += outcomes.size();
  for (const Outcome& outcome : outcomes) {
    if (outcome.cursor) Advance(*outcome.cursor);
  }
  if (outcomes.empty()) return;
  if (offered_ == settled_) Advance(position_);
  // Rows wait for room, or for this cursor to be stored.
  if (position_ < trail_.newest()) Go();
}

void Feed::Advance(int64_t cursor) {
  const int64_t now_ms = MonotonicMs();
  if (cursor > row_.cursor) {
    row_.cursor = cursor;
    reached_.emplace_back(now_ms, cursor);
  }
  const int64_t before_ms = now_ms - std::chrono::milliseconds(Sender::kKept).count();
  while (!reached_.empty() && reached_.front().first <= before_ms) {
    row_.kept = reached_.front().second;
    reached_.pop_front();
  }
}

std::optional<store::RemoteRow> Feed::Unsaved() const {
  if (row_.cursor == saved_.cursor && row_.kept == saved_.kept && saved_.url == row_.url) return {};
  return row_;
}

void Feed::Saved(const store::RemoteRow& row) {
  saved_ = row;
  if (position_ < trail_.newest()) Go();
}

void Feed::Measure() {
  const int64_t rows = std::max<int64_t>(0, trail_.newest() - row_.cursor);
  counters_.lag_rows.Set(static_cast<double>(rows));
  const int64_t since_ms = rows == 0 ? clock_.WallMs() : trail_.ReceivedOf(row_.cursor + 1);
  counters_.lag.Set(static_cast<double>(std::max<int64_t>(0, clock_.WallMs() - since_ms)) / 1000);
}

}  // namespace haidang::remote
