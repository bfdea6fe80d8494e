#include "collector/backups.h"

#include <array>
#include <chrono>
#include <utility>

#include "core/io/thread.h"
#include "core/log.h"
#include "core/query_json.h"

namespace haidang::collector {
namespace {

using Stage = BackupState::Stage;
using std::chrono::steady_clock;

constexpr std::array<std::pair<Stage, const char*>, 4> kStages = {{{Stage::kNone, "none"},
                                                                   {Stage::kRunning, "running"},
                                                                   {Stage::kDone, "done"},
                                                                   {Stage::kFailed, "failed"}}};
constexpr size_t kMaxAnswer = 64U << 10;

}  // namespace

std::string EncodeBackup(const BackupState& state) {
  return query::DumpJson({{"state", kStages[static_cast<size_t>(state.stage)].second},
                          {"id", state.id},
                          {"file", state.file},
                          {"copied", state.copied},
                          {"bytes", state.bytes},
                          {"error", state.error}});
}

Result<BackupState> DecodeBackup(std::string_view json) {
  const auto object = query::ParseJsonObject(json, kMaxAnswer);
  if (!object) return object.error();
  std::optional<Error> fault;
  query::JsonReader in(*object, "backup", &fault);
  BackupState state;
  const std::string stage = in.Text("state");
  state.id = static_cast<uint64_t>(in.Int("id"));
  state.file = in.Text("file");
  state.copied = in.Int("copied");
  state.bytes = in.Int("bytes");
  state.error = in.Text("error");
  if (fault) return *fault;
  for (const auto& [value, name] : kStages) {
    if (stage != name) continue;
    state.stage = value;
    return state;
  }
  return Error{"backup: unknown state"};
}

Backups::Backups(std::string store) : store_(std::move(store)) {}

Backups::~Backups() {
  Stop();
  if (worker_.joinable()) worker_.join();
}

Backups::Answer Backups::Start(const std::string& target, bool replace,
                               const std::string& directory) {
  const store::BackupOrder order{store_, target, replace, directory};
  const std::lock_guard lock(mutex_);
  if (state_.stage == Stage::kRunning) return {Answer::Kind::kBusy, state_, ""};
  if (stopped_) return {Answer::Kind::kRefused, state_, "the collector is stopping"};
  if (auto may = store::CheckBackup(order); !may) {
    return {Answer::Kind::kRefused, state_, may.error().message};
  }
  if (worker_.joinable()) worker_.join();  // it has told its end
  state_ = {Stage::kRunning, state_.id + 1, target, 0, 0, ""};
  worker_ = StartThread([this, order] { Run(order); });
  return {Answer::Kind::kStarted, state_, ""};
}

void Backups::Run(const store::BackupOrder& order) {
  spdlog::info("a backup is made: {}", order.target);
  const auto begin = steady_clock::now();
  store::BackupWatch watch;
  watch.stop = &stop_;
  watch.progress = [this](int64_t copied, int64_t bytes) {
    const std::lock_guard lock(mutex_);
    state_.copied = copied;
    state_.bytes = bytes;
  };
  const auto made = store::MakeBackup(order, true, watch);
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
  if (made) {
    spdlog::info("the backup {} is made: {} bytes, checked, in {} ms", order.target, *made,
                 took.count());
  } else {
    spdlog::error("no backup was made: {}", made.error().message);
  }
  const std::lock_guard lock(mutex_);
  if (made) {
    state_.copied = state_.bytes = *made;
    state_.stage = Stage::kDone;
  } else {
    state_.error = made.error().message;
    state_.stage = Stage::kFailed;
  }
}

BackupState Backups::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Backups::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stop_.Stop();
}

}  // namespace haidang::collector
