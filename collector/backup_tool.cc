#include "collector/backup_tool.h"

#include <httplib.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>

#include "collector/backups.h"
#include "collector/hold_state.h"
#include "core/io/secret.h"

namespace haidang::collector {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 100ms;
constexpr auto kSayEvery = 5s;
constexpr auto kPatience = 30s;  // with a collector that does not answer
constexpr const char* kAddress = "/query/v1/backup";

// Says every few seconds how far it is.
class Progress {
 public:
  void Tell(int64_t copied, int64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    if (bytes <= 0 || now - said_ < kSayEvery) return;
    said_ = now;
    if (copied < bytes) {
      std::fprintf(stderr, "copied: %" PRId64 " of %" PRId64 " MiB\n", copied >> 20, bytes >> 20);
    } else {
      std::fprintf(stderr, "copied: all; checking the copy\n");
    }
  }

 private:
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

void TellMade(const std::string& file, int64_t bytes) {
  std::printf("%s: %" PRId64 " bytes, checked\n", file.c_str(), bytes);
}

std::string WordsOf(const std::string& body) {
  const auto told = nlohmann::json::parse(body, nullptr, false);
  const nlohmann::json::json_pointer message("/error/message");
  if (!told.contains(message) || !told[message].is_string()) return "no answer that it knows";
  return told[message].get<std::string>();
}

class Asker {
 public:
  Asker(const HostPort& address, const std::string& secret)
      : name_("the collector at " + ToString(address)), client_(address.host, address.port) {
    client_.set_connection_timeout(2);
    client_.set_read_timeout(5);
    client_.set_bearer_token_auth(secret);
  }

  // The number under which it is made.
  Result<uint64_t> Start(const std::string& file, bool replace, const Error& why_not_alone) {
    httplib::Params params{{"file", file}, {"replace", replace ? "1" : "0"}};
    if (const auto directory = store::DirectoryIdentity(file); !directory.empty()) {
      params.emplace("directory", directory);
    }
    const auto answer = client_.Post(httplib::append_query_params(kAddress, params));
    if (!answer) {
      return Error{Unheard(answer.error()).message +
                   "; and the store cannot be read without it: " + why_not_alone.message};
    }
    const auto state = Read(*answer);
    if (!state) return state.error();
    return state->id;
  }

  Result<int64_t> WaitFor(uint64_t id) {
    Progress progress;
    auto heard = std::chrono::steady_clock::now();
    for (;; std::this_thread::sleep_for(kPause)) {
      const auto now = std::chrono::steady_clock::now();
      const auto answer = client_.Get(kAddress);
      if (!answer) {
        if (now - heard > kPatience || answer.error() == httplib::Error::Connection) {
          return Error{Unheard(answer.error()).message +
                       "; the backup is made no more, or its log "
                       "tells how it ended"};
        }
        continue;
      }
      if (answer->status == 503 && now - heard <= kPatience) continue;  // busy
      heard = now;
      const auto state = Read(*answer);
      if (!state) return state.error();
      if (state->id != id) {
        return Error{name_ +
                     " was started anew, or makes another backup by now; its log tells how "
                     "this one ended"};
      }
      if (state->stage == BackupState::Stage::kFailed) return Error{state->error};
      if (state->stage == BackupState::Stage::kDone) return state->bytes;
      progress.Tell(state->copied, state->bytes);
    }
  }

 private:
  Error Unheard(httplib::Error error) const {
    return Error{name_ + " does not answer (" + httplib::to_string(error) + ")"};
  }
  Result<BackupState> Read(const httplib::Response& answer) const {
    if (answer.status == 200 || answer.status == 202) return DecodeBackup(answer.body);
    return Error{name_ + ": " + WordsOf(answer.body)};
  }

  std::string name_;
  httplib::Client client_;
};

Status AskForBackup(const Options& options, const std::string& file, bool replace,
                    const Error& why_not_alone) {
  const auto secret = ReadSecret(options.secret_file);
  if (!secret) return secret.error();
  Asker asker(options.query, *secret);
  const auto id = asker.Start(file, replace, why_not_alone);
  if (!id) return id.error();
  const auto bytes = asker.WaitFor(*id);
  if (!bytes) return bytes.error();
  TellMade(file, *bytes);
  return {};
}

}  // namespace

Status BackUp(const Options& options, const std::string& file, bool replace) {
  std::error_code failure;
  const std::string target = std::filesystem::absolute(file, failure).lexically_normal().string();
  if (failure) return Error{file + ": " + failure.message()};
  if (auto held = HoldState(options.directory); !held) {
    return AskForBackup(options, target, replace, held.error());
  }
  Progress progress;
  store::BackupWatch watch;
  watch.progress = [&](int64_t copied, int64_t bytes) { progress.Tell(copied, bytes); };
  const auto bytes =
      store::MakeBackup({options.directory + "/telemetry.db", target, replace}, false, watch);
  if (!bytes) return bytes.error();
  TellMade(target, *bytes);
  return {};
}

}  // namespace haidang::collector
