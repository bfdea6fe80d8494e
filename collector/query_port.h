#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/backups.h"
#include "collector/exposition.h"
#include "collector/store/reader.h"
#include "core/io/host_port.h"
#include "core/io/http/waiting_port.h"
#include "core/query.h"
#include "core/query_journeys.h"
#include "core/result.h"

namespace haidang::collector {

// Whom the query port asks. Called on its threads; nothing where no answer came in time.
struct QueryBackend {
  enum class Put { kTaken, kOlder, kFailed };
  std::function<std::optional<query::Overview>()> overview;
  std::function<std::optional<query::JourneysNow>()> journeys;
  std::function<std::optional<query::Snapshot>()> snapshot;
  std::function<std::optional<Put>(query::Snapshot)> put_snapshot;
  std::function<Result<std::unique_ptr<store::Reader>>()> open_reader;
  std::function<Backups::Answer(const std::string& file, bool replace,
                                const std::string& directory)>
      start_backup;
  std::function<BackupState()> backup;
  // What is now of those series, of all machines.
  std::function<std::optional<FleetNow>(WantSeries)> fleet;
  // A question of this kind ("series", "now"…) took so long. May be empty.
  std::function<void(std::string_view kind, double seconds)> answered;
};

// The questions of docs/architecture.md, "Asking the collector", and docs/queries.md. Every request
// needs the secret.
class QueryPort {
 public:
  static constexpr size_t kMaxConnections = 512;

  // Listens at once; an Error names the address.
  static Result<std::unique_ptr<QueryPort>> Open(const HostPort& listen, std::string secret,
                                                 QueryBackend backend);
  // What listens in its place until the store is open: it tells everybody why it is not.
  static Result<std::unique_ptr<http::WaitingPort>> Wait(const HostPort& listen);
  virtual ~QueryPort() = default;

  virtual uint16_t port() const = 0;
  virtual void Start() = 0;
  // Cuts off who has not taken its answer; ends when every thread has.
  virtual void Stop() = 0;
};

}  // namespace haidang::collector
